public import AuditEvents
public import Detection
import EventStore
public import PostgreSQL

/// The rows of deliveries: who is to be told, what was tried, what is dead.
public struct DeliveryStore: Sendable {
    public init() {}

    /// News that one round takes, and alerts that it tells again.
    static let page: Int64 = 500
    /// For how many seconds a claimed delivery is its worker's.
    static let lease: Int64 = 180

    // MARK: Who is told

    /// What there is to do: whether something is to be routed, and for which of these receivers something is due.
    func due(_ names: [String], _ connection: PostgresConnection) async throws -> (isRouting: Bool, receivers: [String]) {
        let row = try await connection.query(
            """
            select
                exists (select from audit.outbox where due_at <= clock_timestamp())
                    or exists (select from audit.delivery where repeat_at <= clock_timestamp()) as routing,
                array(
                    select n from unnest(\(names)) n
                    where exists (
                        select from audit.delivery d where d.receiver = n and d.state = 'pending' and d.due_at <= clock_timestamp())) as receivers
            """)[0]
        return (try row.decode("routing", as: Bool.self), try row.decode("receivers", as: [String].self))
    }

    /// Turns news into deliveries, in the caller's transaction. One at a time does so in a database: an end must not be told before its beginning.
    ///
    /// - Returns: how much it looked at.
    @discardableResult
    func route(_ settings: DeliverySettings, _ inhibitions: [Inhibition], _ connection: PostgresConnection) async throws -> Int {
        guard try await connection.query("select pg_try_advisory_xact_lock(4918206) as locked")[0].decode("locked", as: Bool.self) else {
            return 0
        }
        let news = try await connection.query(
            """
            select o.seq, o.kind as news_kind, a.id is not null as is_there, \(unsafe: StoredAlert.columns(of: "a"))
            from audit.outbox o left join audit.alert a on a.shard = o.shard and a.id = o.alert
            where o.due_at <= clock_timestamp() order by o.seq limit \(DeliveryStore.page)
            """
        ).map { row in
            (
                seq: try row.decode("seq", as: Int64.self),
                kind: AlertNews.Kind(rawValue: try row.decode("news_kind", as: String.self)) ?? .opened,
                alert: try row.decode("is_there", as: Bool.self) ? try StoredAlert(row) : nil
            )
        }
        let repeats = try await connection.query(
            """
            select d.seq as delivery, d.receiver, d.state = 'pending' as is_pending, \(unsafe: StoredAlert.columns(of: "a"))
            from audit.delivery d join audit.alert a on a.shard = d.shard and a.id = d.alert
            where d.repeat_at <= clock_timestamp() order by d.repeat_at, d.seq limit \(DeliveryStore.page)
            """
        ).map { row in
            (
                seq: try row.decode("delivery", as: Int64.self), receiver: try row.decode("receiver", as: String.self),
                isPending: try row.decode("is_pending", as: Bool.self), alert: try StoredAlert(row)
            )
        }
        guard !news.isEmpty || !repeats.isEmpty else { return 0 }
        let alerts = news.compactMap(\.alert)
        var plan = DeliveryPlan(
            settings, try await SilenceStore().suppression(connection, inhibitions: inhibitions),
            disabled: try await disabled(settings, connection), told: try await told(alerts, connection),
            now: try await OwnAct.clock(connection))
        for piece in news { plan.take(piece.seq, piece.kind, piece.alert) }
        var periods: [(seq: Int64, seconds: Int64?)] = []
        for entry in repeats {
            switch plan.again(entry.alert, at: entry.receiver, isPending: entry.isPending) {
            case .again, .never: periods.append((entry.seq, nil))
            case .later(let seconds): periods.append((entry.seq, seconds))
            }
        }
        try await write(plan, periods, connection)
        return news.count + repeats.count
    }

