import Alerting
import AuditEvents
import Detection
import PostgreSQL

/// Detection at work on one shard: the engine's alerts and its state go into the transaction of its checkpoint.
final class DetectionFold: ShardFold {
    let shard: Int32
    private let rules: RuleSet
    private let alerts = AlertStore()
    /// Nil until it is restored from the database.
    private var engine: DetectionEngine?
    private var idle = IdleWatch()

    init(shard: Int32, rules: RuleSet) { (self.shard, self.rules) = (shard, rules) }

    func fold(_ events: [SealedEvent], in connection: PostgresConnection) async throws {
        if engine == nil {
            engine = try await restored(connection)
            idle = IdleWatch(try await alerts.expiries(shard: shard, connection))
        }
        // What is told about alerts is not judged: it would move the clocks of a log that it is no part of.
        guard let changes = engine?.process(events.filter { !$0.event.header.type.isAboutAlerts }) else { return }
        for expiry in try await alerts.apply(changes, shard: shard, rules: rules, in: connection) { idle.note(expiry) }
        let due = idle.due { engine?.eventTime(of: $0) ?? .minimum }
        try await alerts.closeIdle(due, shard: shard, in: connection)
        try await store(engine?.takeStateChanges() ?? [], connection)
    }

    private func restored(_ connection: PostgresConnection) async throws -> DetectionEngine {
        var engine = DetectionEngine(rules: rules)
        let rows = try await connection.query("select kind, rule, tenant, member, value from audit.detection_state where shard = \(shard)")
        engine.restore(
            try rows.map { row in
                StateRow(
                    key: StateKey(
                        kind: try row.decode("kind", as: String.self), rule: try row.decode("rule", as: String.self),
                        tenant: try row.decode("tenant", as: String.self), group: try row.decode("member", as: String.self)),
                    value: try row.decode("value", as: PostgresBytes.self).bytes)
            })
        return engine
    }

    private func store(_ changes: [StateChange], _ connection: PostgresConnection) async throws {
        var upserts: [StateRow] = []
        var deletes: [StateKey] = []
        for change in changes {
            switch change {
            case .upsert(let row): upserts.append(row)
            case .delete(let key): deletes.append(key)
            }
        }
        if !upserts.isEmpty {
            let keys = upserts.map(\.key)
            try await connection.execute(
                """
                insert into audit.detection_state (shard, kind, rule, tenant, member, value)
                select \(shard), s.* from unnest(
                    \(keys.map(\.kind)), \(keys.map(\.rule)), \(keys.map(\.tenant)), \(keys.map(\.group)),
                    \(upserts.map { PostgresBytes($0.value) })) as s (kind, rule, tenant, member, value)
                on conflict (shard, kind, rule, tenant, member) do update set value = excluded.value
                """)
        }
        if !deletes.isEmpty {
            try await connection.execute(
                """
                delete from audit.detection_state d
                using unnest(\(deletes.map(\.kind)), \(deletes.map(\.rule)), \(deletes.map(\.tenant)), \(deletes.map(\.group)))
                    as s (kind, rule, tenant, member)
                where d.shard = \(shard) and d.kind = s.kind and d.rule = s.rule and d.tenant = s.tenant and d.member = s.member
                """)
        }
    }
}
