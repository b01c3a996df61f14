package import AuditEvents
package import PostgreSQL

extension EventLeaf {
    /// What a leaf is read from, where `l` is the log and `e` the event, which may be missing.
    package static let columns =
        """
        l.index, l.sealed_at, l.id, l.time, e.v, e.tenant, e.source, e.type, e.outcome, e.reason, e.severity, e.actor_kind, e.privileged, \
        e.sensitivity, e.method, e.route, e.status, e.duration_us, e.body_hash
        """
    package static let columnCount = 19
    /// One event after the other by its key, whatever the planner thinks of tables that it has never counted: joined as a whole, a partition is
    /// read anew for every page.
    package static let source =
        """
        from audit.log l left join lateral (
            select e.*, e.tableoid from audit.event e where e.shard = l.shard and e.id = l.id and e.time = l.time limit 1
        ) e on true
        """

    /// Reads `columns`; nil where the event is missing.
    package init?(_ row: PostgresRow) throws {
        guard let hash = try row.decode(18, as: PostgresBytes?.self) else { return nil }
        self.init(
            version: try row.decode(4), id: try row.decode(2, as: PostgresUUID.self).description, time: try EventLeaf.time(row, 3),
            sealedAt: try EventLeaf.time(row, 1), tenant: try row.decode(5), source: try row.decode(6), type: try row.decode(7),
            outcome: try row.decode(8), reason: try row.decode(9), severity: try row.decode(10), actorKind: try row.decode(11),
            privileged: try row.decode(12), sensitivity: try row.decode(13), method: try row.decode(14), route: try row.decode(15),
            status: try row.decode(16), durationMicroseconds: try row.decode(17), bodyHash: hash.bytes)
    }

    private static func time(_ row: PostgresRow, _ column: Int) throws -> Timestamp {
        Timestamp(microseconds: try row.decode(column, as: PostgresTimestamp.self).microseconds)
    }
}
