public import Logging

/// Listens on channels for as long as it is read: a lost connection is made again, with back-off, and listens again.
///
/// What was notified while nobody listened is lost for good, so the reader looks at the tables themselves once after `.connected` and
/// after each `.reconnected`.
public struct PostgresListener: AsyncSequence, Sendable {
    /// What a reader hears; more cases may not come.
    public enum Event: Sendable, Hashable {
        /// LISTEN is in force for the first time.
        case connected
        /// LISTEN is in force again; notifications may have been missed.
        case reconnected
        case notification(PostgresNotification)
    }

    let configuration: PostgresConfiguration
    let channels: [String]
    let logger: Logger

    /// Connects when it is first read.
    public init(_ configuration: PostgresConfiguration, channels: [String], logger: Logger) {
        self.configuration = configuration
        self.channels = channels
        self.logger = logger
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(listener: self)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let listener: PostgresListener
        private var connection: PostgresConnection?
        private var backoff = Backoff()
        private var wasConnected = false

        init(listener: PostgresListener) {
            self.listener = listener
        }

        /// Throws `CancellationError`, and `PostgresError` for what waiting does not mend: a wrong URL, password, database or role.
        public mutating func next() async throws -> Event? {
            while true {
                do {
                    if let connection { return .notification(try await connection.nextNotification()) }
                    return try await connect()
                } catch let error as PostgresError where error.isTransient {
                    connection?.close()
                    connection = nil
                    listener.logger.info("listener lost its connection", metadata: ["error": "\(error)"])
                    if backoff.failures > 0 || !wasConnected { try await Task.sleep(for: backoff.fail()) } else { _ = backoff.fail() }
                }
            }
        }

        private mutating func connect() async throws -> Event {
            let fresh = try await PostgresConnection.connect(listener.configuration, logger: listener.logger)
            try await fresh.listen(on: listener.channels)
            connection = fresh
            backoff.succeed()
            defer { wasConnected = true }
            return wasConnected ? .reconnected : .connected
        }
    }
}
