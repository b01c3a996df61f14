import CLibpq
import Logging
import Synchronization

/// How a transaction runs. Unset properties leave the server's defaults.
public struct TransactionOptions: Sendable {
    /// The isolation levels of the server; see chapter 13.2 of its manual.
    public struct Isolation: Sendable, Hashable {
        let sql: String
        public static let readCommitted = Self(sql: "READ COMMITTED")
        public static let repeatableRead = Self(sql: "REPEATABLE READ")
        public static let serializable = Self(sql: "SERIALIZABLE")
    }

    public var isolation: Isolation?
    public var readOnly: Bool

    public init(isolation: Isolation? = nil, readOnly: Bool = false) {
        self.isolation = isolation
        self.readOnly = readOnly
    }

    var begin: String {
        var sql = "BEGIN"
        if let isolation { sql += " ISOLATION LEVEL \(isolation.sql)" }
        if readOnly { sql += " READ ONLY" }
        return sql
    }
}

extension PostgresConnection {
    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws or its task is cancelled. Inside another
    /// one it is a savepoint, and the options say nothing.
    ///
    /// Throws what the body throws, and `PostgresError` with SQLSTATE 25P02 where the body has swallowed the error of a statement,
    /// for then nothing can be committed.
    @discardableResult
    public func withTransaction<R: Sendable>(
        _ options: TransactionOptions = .init(), _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        let depth = transactionDepth.withLock { depth in
            depth += 1
            return depth
        }
        defer { transactionDepth.withLock { $0 -= 1 } }
        let savepoint = "cardea_\(depth)"
        try Task.checkCancellation()
        // Not cancelled on the way: it is over at once, and then it is known whether there is something to undo.
        try await performUncancelled { session in
            _ = try await session.runSimple(depth == 1 ? options.begin : "SAVEPOINT \(savepoint)")
        }
        let value: R
        do {
            value = try await body(self)
            try Task.checkCancellation()
        } catch {
            await undo(depth == 1 ? "ROLLBACK" : "ROLLBACK TO SAVEPOINT \(savepoint); RELEASE SAVEPOINT \(savepoint)")
            throw error
        }
        try await performUncancelled { session in
            if depth > 1, session.transactionStatus == PQTRANS_INERROR {
                try await session.runSimple("ROLLBACK TO SAVEPOINT \(savepoint); RELEASE SAVEPOINT \(savepoint)")
                throw Self.swallowed
            }
            let result = try await session.runSimple(depth == 1 ? "COMMIT" : "RELEASE SAVEPOINT \(savepoint)")
            // The server answers COMMIT of a failed transaction with ROLLBACK, and no error.
            if depth == 1, result?.commandTag == "ROLLBACK" { throw Self.swallowed }
        }
        return value
    }

    private static var swallowed: PostgresError {
        PostgresError(.server, sqlState: "25P02", "the transaction was rolled back, for a statement in it had failed")
    }

    private func undo(_ script: String) async {
        do {
            try await performUncancelled { _ = try await $0.runSimple(script) }
        } catch {
            // The server undoes by itself what a broken connection left; a connection that cannot roll back must not be used again.
            logger.debug("rollback failed", metadata: ["error": "\(error)"])
            session.watch.shutdown()
        }
    }

    /// Makes a connection fit for the next borrower: ends a transaction that was left open. False when it must be thrown away.
    func tidy() async -> Bool {
        guard !session.isBroken else { return false }
        do {
            switch session.transactionStatus {
            case PQTRANS_IDLE:
                break
            case PQTRANS_INTRANS, PQTRANS_INERROR:
                logger.warning("connection returned with an open transaction; rolled back")
                try await performUncancelled { _ = try await $0.runSimple("ROLLBACK") }
            default:
                return false
            }
            if session.isListening {
                try await performUncancelled { session in
                    try await session.runSimple("UNLISTEN *")
                    while session.takeNotification() != nil {}
                    session.isListening = false
                }
            }
            return session.transactionStatus == PQTRANS_IDLE
        } catch {
            return false
        }
    }

    /// False when the server has said something while the connection lay idle: most likely that it ends the session. The end itself
    /// may follow a moment later, so such a connection is not worth a second look.
    var isAlive: Bool {
        !session.isBroken && session.transactionStatus == PQTRANS_IDLE && session.watch.isQuiet
    }
}
