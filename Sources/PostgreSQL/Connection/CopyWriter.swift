import CLibpq

/// Takes the rows of `copyIn` in the binary format of COPY (chapter "COPY" of the PostgreSQL manual, "Binary Format").
///
/// The types of the values must be exactly those of the columns, for COPY converts nothing.
public struct CopyWriter: ~Copyable {
    @usableFromInline static var pieceSize: Int { 65536 }
    private let session: Session
    private let isBinary: Bool
    @usableFromInline var buffer: [UInt8] = []

    init(session: Session, isBinary: Bool) {
        self.session = session
        self.isBinary = isBinary
        buffer.reserveCapacity(Self.pieceSize + 4096)
        if isBinary {
            buffer += Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
            buffer.appendBigEndian(Int32(0))  // flags
            buffer.appendBigEndian(Int32(0))  // length of the header's extension
        }
    }

    /// Appends one row. A row that cannot be encoded throws and leaves no trace.
    @inlinable
    public mutating func row<each T: PostgresEncodable>(_ columns: repeat each T) async throws {
        let mark = buffer.count
        do {
            var count: Int16 = 0
            for _ in repeat each columns { count += 1 }
            buffer.appendBigEndian(count)
            repeat try append(each columns)
        } catch {
            buffer.removeLast(buffer.count - mark)
            throw error
        }
        if isFull { try await flush() }
    }

    /// Appends one row of columns whose types are known only at run time.
    public mutating func row(_ columns: [any PostgresEncodable]) async throws {
        let mark = buffer.count
        do {
            guard let count = Int16(exactly: columns.count) else { throw PostgresError(.usage, "a row of \(columns.count) columns") }
            buffer.appendBigEndian(count)
            for column in columns { try append(column) }
        } catch {
            buffer.removeLast(buffer.count - mark)
            throw error
        }
        if isFull { try await flush() }
    }

    /// Appends bytes as they are, for COPY in text or CSV format.
    public mutating func raw(_ bytes: some Sequence<UInt8>) async throws {
        buffer.append(contentsOf: bytes)
        if isFull { try await flush() }
    }

    @usableFromInline
    mutating func append<Value: PostgresEncodable>(_ value: Value) throws {
        if value.isPostgresNull {
            buffer.appendBigEndian(Int32(-1))
        } else {
            try buffer.appendValue(value)
        }
    }

    @usableFromInline var isFull: Bool { buffer.count >= Self.pieceSize }

    /// Sends what has gathered and waits until the socket has taken it.
    @usableFromInline
    mutating func flush() async throws {
        try Task.checkCancellation()
        try await send()
    }

    mutating func finish() async throws {
        if isBinary { buffer.appendBigEndian(Int16(-1)) }
        try await send()
    }

    private mutating func send() async throws {
        guard !buffer.isEmpty else { return }
        guard let count = Int32(exactly: buffer.count) else { throw PostgresError(.usage, "a row of more than 2 GiB") }
        while true {
            let code = buffer.withUnsafeBytes { bytes in
                PQputCopyData(session.handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), count)
            }
            if code == 1 { break }
            guard code == 0 else { throw session.connectionError() }
            try await session.receive(orWrite: true)
        }
        buffer.removeAll(keepingCapacity: true)
        try await session.flush()
    }
}