    private func write(
        _ plan: DeliveryPlan, _ periods: [(seq: Int64, seconds: Int64?)], _ connection: PostgresConnection
    ) async throws {
        let rows = plan.rows
        if !rows.isEmpty {
            let shards = rows.map(\.place.shard)
            let alerts = rows.map { PostgresUUID($0.place.alert) }
            let receivers = rows.map(\.place.receiver)
            // Of repetitions the last is kept: an alert that stays active for weeks is told of thousands of times.
            try await connection.execute(
                """
                delete from audit.delivery d
                using unnest(\(shards), \(alerts), \(receivers)) as p (shard, alert, receiver)
                where d.shard = p.shard and d.alert = p.alert and d.receiver = p.receiver and d.news is null and d.state = 'delivered'
                """)
            // What is told now is the news from which the next repetition counts.
            try await connection.execute(
                """
                update audit.delivery d set repeat_at = null
                from unnest(\(shards), \(alerts), \(receivers)) as p (shard, alert, receiver)
                where d.shard = p.shard and d.alert = p.alert and d.receiver = p.receiver and d.repeat_at is not null
                """)
            let payloads = rows.map { PostgresJSON(text: String(decoding: CanonicalJSON.encode(.object($0.alert.json)), as: UTF8.self)) }
            try await connection.execute(
                """
                insert into audit.delivery (receiver, shard, alert, kind, news, payload, state, finished_at, detail, due_at, repeat_at)
                select p.receiver, p.shard, p.alert, p.kind, p.news, p.payload, case when p.dead then 'dead' else 'pending' end,
                    case when p.dead then clock_timestamp() end, case when p.dead then 'the receiver is disabled' end,
                    clock_timestamp() + p.wait * interval '1 second', clock_timestamp() + (p.wait + p.again) * interval '1 second'
                from unnest(
                    \(receivers), \(shards), \(alerts), \(rows.map(\.kind.rawValue)), \(rows.map(\.news)), \(payloads),
                    \(rows.map(\.isDisabled)), \(rows.map(\.waitSeconds)), \(rows.map(\.repeatSeconds))
                ) with ordinality as p (receiver, shard, alert, kind, news, payload, dead, wait, again, place)
                order by p.place
                on conflict (receiver, news) do nothing
                """)
        }
        if !plan.done.isEmpty { try await connection.execute("delete from audit.outbox where seq = any (\(plan.done))") }
        if !plan.held.isEmpty {
            try await connection.execute(
                """
                update audit.outbox set due_at = clock_timestamp() + \(DeliveryPlan.holdSeconds) * interval '1 second'
                where seq = any (\(plan.held))
                """)
        }
        if !periods.isEmpty {
            try await connection.execute(
                """
                update audit.delivery d set repeat_at = clock_timestamp() + p.seconds * interval '1 second'
                from unnest(\(periods.map(\.seq)), \(periods.map(\.seconds))) as p (seq, seconds) where d.seq = p.seq
                """)
        }
    }

    /// What was told last of these alerts, where that got through or may yet.
    private func told(_ alerts: [StoredAlert], _ connection: PostgresConnection) async throws -> [DeliveryPlan.Place: Delivery.Kind] {
        guard !alerts.isEmpty else { return [:] }
        var told: [DeliveryPlan.Place: Delivery.Kind] = [:]
        let rows = try await connection.query(
            """
            select distinct on (d.shard, d.alert, d.receiver) d.shard, d.alert, d.receiver, d.kind
            from unnest(\(alerts.map(\.shard)), \(alerts.map { PostgresUUID($0.id) })) as a (shard, alert)
            join audit.delivery d on d.shard = a.shard and d.alert = a.alert
            where d.state <> 'dead' order by d.shard, d.alert, d.receiver, d.seq desc
            """)
        for row in rows {
            let place = DeliveryPlan.Place(
                shard: try row.decode("shard", as: Int32.self), alert: AlertID(try row.decode("alert", as: PostgresUUID.self)),
                receiver: try row.decode("receiver", as: String.self))
            told[place] = Delivery.Kind(rawValue: try row.decode("kind", as: String.self))
        }
        return told
    }

