public import AuditEvents
public import Detection
import EventStore
public import PostgreSQL

extension AlertStore {
    /// When each alert of `shard` that takes events still is idle: where a worker's `IdleWatch` begins.
    public func expiries(shard: Int32, _ connection: PostgresConnection) async throws -> [AlertExpiry] {
        try await connection.query(
            "select id, tenant, last_seen, idle_after from audit.alert where shard = \(shard) and not is_idle and idle_after is not null"
        ).map { row in
            let last = try row.decode("last_seen", as: PostgresTimestamp.self).microseconds
            return AlertExpiry(
                id: AlertID(try row.decode("id", as: PostgresUUID.self)), tenant: try row.decode("tenant", as: String.self),
                time: Timestamp(microseconds: last + (try row.decode("idle_after", as: Int64.self))))
        }
    }

    /// Resolves the alerts that take no more events, in the caller's transaction; those that a person closed are only noted as idle.
    public func closeIdle(_ ids: [AlertID], shard: Int32, in connection: PostgresConnection) async throws {
        guard !ids.isEmpty else { return }
        var lives = AlertLives(shard: shard)
        for alert in try await locked(ids, shard: shard, connection) { lives.take(.idle, alert) }
        try await record(lives, connection)
    }

    /// The alerts, locked in the order of their ids until the transaction ends: a person's change waits, and then finds another revision.
    func locked(_ ids: [AlertID], shard: Int32, _ connection: PostgresConnection) async throws -> [StoredAlert] {
        try await connection.query(
            """
            select \(unsafe: StoredAlert.columns) from audit.alert
            where shard = \(shard) and id = any (\(ids.map { PostgresUUID($0) })) order by id for no key update
            """
        ).map(StoredAlert.init)
    }

    /// Of one rule and group at most one alert is active: the latest.
    func settleGroups(_ lives: inout AlertLives, _ connection: PostgresConnection) async throws {
        let awakened = lives.awakened
        guard !awakened.isEmpty else { return }
        let ids = awakened.map { PostgresUUID($0) }
        let peers = try await connection.query(
            """
            select \(unsafe: StoredAlert.columns(of: "p"))
            from audit.alert t
            join audit.alert p on p.shard = t.shard and p.rule_id = t.rule_id and p.tenant = t.tenant
                and jsonb_hash_extended(p.group_by, 0) = jsonb_hash_extended(t.group_by, 0) and p.group_by = t.group_by
                and (not p.is_idle or p.id = any (\(ids)))
            where t.shard = \(lives.shard) and t.id = any (\(ids))
            order by p.id for no key update of p
            """
        ).map(StoredAlert.init)
        lives.settle(peers)
    }

    /// Writes the lives that changed, and an event for each thing that happened: the one place where detection changes a life.
    func record(_ lives: AlertLives, _ connection: PostgresConnection) async throws {
        let entries = lives.order.compactMap { lives.entries[$0] }
        let changed = entries.filter(\.isChanged)
        let told = entries.filter { $0.isNew || ($0.isChanged && !$0.changes.isEmpty) }
        try await Outbox.write(lives.news, connection)
        guard !changed.isEmpty || !told.isEmpty else { return }
        let now = try await AlertStore.clock(connection)
        try await write(changed, shard: lives.shard, now: now, connection)
        guard !told.isEmpty else { return }
        var events: [EncodedEvent] = []
        var rows: [(alert: AlertID, event: EventID, change: AlertLife.Change, assignee: String?)] = []
        let encoder = EventEncoder()
        // A microsecond apart, so that the record has them in the order in which they came about.
        func next() -> Timestamp { Timestamp(microseconds: now.microseconds + Int64(events.count)) }
        for entry in told {
            if entry.isNew {
                let change = AlertLife.Change(kind: .opened, from: .open, to: .open)
                events.append(try encoder.encode(AlertRecord(entry.alert, change, at: next()).event, now: now))
            }
            for change in entry.changes where entry.isChanged {
                let event = try encoder.encode(AlertRecord(entry.alert, change, at: next()).event, now: now)
                events.append(event)
                rows.append((entry.alert.id, event.header.id, change, entry.life.assignee))
            }
        }
        try await Appender.append(events, shard: lives.shard, in: connection)
        guard !rows.isEmpty else { return }
        try await connection.execute(
            """
            insert into audit.alert_change (shard, alert, event, time, kind, from_state, to_state, assignee, reason)
            select \(lives.shard), c.alert, c.event, c.time, c.kind, c.from_state, c.to_state, c.assignee, c.reason
            from unnest(
                \(rows.map { PostgresUUID($0.alert) }), \(rows.map { PostgresUUID(high: $0.event.high, low: $0.event.low) }),
                \(rows.map(\.change.kind.rawValue)), \(rows.map(\.change.from.rawValue)), \(rows.map(\.change.to.rawValue)),
                \(rows.map(\.assignee)), \(rows.map(\.change.cause)), \(rows.map { PostgresTimestamp($0.event.time) })
            ) as c (alert, event, kind, from_state, to_state, assignee, reason, time)
            """)
    }

    private func write(_ entries: [AlertLives.Entry], shard: Int32, now: Timestamp, _ connection: PostgresConnection) async throws {
        guard !entries.isEmpty else { return }
        let columns = entries.map { LifeColumns($0.life) }
        try await connection.execute(
            """
            update audit.alert a
            set state = c.state, acknowledged_by = c.acknowledged_by, assignee = c.assignee, closing = c.closing, closed_by = c.closed_by,
                before_idle = c.before_idle, is_idle = c.is_idle, revision = a.revision + c.steps,
                closed_at = case when c.closing is null then null when c.steps = 0 then a.closed_at else \(PostgresTimestamp(now)) end
            from unnest(
                \(entries.map { PostgresUUID($0.alert.id) }), \(columns.map(\.state)), \(columns.map(\.acknowledgedBy)),
                \(columns.map(\.assignee)), \(columns.map(\.closing)), \(columns.map(\.closedBy)), \(columns.map(\.beforeIdle)),
                \(columns.map(\.isIdle)), \(entries.map { Int64($0.changes.count) })
            ) as c (id, state, acknowledged_by, assignee, closing, closed_by, before_idle, is_idle, steps)
            where a.shard = \(shard) and a.id = c.id
            """)
    }

    /// The database's clock; makes sure that what is dated by it has a partition.
    static func clock(_ connection: PostgresConnection) async throws -> Timestamp {
        let row = try await connection.query(
            "select clock_timestamp() as now, audit.ensure_partitions(clock_timestamp(), clock_timestamp()) as made")[0]
        return Timestamp(microseconds: try row.decode("now", as: PostgresTimestamp.self).microseconds)
    }
}

/// A life as the columns of its row.
struct LifeColumns {
    var state: String
    var acknowledgedBy: String?
    var assignee: String?
    var closing: String?
    var closedBy: String?
    var beforeIdle: String?
    var isIdle: Bool

    init(_ life: AlertLife) {
        state = life.state.rawValue
        acknowledgedBy = life.acknowledgedBy
        assignee = life.assignee
        isIdle = life.isIdle
        switch life.closing {
        case nil: break
        case .person(let name): (closing, closedBy) = ("person", name)
        case .idle(let earlier): (closing, beforeIdle) = ("idle", earlier.rawValue)
        }
    }
}
