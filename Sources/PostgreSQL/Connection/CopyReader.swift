import Synchronization

/// The messages of `copyOut`, one for each row, in the format that the COPY names. The server waits while nobody reads.
public struct CopyReader: AsyncSequence, Sendable {
    private let state: CopyReading

    init(session: Session) {
        state = CopyReading(session: session)
    }

    /// The next message, nil after the last.
    public func next() async throws -> [UInt8]? {
        try await state.next()
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(reader: self)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let reader: CopyReader

        public mutating func next() async throws -> [UInt8]? {
            try await reader.next()
        }
    }

    /// Ends the reader's life. True when it had come to the end of the data.
    func close() -> Bool { state.close() }
}

private final class CopyReading: Sendable {
    private enum State {
        case open
        case ended
        case closed
    }

    private let session: Session
    private let state = Mutex(State.open)

    init(session: Session) {
        self.session = session
    }

    func next() async throws -> [UInt8]? {
        switch state.withLock({ $0 }) {
        case .ended: return nil
        case .closed: throw PostgresError(.usage, "a COPY was read after its body")
        case .open: break
        }
        let bytes = try await session.copyData()
        if bytes == nil { state.withLock { $0 = .ended } }
        return bytes
    }

    func close() -> Bool {
        state.withLock { state in
            defer { state = .closed }
            if case .ended = state { return true }
            return false
        }
    }
}
