public import AuditEvents
public import Detection
import EventStore
public import PostgreSQL

/// The rows of alerts: written in the worker's transaction, read by people.
public struct AlertStore: Sendable {
    public init() {}

    /// Writes what detection found, in order, in the caller's transaction.
    ///
    /// An alert that is there already is left as it is: what was opened once is opened once. Between two merges every alert changes once, so that
    /// a busy batch takes three statements and not three an alert.
    public func apply(_ changes: [AlertChange], shard: Int32, in connection: PostgresConnection) async throws {
        var pending = Pending()
        for change in changes {
            switch change {
            case .open(let alert):
                pending.opened.append(alert)
                pending.add(alert.events, to: alert.id)
            case .extend(let more):
                pending.extended.append(more)
                pending.add(more.events, to: more.id)
            case .merge(let merge):
                try await write(pending, shard: shard, connection)
                pending = Pending()
                try await self.merge(merge, shard: shard, connection)
            }
        }
        try await write(pending, shard: shard, connection)
    }

    private struct Pending {
        var opened: [Alert] = []
        var extended: [AlertExtension] = []
        var alerts: [PostgresUUID] = []
        var events: [PostgresUUID] = []
        var indexes: [Int64] = []

        mutating func add(_ more: [AlertEvent], to alert: AlertID) {
            for event in more {
                alerts.append(PostgresUUID(alert))
                events.append(PostgresUUID(high: event.id.high, low: event.id.low))
                indexes.append(event.index)
            }
        }
    }

    private func write(_ pending: Pending, shard: Int32, _ connection: PostgresConnection) async throws {
        let opened = pending.opened
        if !opened.isEmpty {
            // An array of tags for each alert, which unnest would flatten: they go as JSON.
            try await connection.execute(
                """
                insert into audit.alert (
                    shard, id, tenant, rule_id, rule_title, rule_author, severity, tags, group_by, first_seen, last_seen, count)
                select \(shard), a.id, a.tenant, a.rule_id, a.rule_title, a.rule_author, a.severity,
                    array(select jsonb_array_elements_text(a.tags)), a.group_by, a.first_seen, a.last_seen, a.count
                from unnest(
                    \(opened.map { PostgresUUID($0.id) }), \(opened.map(\.tenant)), \(opened.map(\.ruleID)), \(opened.map(\.ruleTitle)),
                    \(opened.map(\.ruleAuthor)), \(opened.map(\.severity.rawValue)), \(opened.map { json(.array($0.tags.map(JSONValue.string))) }),
                    \(opened.map { json(.object(JSONObject($0.group.map { ($0.field, JSONValue.string($0.value)) }))) }),
                    \(opened.map { PostgresTimestamp($0.firstSeen) }), \(opened.map { PostgresTimestamp($0.lastSeen) }),
                    \(opened.map { Int64($0.count) })
                ) as a (id, tenant, rule_id, rule_title, rule_author, severity, tags, group_by, first_seen, last_seen, count)
                on conflict do nothing
                """)
        }
        let extended = pending.extended
        if !extended.isEmpty {
            try await connection.execute(
                """
                update audit.alert a set first_seen = e.first_seen, last_seen = e.last_seen, count = e.count
                from unnest(
                    \(extended.map { PostgresUUID($0.id) }), \(extended.map { PostgresTimestamp($0.firstSeen) }),
                    \(extended.map { PostgresTimestamp($0.lastSeen) }), \(extended.map { Int64($0.count) })
                ) as e (id, first_seen, last_seen, count)
                where a.shard = \(shard) and a.id = e.id
                """)
        }
        if !pending.events.isEmpty {
            try await connection.execute(
                """
                insert into audit.alert_event (shard, alert, event, index)
                select \(shard), e.alert, e.event, e.index
                from unnest(\(pending.alerts), \(pending.events), \(pending.indexes)) as e (alert, event, index)
                on conflict do nothing
                """)
        }
    }

    private func merge(_ merge: AlertMerge, shard: Int32, _ connection: PostgresConnection) async throws {
        try await connection.execute(
            """
            with moved as (
                delete from audit.alert_event where shard = \(shard) and alert = \(PostgresUUID(merge.absorbed)) returning event, index
            )
            insert into audit.alert_event (shard, alert, event, index)
            select \(shard), \(PostgresUUID(merge.into)), event, index from moved
            on conflict do nothing
            """)
        try await connection.execute(
            """
            update audit.alert set state = 'merged', merged_into = \(PostgresUUID(merge.into))
            where shard = \(shard) and id = \(PostgresUUID(merge.absorbed))
            """)
    }

    private func json(_ value: JSONValue) -> PostgresJSON {
        PostgresJSON(text: String(decoding: CanonicalJSON.encode(value), as: UTF8.self))
    }
}

extension PostgresUUID {
    init(_ id: AlertID) { self.init(high: id.high, low: id.low) }
}