    /// The receivers that wanted nothing any more, unless they are elsewhere now.
    public func disabled(_ settings: DeliverySettings, _ connection: PostgresConnection) async throws -> Set<String> {
        let rows = try await connection.query("select name, destination from audit.receiver")
        return Set(
            try rows.compactMap { row in
                let name = try row.decode("name", as: String.self)
                return settings[name]?.fingerprint == (try row.decode("destination", as: String.self)) ? name : nil
            })
    }

    // MARK: What is tried

    /// Takes what is due for a receiver: of each alert the oldest, which the others wait for. The attempt is counted now, so that one that ends its
    /// process is counted too.
    func claim(_ receiver: String, limit: Int, _ connection: PostgresConnection) async throws -> [Delivery] {
        try await connection.query(
            """
            with due as (
                select d.seq from audit.delivery d
                where d.receiver = \(receiver) and d.state = 'pending' and d.due_at <= clock_timestamp()
                    and not exists (
                        select from audit.delivery e
                        where e.shard = d.shard and e.alert = d.alert and e.receiver = d.receiver and e.state = 'pending' and e.seq < d.seq)
                order by d.due_at limit \(Int64(limit)) for update skip locked
            )
            update audit.delivery d set attempts = d.attempts + 1, due_at = clock_timestamp() + \(DeliveryStore.lease) * interval '1 second'
            from due where d.seq = due.seq
            returning d.seq, \(unsafe: Delivery.columns.replacing("id::text", with: "d.id::text"))
            """
        ).map { ($0, try Delivery($0)) }.sorted { try $0.0.decode("seq", as: Int64.self) < $1.0.decode("seq", as: Int64.self) }.map(\.1)
    }

    /// Gives back what was claimed and not tried.
    func release(_ deliveries: [Delivery], after seconds: Int64, _ connection: PostgresConnection) async throws {
        guard !deliveries.isEmpty else { return }
        try await connection.execute(
            """
            update audit.delivery set attempts = attempts - 1, due_at = clock_timestamp() + \(seconds) * interval '1 second'
            where state = 'pending' and id = any (\(deliveries.map(\.id))::uuid[])
            """)
    }

    /// Writes down what an attempt came to, with an event for what will not be tried again; in the caller's transaction.
    func finish(
        _ deliveries: [Delivery], _ attempt: DeliveryAttempt, at receiver: Receiver, jitter: Double, _ connection: PostgresConnection
    ) async throws -> RetrySchedule.Decision? {
        var dead: [Delivery] = []
        var last: RetrySchedule.Decision?
        let status: Int32? = if case .status(let status, _) = attempt.outcome { Int32(clamping: status) } else { nil }
        // The attempts of what is gathered may differ.
        for (attempts, part) in Dictionary(grouping: deliveries, by: \.attempts) {
            let ids = part.map(\.id)
            let decision = RetrySchedule.standard.decide(attempt.outcome, attempt: attempts, jitter: jitter)
            last = decision
            switch decision {
            case .delivered, .dead, .disable:
                let state = decision == .delivered ? Delivery.State.delivered : .dead
                if state == .dead { dead += part }
                try await connection.execute(
                    """
                    update audit.delivery set state = \(state.rawValue), finished_at = clock_timestamp(), status = \(status),
                        detail = \(attempt.detail), repeat_at = case when \(state == .dead) then null else repeat_at end
                    where id = any (\(ids)::uuid[]) and state = 'pending'
                    """)
            case .retry(let seconds):
                try await connection.execute(
                    """
                    update audit.delivery set due_at = clock_timestamp() + \(seconds) * interval '1 second', status = \(status), detail = \(attempt.detail)
                    where id = any (\(ids)::uuid[]) and state = 'pending'
                    """)
            }
        }
        // Several messages on their way may come to the same answer: one of them is told.
        if last == .disable, try await !disable(receiver, attempt.detail, connection) { return last }
        try await tell(dead, attempt, at: receiver, isDisabled: last == .disable, connection)
        return last
    }

