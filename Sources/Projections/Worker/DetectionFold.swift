import Alerting
import AuditEvents
import Detection
import EventStore
import PostgreSQL

/// Detection at work on one shard: the engine's alerts and its state go into the transaction of its checkpoint.
final class DetectionFold: ShardFold {
    let shard: Int32
    private let rules: RulesAtWork
    private let alerts = AlertStore()
    /// Nil until it is restored from the database.
    private var engine: DetectionEngine?
    /// Which rules the engine has.
    private var revision = 0
    private var idle = IdleWatch()

    init(shard: Int32, rules: RulesAtWork) { (self.shard, self.rules) = (shard, rules) }

    /// Events before the present ones that rules which are new, or were changed, are caught up on.
    static let maximumHistory: Int64 = 50_000

    func fold(_ events: [SealedEvent], in connection: PostgresConnection) async throws {
        guard let first = events.first else { return }
        let (set, geo, revision) = rules.current
        if engine == nil || revision != self.revision {
            engine = try await restored(DetectionEngine(rules: set, geo: geo), connection)
            self.revision = revision
            idle = IdleWatch(try await alerts.expiries(shard: shard, connection))
            let history = try await history(before: first, connection)
            let found = engine?.catchUp(on: history) ?? []
            for expiry in try await alerts.apply(found, shard: shard, rules: set, in: connection) { idle.note(expiry) }
        }
        // What is told about alerts is not judged: it would move the clocks of a log that it is no part of.
        guard let changes = engine?.process(events.filter { !$0.event.header.type.isAboutAlerts }) else { return }
        for expiry in try await alerts.apply(changes, shard: shard, rules: set, in: connection) { idle.note(expiry) }
        let due = idle.due { engine?.eventTime(of: $0) ?? .minimum }
        try await alerts.closeIdle(due, shard: shard, in: connection)
        try await store(engine?.takeStateChanges() ?? [], connection)
    }

    /// The events that rules without a state have to know; none where every rule has one.
    private func history(before first: SealedEvent, _ connection: PostgresConnection) async throws -> [SealedEvent] {
        guard let reach = engine?.unknownReach else { return [] }
        var events: [SealedEvent] = []
        var from = max(0, first.index - Self.maximumHistory)
        let (earliest, overflow) = first.sealedAt.microseconds.subtractingReportingOverflow(reach)
        while from < first.index {
            let page = try await LogReader().read(connection, shard: shard, from: from, limit: Int(min(5000, first.index - from)))
            events += page.filter { (overflow || $0.sealedAt.microseconds >= earliest) && !$0.event.header.type.isAboutAlerts }
            from += 5000
        }
        return events
    }

    private func restored(_ new: DetectionEngine, _ connection: PostgresConnection) async throws -> DetectionEngine {
        var engine = new
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
