import AuditEvents
import Detection
import EventStore
import PostgreSQL

/// Something about an alert that people are to be told.
struct AlertNews: Sendable, Hashable {
    enum Kind: String, Sendable, Hashable {
        case opened, reopened, resolved, merged
        case falsePositive = "false_positive"

        /// Whether there is something to do; otherwise it is over.
        var isFiring: Bool { self == .opened || self == .reopened }
    }

    var shard: Int32
    var alert: AlertID
    var kind: Kind
}

/// What is to be told, from the transaction that made it so until it is known to whom.
enum Outbox {
    static func write(_ news: [AlertNews], _ connection: PostgresConnection) async throws {
        guard !news.isEmpty else { return }
        try await connection.execute(
            """
            insert into audit.outbox (shard, alert, kind)
            select n.shard, n.alert, n.kind
            from unnest(\(news.map(\.shard)), \(news.map { PostgresUUID($0.alert) }), \(news.map(\.kind.rawValue)))
                with ordinality as n (shard, alert, kind, place)
            order by n.place
            """)
    }

    /// The alerts all of whose events here are of imports that are not to be delivered.
    static func quiet(
        _ alerts: [PostgresUUID], _ events: [PostgresUUID], shard: Int32, _ connection: PostgresConnection
    ) async throws -> Set<AlertID> {
        guard !alerts.isEmpty else { return [] }
        let times = events.map { PostgresTimestamp(EventID(high: $0.high, low: $0.low)?.time ?? .epoch) }
        // An event that is gone tells nothing: the others decide, and with none of them people are told.
        let rows = try await connection.query(
            """
            select p.alert
            from unnest(\(alerts), \(events), \(times)) as p (alert, event, time)
            join audit.event e on e.shard = \(shard) and e.id = p.event and e.time = p.time
            left join audit.quiet_batch q on q.tx = e.tx and q.recorded_at = e.recorded_at
            where (select exists (select from audit.quiet_batch))
            group by p.alert
            having bool_and(q.tx is not null)
            """)
        return Set(try rows.map { AlertID(try $0.decode("alert", as: PostgresUUID.self)) })
    }
}