    /// Whether it was in use until now.
    private func disable(_ receiver: Receiver, _ reason: String, _ connection: PostgresConnection) async throws -> Bool {
        let rows = try await connection.query(
            """
            insert into audit.receiver as r (name, reason, destination) values (\(receiver.name), \(reason), \(receiver.fingerprint))
            on conflict (name) do update set disabled_at = clock_timestamp(), reason = excluded.reason, destination = excluded.destination
            where r.destination <> excluded.destination
            returning name
            """)
        try await connection.execute(
            """
            update audit.delivery set state = 'dead', finished_at = clock_timestamp(), detail = 'the receiver is disabled', repeat_at = null
            where receiver = \(receiver.name) and state = 'pending'
            """)
        return !rows.isEmpty
    }

    /// An event for each delivery that is dead, and one for the receiver.
    private func tell(
        _ dead: [Delivery], _ attempt: DeliveryAttempt, at receiver: Receiver, isDisabled: Bool, _ connection: PostgresConnection
    ) async throws {
        guard !dead.isEmpty else { return }
        let now = try await OwnAct.clock(connection)
        var byShard: [Int32: [EncodedEvent]] = [:]
        for (place, delivery) in dead.enumerated() {
            let time = Timestamp(microseconds: now.microseconds + Int64(place))
            var details: JSONObject = [
                "receiver": .string(receiver.name), "type": .string(receiver.kind), "destination": .string(receiver.destination),
                "detail": .string(attempt.detail),
            ]
            if !isDisabled {
                details["delivery"] = .string(delivery.id)
                details["alert"] = .string(delivery.alert.id)
                details["rule"] = .string(delivery.alert.rule)
                details["attempts"] = .int(Int64(delivery.attempts))
            }
            let event = AuditEvent(
                header: EventHeader(
                    id: EventID(time: time), tenant: delivery.alert.tenant, source: "cardea",
                    type: isDisabled ? .receiverDisabled : .deliveryDead,
                    outcome: .failure, severity: .high, actorKind: .system),
                body: EventBody(target: "receiver/\(receiver.name)", service: "cardea", details: details))
            var shard: Int32 = 0
            if case .int(let number) = delivery.alert.json["shard"] { shard = Int32(clamping: number) }
            byShard[shard, default: []].append(try EventEncoder().encode(event, now: now))
            if isDisabled { break }
        }
        for (shard, events) in byShard.sorted(by: { $0.key < $1.key }) { try await Appender.append(events, shard: shard, in: connection) }
    }

    // MARK: Upkeep

    /// Forgets what was done 90 days ago; gives up on receivers that nobody has named for a week, and on news that nobody wants for an hour.
    func tidy(_ settings: DeliverySettings, _ connection: PostgresConnection) async throws {
        try await connection.execute(
            """
            delete from audit.delivery where seq in (
                select seq from audit.delivery where state <> 'pending' and finished_at < clock_timestamp() - interval '90 days' limit 10000)
            """)
        guard !settings.receivers.isEmpty else {
            try await connection.execute("delete from audit.outbox where created_at < clock_timestamp() - interval '1 hour'")
            return
        }
        try await connection.execute(
            """
            update audit.delivery set state = 'dead', finished_at = clock_timestamp(), detail = 'no receiver has this name any more', repeat_at = null
            where state = 'pending' and created_at < clock_timestamp() - interval '7 days' and receiver <> all (\(settings.receivers.map(\.name)))
            """)
    }

    // MARK: What people see

    /// Deliveries, the newest first.
    ///
    /// - Parameters:
    ///   - states: empty: all.
    ///   - receiver: nil: all.
    ///   - prefix: with which the id begins; nil: any.
    public func list(
        states: [Delivery.State] = [], receiver: String? = nil, alert: AlertID? = nil, prefix: String? = nil, limit: Int?,
        _ connection: PostgresConnection
    ) async throws -> [Delivery] {
        let pattern = prefix.map { String($0.lowercased().filter { $0.isHexDigit || $0 == "-" }) + "%" }
        return try await connection.query(
            """
            select \(unsafe: Delivery.columns) from audit.delivery
            where (cardinality(\(states.map(\.rawValue))) = 0 or state = any (\(states.map(\.rawValue))))
                and (\(receiver)::text is null or receiver = \(receiver)) and (\(pattern)::text is null or id::text like \(pattern))
                and (\(alert.map { PostgresUUID($0) })::uuid is null or alert = \(alert.map { PostgresUUID($0) }))
            order by seq desc limit \(limit.map { Int64($0) })
            """
        ).map(Delivery.init)
    }

