import CLibpq

/// A message of NOTIFY.
public struct PostgresNotification: Sendable, Hashable {
    public var channel: String
    public var payload: String
    /// The process id of the backend that sent it.
    public var senderPID: Int32
}

extension PostgresConnection {
    /// Starts listening now, so that nothing committed after this call goes unheard; `notifications` reads what comes.
    public func listen(on channels: [String]) async throws {
        let script = channels.map { "LISTEN \(SQL.quoted(identifier: $0))" }.joined(separator: ";")
        try await perform { session in
            session.isListening = true
            try await session.runSimple(script)
        }
    }

    /// Listens on channels and gives what arrives. The sequence throws when the connection breaks (`PostgresListener` goes on then),
    /// and `CancellationError`. While a task waits in it the connection serves nothing else.
    public func notifications(on channels: [String]) -> PostgresNotifications {
        PostgresNotifications(connection: self, channels: channels)
    }

    /// Waits for the next notification of the channels that the connection listens on.
    func nextNotification() async throws -> PostgresNotification {
        try Task.checkCancellation()
        session.watch.clearInterruption()
        return try await withTaskCancellationHandler {
            try await performUncancelled(engagement: "notifications") { session in
                while true {
                    if let notification = session.takeNotification() { return notification }
                    try Task.checkCancellation()
                    try await session.receive()
                }
            }
        } onCancel: {
            // Nothing runs at the server that could be cancelled; only the wait must end.
            session.watch.interrupt()
        }
    }
}

extension Session {
    /// A notification that has come in already.
    func takeNotification() -> PostgresNotification? {
        guard let notify = PQnotifies(handle) else { return nil }
        defer { PQfreemem(notify) }
        return PostgresNotification(
            channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra),
            senderPID: notify.pointee.be_pid)
    }
}

/// What arrives on the channels of one connection.
public struct PostgresNotifications: AsyncSequence, Sendable {
    let connection: PostgresConnection
    let channels: [String]

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(connection: connection, channels: channels)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let connection: PostgresConnection
        let channels: [String]
        private var isListening = false

        init(connection: PostgresConnection, channels: [String]) {
            self.connection = connection
            self.channels = channels
        }

        public mutating func next() async throws -> PostgresNotification? {
            if !isListening {
                try await connection.listen(on: channels)
                isListening = true
            }
            return try await connection.nextNotification()
        }
    }
}
