public import AuditEvents
public import Detection
import EventStore
public import PostgreSQL

/// The rows of alerts: written in the worker's transaction, read by people.
public struct AlertStore: Sendable {
    public init() {}

    /// Writes what detection found, in order, in the caller's transaction, and what that did to the life of the alerts, with its events.
    ///
    /// An alert that is there already is left as it is: what was opened once is opened once. Between two merges every alert changes once, so that
    /// a busy batch takes a few statements and not a few an alert.
    ///
    /// - Parameter rules: where the rules stand, for the texts that are kept with the alerts; without them alerts do not become idle.
    /// - Returns: when each alert that took events is idle unless it takes more.
    @discardableResult
    public func apply(
        _ changes: [AlertChange], shard: Int32, rules: RuleSet? = nil, in connection: PostgresConnection
    ) async throws -> [AlertExpiry] {
        var pending = Pending()
        var expiries: [AlertExpiry] = []
        for change in changes {
            switch change {
            case .open(let alert):
                pending.opened.append(alert)
                pending.add(alert.events, to: alert.id)
            case .extend(let more):
                pending.extended.append(more)
                pending.add(more.events, to: more.id)
            case .merge(let merge):
                expiries += try await write(pending, shard: shard, rules, connection)
                pending = Pending()
                try await self.merge(merge, shard: shard, connection)
            }
        }
        return expiries + (try await write(pending, shard: shard, rules, connection))
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

    private func write(
        _ pending: Pending, shard: Int32, _ rules: RuleSet?, _ connection: PostgresConnection
    ) async throws -> [AlertExpiry] {
        let opened = pending.opened
        var touched = AlertLives(shard: shard)
        var expiries: [AlertExpiry] = []
        let quiet = try await Outbox.quiet(pending.alerts, pending.events, shard: shard, connection)
        if !opened.isEmpty {
            let definitions = try await keep(opened, rules, connection)
            // An array of tags for each alert, which unnest would flatten: they go as JSON.
            let rows = try await connection.query(
                """
                insert into audit.alert (
                    shard, id, tenant, rule_id, rule_title, rule_name, rule_author, severity, tags, group_by, first_seen, last_seen, count, idle_after,
                    rule_digest, is_quiet)
                select \(shard), a.id, a.tenant, a.rule_id, a.rule_title, a.rule_name, a.rule_author, a.severity,
                    array(select jsonb_array_elements_text(a.tags)), a.group_by, a.first_seen, a.last_seen, a.count, a.idle_after,
                    a.rule_digest, a.is_quiet
                from unnest(
                    \(opened.map { PostgresUUID($0.id) }), \(opened.map(\.tenant)), \(opened.map(\.ruleID)), \(opened.map(\.ruleTitle)), \(opened.map(\.ruleName)),
                    \(opened.map(\.ruleAuthor)), \(opened.map(\.severity.rawValue)), \(opened.map { json(.array($0.tags.map(JSONValue.string))) }),
                    \(opened.map { json(.object(JSONObject($0.group.map { ($0.field, JSONValue.string($0.value)) }))) }),
                    \(opened.map { PostgresTimestamp($0.firstSeen) }), \(opened.map { PostgresTimestamp($0.lastSeen) }),
                    \(opened.map { Int64($0.count) }), \(opened.map { definitions[$0.ruleID]?.idleAfterMicroseconds }),
                    \(opened.map { definitions[$0.ruleID]?.digest }), \(opened.map { quiet.contains($0.id) })
                ) as a (
                    id, tenant, rule_id, rule_title, rule_name, rule_author, severity, tags, group_by, first_seen, last_seen, count, idle_after,
                    rule_digest, is_quiet)
                on conflict do nothing
                returning idle_after, \(unsafe: StoredAlert.columns)
                """)
            for row in rows {
                let alert = try StoredAlert(row)
                touched.opened(alert)
                if let expiry = try AlertExpiry(row, alert) { expiries.append(expiry) }
            }
        }
        let extended = pending.extended
        if !extended.isEmpty {
            let withEvents = Set(extended.lazy.filter { !$0.events.isEmpty }.map(\.id))
            let loud = extended.map { withEvents.contains($0.id) && !quiet.contains($0.id) }
            let rows = try await connection.query(
                """
                update audit.alert a
                set first_seen = e.first_seen, last_seen = e.last_seen, count = e.count, is_quiet = a.is_quiet and not e.loud
                from unnest(
                    \(extended.map { PostgresUUID($0.id) }), \(extended.map { PostgresTimestamp($0.firstSeen) }),
                    \(extended.map { PostgresTimestamp($0.lastSeen) }), \(extended.map { Int64($0.count) }), \(loud)
                ) as e (id, first_seen, last_seen, count, loud),
                    audit.alert before
                where a.shard = \(shard) and a.id = e.id and before.shard = a.shard and before.id = a.id
                returning a.idle_after, before.is_quiet and not a.is_quiet as is_awakened, \(unsafe: StoredAlert.columns(of: "a"))
                """)
            for row in rows {
                let alert = try StoredAlert(row)
                if try row.decode("is_awakened", as: Bool.self) { touched.awaken(alert) }
                if withEvents.contains(alert.id) { touched.take(.hits, alert) }
                if let expiry = try AlertExpiry(row, alert) { expiries.append(expiry) }
            }
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
        try await settleGroups(&touched, connection)
        try await record(touched, connection)
        return expiries
    }

    private func merge(_ merge: AlertMerge, shard: Int32, _ connection: PostgresConnection) async throws {
        var lives = AlertLives(shard: shard)
        let both = try await locked([merge.absorbed, merge.into], shard: shard, connection)
        if let absorbed = both.first(where: { $0.id == merge.absorbed }) {
            if let survivor = both.first(where: { $0.id == merge.into }) {
                lives.take(.absorbed(active: absorbed.state.isActive), survivor)
                if survivor.isQuiet, !absorbed.isQuiet { lives.awaken(survivor) }
            }
            lives.take(.mergedAway, absorbed)
        }
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
            update audit.alert set merged_into = \(PostgresUUID(merge.into))
            where shard = \(shard) and id = \(PostgresUUID(merge.absorbed))
            """)
        for alert in lives.loudened {
            try await connection.execute(
                "update audit.alert set is_quiet = false where shard = \(shard) and id = \(PostgresUUID(alert))")
        }
        try await record(lives, connection)
    }

    /// Keeps the text of the rules that opened alerts.
    private func keep(
        _ opened: [Alert], _ rules: RuleSet?, _ connection: PostgresConnection
    ) async throws -> [String: RuleDefinition] {
        var definitions: [String: RuleDefinition] = [:]
        for id in Set(opened.map(\.ruleID)) { definitions[id] = rules?.definition(of: id) }
        guard !definitions.isEmpty else { return [:] }
        // In one order, so that two shards that keep the same rules wait for each other and no more.
        let kept = definitions.values.sorted { $0.digest < $1.digest }
        try await connection.execute(
            """
            insert into audit.rule_version (digest, rule_id, title, source)
            select d.* from unnest(\(kept.map(\.digest)), \(kept.map(\.id)), \(kept.map(\.title)), \(kept.map(\.source)))
                as d (digest, rule_id, title, source)
            where not exists (select from audit.rule_version v where v.digest = d.digest)
            on conflict do nothing
            """)
        return definitions
    }

    private func json(_ value: JSONValue) -> PostgresJSON {
        PostgresJSON(text: String(decoding: CanonicalJSON.encode(value), as: UTF8.self))
    }
}
