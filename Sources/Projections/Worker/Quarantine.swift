import AuditEvents
import EventStore
import Logging
import Metrics
import PostgreSQL

/// Events that a projection cannot take: it goes on without them, and the record says so, once for each.
struct Quarantine {
    let shard: Int32
    let logger: Logger

    /// Where a projection cannot take so many events in an hour, it is not the events: then it stops and is tried again.
    static let mostAnHour: Int64 = 100

    /// Whether an error says that what was to be stored cannot be: trying again changes nothing.
    ///
    /// Data exceptions (SQLSTATE class 22), integrity (23) and program limits (54); not what another transaction, a full disk or a server that is
    /// away has caused.
    static func isForAnEvent(_ error: any Error) -> Bool {
        switch error {
        case let error as PostgresError: error.sqlState.map { ["22", "23", "54"].contains($0.prefix(2)) } ?? (error.code == .usage)
        case let error as StoreError: error.code == .record
        default: !(error is CancellationError)
        }
    }

    /// Sets aside rows that are no events.
    func setAside(_ rows: [LogReader.UnreadableEvent], in connection: PostgresConnection) async throws {
        for row in rows {
            try await setAside(row.index, row.id, row.tenant, by: "record", row.reason, isTold: true, in: connection)
        }
    }

    /// Sets aside events that a projection cannot take.
    ///
    /// - Throws: `error`, where there were too many lately.
    func setAside(_ events: [SealedEvent], by projection: String, for error: any Error, in connection: PostgresConnection) async throws {
        let lately = try await connection.query(
            """
            select count(*) as count from audit.quarantine
            where shard = \(shard) and projection = \(projection) and set_aside_at > clock_timestamp() - interval '1 hour'
            """)[0].decode("count", as: Int64.self)
        guard lately < Quarantine.mostAnHour else { throw error }
        let reason = (error as? PostgresError).map { "\($0.sqlState ?? "usage"): \($0.message)" } ?? "\(error)"
        for sealed in events {
            let event = sealed.event
            try await setAside(
                sealed.index, PostgresUUID(high: event.id.high, low: event.id.low), event.header.tenant, by: projection, reason,
                isTold: event.header.type != .eventQuarantined, in: connection)
        }
    }

    /// - Parameter isTold: whether an event goes on the record; none about what was set aside tells of another.
    private func setAside(
        _ index: Int64, _ event: PostgresUUID, _ tenant: String, by projection: String, _ reason: String, isTold: Bool,
        in connection: PostgresConnection
    ) async throws {
        let reason = String(reason.prefix(500))
        let isNew = try await connection.execute(
            """
            insert into audit.quarantine (shard, index, projection, event, reason)
            values (\(shard), \(index), \(projection), \(event), \(reason)) on conflict do nothing
            """)
        // A view that is built anew meets it again.
        guard isNew > 0 else { return }
        Counter(label: "cardea.projection.quarantined", dimensions: [("projection", projection)]).increment()
        logger.error(
            "An event cannot be folded and was set aside",
            metadata: [
                "shard": "\(shard)", "event.index": "\(index)", "event.id": "\(event)", "projection": "\(projection)", "error": "\(reason)",
            ])
        guard isTold else { return }
        // A tenant that no append brought in has no place on the record; then the default one is told.
        let place = try await connection.query(
            """
            select clock_timestamp() as now, t.tenant is not null as is_known, coalesce(t.shard, audit.shard_of('default')) as shard
            from (values (0)) v left join audit.tenant t on t.tenant = \(tenant) and t.shard = \(shard)
            """)[0]
        let now = Timestamp(microseconds: try place.decode("now", as: PostgresTimestamp.self).microseconds)
        let told = AuditEvent(
            header: EventHeader(
                id: EventID(time: now), tenant: try place.decode("is_known", as: Bool.self) ? tenant : "default", source: "cardea",
                type: .eventQuarantined, outcome: .error, severity: .high,
                actorKind: .system),
            body: EventBody(
                target: "event/\(event)", service: "cardea",
                details: [
                    "shard": .int(Int64(shard)), "index": .int(index), "projection": .string(projection), "reason": .string(reason),
                ]))
        try await Appender.append(
            [try EventEncoder().encode(told, now: now)], shard: try place.decode("shard", as: Int32.self), in: connection)
    }
}

extension EventType {
    /// A projection could not take an event and went on without it.
    static let eventQuarantined = EventType("audit_event_quarantined")
}
