import CLibpq
public import Logging
import Synchronization

/// One session with the server. Calls of several tasks are served in turn; a transaction belongs to the task that opened it, so
/// share a connection between tasks only for independent statements.
///
/// Cancelling the task that waits for a call cancels the statement at the server, and the call throws `CancellationError`. A call
/// whose statement was already done when the cancellation arrived gives its result.
public final class PostgresConnection: Sendable {
    let session: Session
    let turn = ConnectionTurn()
    let logger: Logger
    /// How many transactions of `withTransaction` are open: 0 none, 1 the outermost, more are savepoints.
    let transactionDepth = Mutex(0)
    private let isClosed = Mutex(false)

    private init(session: Session, logger: Logger) {
        self.session = session
        self.logger = logger
    }

    /// Opens a connection; the last reference to it closes it, or `close()` before. `withPostgresConnection` lends one.
    ///
    /// Throws `PostgresError`: `.usage` for a URL that libpq cannot read, `.connection` for a server that is away or refuses.
    public static func connect(_ configuration: PostgresConfiguration, logger: Logger) async throws -> PostgresConnection {
        try Task.checkCancellation()
        let established = try await BlockingCall.runAbandonable(
            "postgres-connect", discard: { $0.discard() }, { try EstablishedConnection.open(configuration) })
        let connection = PostgresConnection(session: try Session(established, logger: logger), logger: logger)
        do {
            try await connection.simple(configuration.sessionSetup)
        } catch let error as PostgresError where error.code == .server {
            // A role that does not exist or may not be taken makes the connection useless, as a wrong password does.
            throw PostgresError(.connection, sqlState: error.sqlState, error.message, underlying: error)
        }
        return connection
    }

    /// The process id of the server's backend, as `pg_stat_activity.pid` shows it.
    public var backendPID: Int32 { session.backendPID }

    /// Runs one statement and gives its rows, in binary form.
    ///
    /// The statement is prepared once a connection and reused. Throws `PostgresError`: `.server` with its SQLSTATE, `.connection`,
    /// `.usage`; `CancellationError`.
    public func query(_ sql: SQL) async throws -> [PostgresRow] {
        try await perform { try await $0.run(sql) }.rows
    }

    /// Runs one statement and reads its first columns as typed tuples.
    ///
    ///     for (name, count) in try await connection.query("SELECT name, count …", as: (String, Int).self) { … }
    public func query<each T: PostgresDecodable>(_ sql: SQL, as type: (repeat each T).Type) async throws -> [(repeat each T)] {
        let result = try await perform { try await $0.run(sql) }
        var rows: [(repeat each T)] = []
        rows.reserveCapacity(result.rowCount)
        for row in result.rows { rows.append(try row.decode(as: type)) }
        return rows
    }

    /// Runs one statement and reads its first column.
    public func query<T: PostgresDecodable>(_ sql: SQL, as type: T.Type) async throws -> [T] {
        try await query(sql).map { try $0.decode(0, as: type) }
    }

    /// Runs one statement and gives the number of rows that it touched, as its command tag tells it.
    @discardableResult
    public func execute(_ sql: SQL) async throws -> Int {
        try await perform { try await $0.run(sql) }.affectedRows
    }

    /// Runs a script of any number of statements without binds, in one implicit transaction unless it has its own (the simple
    /// protocol). The first error ends it.
    public func simple(_ script: String) async throws {
        try await perform { _ = try await $0.runSimple(script) }
    }

    /// Runs statements in one round trip. Without an explicit transaction around them they are one: the first error undoes and ends
    /// all, and is thrown. Gives the rows of each statement.
    public func pipeline(_ statements: [SQL]) async throws -> [[PostgresRow]] {
        guard !statements.isEmpty else { return [] }
        return try await perform { try await $0.runPipeline(statements) }.map(\.rows)
    }

    /// Ends the session. Calls that come later throw `.closed`.
    public func close() {
        isClosed.withLock { $0 = true }
        session.watch.shutdown()
    }

    // MARK: Turns

    /// Runs the steps of one call while holding the turn, with the task's cancellation carried to the server.
    func perform<R>(engagement: String? = nil, _ steps: (Session) async throws -> R) async throws -> R {
        try Task.checkCancellation()
        try await turn.take(engagement: engagement)
        defer { turn.give() }
        try checkUsable()
        let session = session
        let operation = session.cancellation.begin()
        do {
            let result = try await withTaskCancellationHandler {
                try await steps(session)
            } onCancel: {
                session.cancellation.request(operation)
            }
            _ = await session.cancellation.end()
            return result
        } catch {
            throw await reason(of: error)
        }
    }

    /// As `perform`, without telling the server of the task's cancellation: for ROLLBACK and COMMIT.
    func performUncancelled<R>(engagement: String? = nil, _ steps: (Session) async throws -> R) async throws -> R {
        try await turn.takeUncancelled(engagement: engagement)
        defer { turn.give() }
        try checkUsable()
        do {
            return try await steps(session)
        } catch {
            throw closedError(instead: error)
        }
    }

    private func checkUsable() throws {
        guard !isClosed.withLock({ $0 }) else { throw PostgresError(.closed, "the connection was closed") }
        guard !session.isBroken else { throw session.connectionError() }
    }

    private func reason(of error: any Error) async -> any Error {
        let wasCancelled = await session.cancellation.end()
        guard wasCancelled, let known = error as? PostgresError, known.code == .cancelled || known.code == .connection else {
            return closedError(instead: error)
        }
        return CancellationError()
    }

    private func closedError(instead error: any Error) -> any Error {
        guard isClosed.withLock({ $0 }), let known = error as? PostgresError, known.code == .connection else { return error }
        return PostgresError(.closed, "the connection was closed", underlying: error)
    }
}

/// Lends a connection of its own and closes it afterwards.
@discardableResult
public func withPostgresConnection<R: Sendable>(
    _ configuration: PostgresConfiguration, logger: Logger, _ body: (PostgresConnection) async throws -> R
) async throws -> R {
    let connection = try await PostgresConnection.connect(configuration, logger: logger)
    defer { connection.close() }
    return try await body(connection)
}
