public import EventStore
public import Logging
public import PostgreSQL

/// How far a projection's generation has come in one shard.
public struct ProjectionStatus: Sendable, Hashable {
    public var name: String
    public var generation: Int32
    public var version: Int32
    /// `live` or `building`.
    public var state: String
    public var shard: Int32
    /// The next index to fold, and the next that will be sealed.
    public var next: Int64
    public var end: Int64
    /// Events sealed and not yet folded.
    public var lag: Int64 { end - next }
}

/// Listing and rebuilding projections, for the command line.
public struct ProjectionCatalog: Sendable {
    private let pool: PostgresPool
    private let logger: Logger

    public init(_ pool: PostgresPool, logger: Logger) { (self.pool, self.logger) = (pool, logger) }

    /// The names of the views, in the order in which they are listed.
    public static var views: [String] { Views.all.map { $0.name } }

    /// Every generation in every shard.
    public func status() async throws -> [ProjectionStatus] {
        try await pool.query(
            """
            select p.name, p.generation, p.version, p.state, c.shard, c.next_index, h.next_index as end_index
            from audit.projection p
            join audit.checkpoint c on c.name = p.name and c.generation = p.generation
            join audit.head h on h.shard = c.shard
            order by p.name, p.generation, c.shard
            """
        ).map { row in
            ProjectionStatus(
                name: try row.decode("name", as: String.self), generation: try row.decode("generation", as: Int32.self),
                version: try row.decode("version", as: Int32.self), state: try row.decode("state", as: String.self),
                shard: try row.decode("shard", as: Int32.self), next: try row.decode("next_index", as: Int64.self),
                end: try row.decode("end_index", as: Int64.self))
        }
    }

    /// Begins to build the view anew beside the live one; whichever workers run fill it and switch. Returns the new generation's number.
    ///
    /// - Throws: `StoreError` for an unknown name, for alerts, or while a rebuild is under way.
    public func rebuild(_ name: String) async throws -> Int32 { try await Generations(pool: pool, logger: logger).rebuild(name).number }

    /// Whether `generation` of `name` is the live one.
    public func isLive(_ name: String, _ generation: Int32) async throws -> Bool {
        try await !pool.query(
            "select 1 from audit.projection where name = \(name) and generation = \(generation) and state = 'live'"
        ).isEmpty
    }
}
