public import AuditEvents
public import PostgreSQL

/// The record in PostgreSQL, as an `EventLog`.
public struct PostgresEventLog: EventLog {
    let pool: PostgresPool
    let appender: Appender
    let sealer: Sealer
    let reader = LogReader()

    /// - Parameter pool: under a role that may append, seal and read (`cardea_worker`).
    public init(_ pool: PostgresPool) {
        self.pool = pool
        appender = Appender(pool)
        sealer = Sealer(pool)
    }

    public func append(_ events: [EncodedEvent]) async throws -> Int { try await appender.append(events) }

    public func shard(of tenant: String) async throws -> Int32 { try await appender.shard(of: tenant) }

    public func seal(_ shard: Int32) async throws -> Int {
        var total = 0
        while true {
            let sealed = try await sealer.seal(shard)
            total += sealed.count
            if !sealed.more { return total }
        }
    }

    public func read(shard: Int32, from: Int64, limit: Int) async throws -> [SealedEvent] {
        try await pool.withConnection { try await reader.read($0, shard: shard, from: from, limit: limit) }
    }

    public func nextIndex(shard: Int32) async throws -> Int64 {
        try await pool.withConnection { try await reader.nextIndex($0, shard: shard) }
    }

    public func shards() async throws -> [Int32] { try await sealer.shards() }
}
