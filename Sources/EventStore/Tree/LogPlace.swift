public import AuditEvents
public import PostgreSQL

/// Where an event stands in the record.
public struct LogPlace: Sendable, Hashable {
    public var shard: Int32
    public var index: Int64

    /// Nil for an event that is not sealed, or not there.
    public static func of(_ id: EventID, _ pool: PostgresPool) async throws -> LogPlace? {
        try await pool.query(
            """
            select l.shard, l.index from audit.head h join audit.log l on l.shard = h.shard and l.id = \(PostgresUUID(id))
            order by l.shard, l.index limit 1
            """
        ).first.map { LogPlace(shard: try $0.decode("shard", as: Int32.self), index: try $0.decode("index", as: Int64.self)) }
    }
}
