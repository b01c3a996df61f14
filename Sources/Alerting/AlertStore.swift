public import AuditEvents
public import Detection
import EventStore
public import PostgreSQL

/// The rows of alerts: written in the worker's transaction, read by people.
public struct AlertStore: Sendable {
    public init() {}

    /// Writes what detection found, in order, in the caller's transaction.
    ///
    /// An alert that is there already is left as it is: what was opened once is opened once.
    public func apply(_ changes: [AlertChange], shard: Int32, in connection: PostgresConnection) async throws {
        for change in changes {
            switch change {
            case .open(let alert): try await open(alert, shard: shard, connection)
            case .extend(let more):
                try await connection.execute(
                    """
                    update audit.alert set first_seen = \(PostgresTimestamp(more.firstSeen)), last_seen = \(PostgresTimestamp(more.lastSeen)),
                        count = \(Int64(more.count))
                    where shard = \(shard) and id = \(uuid(more.id))
                    """)
                try await add(more.events, to: more.id, shard: shard, connection)
            case .merge(let merge):
                try await connection.execute(
                    """
                    with moved as (
                        delete from audit.alert_event where shard = \(shard) and alert = \(uuid(merge.absorbed)) returning event, index
                    )
                    insert into audit.alert_event (shard, alert, event, index)
                    select \(shard), \(uuid(merge.into)), event, index from moved
                    on conflict do nothing
                    """)
                try await connection.execute(
                    """
                    update audit.alert set state = 'merged', merged_into = \(uuid(merge.into))
                    where shard = \(shard) and id = \(uuid(merge.absorbed))
                    """)
            }
        }
    }

    private func open(_ alert: Alert, shard: Int32, _ connection: PostgresConnection) async throws {
        let group = JSONObject(alert.group.map { ($0.field, JSONValue.string($0.value)) })
        try await connection.execute(
            """
            insert into audit.alert (
                shard, id, tenant, rule_id, rule_title, rule_author, severity, tags, group_by, first_seen, last_seen, count)
            values (
                \(shard), \(uuid(alert.id)), \(alert.tenant), \(alert.ruleID), \(alert.ruleTitle), \(alert.ruleAuthor), \(alert.severity.rawValue),
                \(alert.tags), \(PostgresJSON(text: String(decoding: CanonicalJSON.encode(.object(group)), as: UTF8.self))),
                \(PostgresTimestamp(alert.firstSeen)), \(PostgresTimestamp(alert.lastSeen)), \(Int64(alert.count)))
            on conflict do nothing
            """)
        try await add(alert.events, to: alert.id, shard: shard, connection)
    }

    private func add(_ events: [AlertEvent], to alert: AlertID, shard: Int32, _ connection: PostgresConnection) async throws {
        guard !events.isEmpty else { return }
        try await connection.execute(
            """
            insert into audit.alert_event (shard, alert, event, index)
            select \(shard), \(uuid(alert)), e.id, e.index
            from unnest(\(events.map { PostgresUUID(high: $0.id.high, low: $0.id.low) }), \(events.map(\.index))) as e (id, index)
            on conflict do nothing
            """)
    }

    private func uuid(_ id: AlertID) -> PostgresUUID { PostgresUUID(high: id.high, low: id.low) }
}
