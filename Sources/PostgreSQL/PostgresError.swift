/// What went wrong with the database, a connection to it, or the private cluster.
///
/// `description` is safe to log: it holds neither bind values nor passwords. `debugDescription` tells all that the server said,
/// which may quote values (never a password).
public struct PostgresError: Error, Sendable {
    /// The kind of a failure; more kinds may come.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        public let description: String

        /// The server refused a statement; see `sqlState`.
        public static let server = Self(description: "server")
        /// The server cannot be reached, or the connection to it broke. Whether a running COMMIT took effect is then unknown.
        public static let connection = Self(description: "connection")
        /// No connection became free within `PostgresConfiguration.acquireTimeout`.
        public static let poolTimeout = Self(description: "poolTimeout")
        /// The server cancelled the statement for another reason than this task's cancellation (SQLSTATE 57014).
        public static let cancelled = Self(description: "cancelled")
        /// The connection or pool was closed by its owner.
        public static let closed = Self(description: "closed")
        /// A value cannot be read as the asked type.
        public static let decoding = Self(description: "decoding")
        /// The call itself is wrong: a NUL in a string, two results at once, COPY through `query`.
        public static let usage = Self(description: "usage")
        /// The private cluster cannot be set up, started or stopped.
        public static let cluster = Self(description: "cluster")
    }

    public var code: Code
    /// Five characters, see appendix A of the PostgreSQL manual.
    public var sqlState: String?
    /// The primary message, as it came.
    public var message: String
    public var detail: String?
    public var hint: String?
    public var schema: String?
    public var table: String?
    public var column: String?
    public var constraint: String?
    /// The server's function that raised the error, and where: the PL/pgSQL call stack.
    public var context: String?
    /// The text of the statement, without its binds.
    public var statement: String?
    public var underlying: (any Error)?

    public init(_ code: Code, sqlState: String? = nil, _ message: String, hint: String? = nil, underlying: (any Error)? = nil) {
        self.code = code
        self.sqlState = sqlState
        self.message = message
        self.hint = hint
        self.underlying = underlying
    }

    /// True when the same call may succeed later against an unchanged database: lost connections, restarts, serialization
    /// failures and deadlocks.
    public var isTransient: Bool {
        if code == .connection || code == .poolTimeout { return sqlState.map { !Self.isPermanent($0) } ?? true }
        guard let sqlState else { return false }
        return sqlState.hasPrefix("40") || sqlState.hasPrefix("53") || sqlState.hasPrefix("57P")
    }

    /// States of a refused connection that waiting does not mend: wrong password, role, database or permission.
    static func isPermanent(_ sqlState: String) -> Bool {
        sqlState.hasPrefix("28") || sqlState.hasPrefix("3D") || sqlState.hasPrefix("42") || sqlState.hasPrefix("0A")
            || sqlState.hasPrefix("22")
    }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String {
        var text = "PostgreSQL \(code)"
        if let sqlState { text += " \(sqlState)" }
        text += ": " + safeMessage
        if let table { text += " [table \(schema.map { "\($0)." } ?? "")\(table)]" }
        if let constraint { text += " [constraint \(constraint)]" }
        if code != .server, let hint { text += " (\(hint))" }
        return text
    }

    public var debugDescription: String {
        var text = "PostgreSQL \(code)"
        if let sqlState { text += " \(sqlState)" }
        text += ": \(message)"
        for (name, value) in [
            ("detail", detail), ("hint", hint), ("schema", schema), ("table", table), ("column", column),
            ("constraint", constraint), ("context", context), ("statement", statement),
        ] {
            if let value { text += "\n  \(name): \(value)" }
        }
        if let underlying { text += "\n  underlying: \(String(reflecting: underlying))" }
        return text
    }

    /// Class 22 (data exception) quotes the offending value in its primary message; all other classes quote names only.
    private var safeMessage: String {
        guard code == .server, let sqlState, sqlState.hasPrefix("22"), let quote = message.utf8.firstIndex(of: UInt8(ascii: "\""))
        else { return message }
        return message[..<quote] + "…"
    }
}
