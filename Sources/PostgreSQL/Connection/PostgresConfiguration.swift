/// Where the database is and how connections to it behave.
public struct PostgresConfiguration: Sendable {
    /// A URI or a keyword=value string, handed to libpq unchanged (TLS, service files and several hosts as it says).
    public var url: String
    /// The role of the session after it has signed in (`SET ROLE`).
    public var role: String?
    /// What `pg_stat_activity` shows, unless the URL or the environment names it.
    public var applicationName: String
    /// The most connections that a pool opens.
    public var maximumConnections: Int
    /// How long a task waits for a connection of the pool.
    public var acquireTimeout: Duration
    /// How long one attempt to connect may take.
    public var connectTimeout: Duration
    /// After which idle time inside a transaction the server ends the session; nil leaves the server's setting.
    public var idleInTransactionTimeout: Duration?

    public init(
        url: String, role: String? = nil, applicationName: String = "cardea", maximumConnections: Int = 8,
        acquireTimeout: Duration = .seconds(10), connectTimeout: Duration = .seconds(5), idleInTransactionTimeout: Duration? = nil
    ) {
        self.url = url
        self.role = role
        self.applicationName = applicationName
        self.maximumConnections = maximumConnections
        self.acquireTimeout = acquireTimeout
        self.connectTimeout = connectTimeout
        self.idleInTransactionTimeout = idleInTransactionTimeout
    }

    /// What a session says first.
    var sessionSetup: String {
        // Statements are prepared once a connection, but planned each time: partitions begin empty, and a plan that was kept from then (by
        // PostgreSQL's choice after five runs) reads one index as far as its first column, over and over, when they are large.
        var script = "SET TIME ZONE 'UTC'; SET plan_cache_mode = force_custom_plan"
        if let idleInTransactionTimeout {
            let milliseconds = Int(max(1, idleInTransactionTimeout / .milliseconds(1)))
            script += "; SET idle_in_transaction_session_timeout = \(milliseconds)"
        }
        if let role { script += "; SET ROLE \(SQL.quoted(identifier: role))" }
        return script
    }
}