    /// How many deliveries each receiver has in each state, and until when it is disabled.
    public func counts(_ connection: PostgresConnection) async throws -> [String: [Delivery.State: Int]] {
        var counts: [String: [Delivery.State: Int]] = [:]
        for row in try await connection.query("select receiver, state, count(*) as count from audit.delivery group by receiver, state") {
            guard let state = Delivery.State(rawValue: try row.decode("state", as: String.self)) else { continue }
            counts[try row.decode("receiver", as: String.self), default: [:]][state] = Int(try row.decode("count", as: Int64.self))
        }
        return counts
    }
}

extension EventType {
    /// A delivery was given up.
    public static let deliveryDead = EventType("audit_delivery_dead")
    public static let deliveryReplayed = EventType("audit_delivery_replayed")
    /// A receiver answered that it wants nothing any more.
    public static let receiverDisabled = EventType("audit_receiver_disabled")
    public static let receiverEnabled = EventType("audit_receiver_enabled")
}

extension AlertDesk {
    /// Sends deliveries once more.
    ///
    /// - Returns: how many; those that are on their way are left alone.
    public func replay(_ deliveries: [Delivery], by person: String) async throws -> Int {
        try AlertDesk.check(name: person, "the name of who does this")
        guard !deliveries.isEmpty else { return 0 }
        let details: JSONObject = [
            "deliveries": .array(deliveries.prefix(1000).map { .string($0.id) }), "count": .int(Int64(deliveries.count)),
            "receivers": .array(Set(deliveries.map(\.receiver)).sorted().map(JSONValue.string)),
        ]
        return try await transaction { connection in
            let now = try await OwnAct.clock(connection)
            let event = try AlertDesk.encoded(.deliveryReplayed, by: person, target: "deliveries", details, at: now)
            return Int(
                try await connection.query(
                    """
                    select audit.replay_deliveries(
                        \(deliveries.map(\.id))::uuid[], \(event.actor ?? person), \(PostgresUUID(event.header.id)), \(PostgresTimestamp(now)),
                        \(PostgresJSONBytes(event.body)), \(PostgresBytes(event.salt)), \(PostgresBytes(event.bodyHash))) as count
                    """)[0].decode("count", as: Int64.self))
        }
    }

    /// Takes a receiver that wanted nothing any more into use again.
    ///
    /// - Returns: whether it was disabled.
    public func enable(receiver name: String, by person: String) async throws -> Bool {
        try AlertDesk.check(name: person, "the name of who does this")
        return try await transaction { connection in
            let now = try await OwnAct.clock(connection)
            let event = try AlertDesk.encoded(
                .receiverEnabled, by: person, target: "receiver/\(name)", ["receiver": .string(name)], at: now)
            return try await connection.query(
                """
                select audit.enable_receiver(
                    \(name), \(event.actor ?? person), \(PostgresUUID(event.header.id)), \(PostgresTimestamp(now)),
                    \(PostgresJSONBytes(event.body)), \(PostgresBytes(event.salt)), \(PostgresBytes(event.bodyHash))) as done
                """)[0].decode("done", as: Bool.self)
        }
    }

    private static func encoded(
        _ type: EventType, by person: String, target: String, _ details: JSONObject, at now: Timestamp
    ) throws -> EncodedEvent {
        let event = AuditEvent(
            header: EventHeader(
                id: EventID(time: now), tenant: "default", source: "cardea", type: type, outcome: .success, actorKind: .user,
                privileged: true),
            body: EventBody(actor: .init(name: person), target: target, service: "cardea", details: details))
        return try EventEncoder().encode(event, now: now)
    }
}
