package import AuditEvents
package import PostgreSQL

/// A batch of one shard's events as the parallel arrays that `audit.append` takes.
struct EventColumns {
    let shard: Int32
    let events: [EncodedEvent]

    /// The call of `audit.append`; it returns how many events were not known yet.
    var statement: SQL {
        SQL(
            "select audit.append($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23) as stored",
            [
                shard,
                events.map { PostgresUUID($0.header.id) },
                events.map { PostgresTimestamp($0.header.time) },
                events.map(\.header.tenant),
                events.map(\.header.source),
                events.map(\.header.type.rawValue),
                events.map(\.header.outcome.rawValue),
                events.map(\.header.reason),
                events.map(\.header.severity.rawValue),
                events.map(\.header.actorKind.rawValue),
                events.map(\.header.privileged),
                events.map(\.header.sensitivity?.rawValue),
                events.map(\.header.method),
                events.map(\.header.route),
                events.map(\.header.status),
                events.map(\.header.durationMicroseconds),
                events.map { PostgresJSONBytes($0.body) },
                events.map { PostgresBytes($0.salt) },
                events.map { PostgresBytes($0.bodyHash) },
                events.map(\.actor),
                events.map { $0.clientIP.map(PostgresInet.init).flatMap { $0.isValid ? $0 : nil } },
                events.map(\.session),
                events.map(\.token),
            ])
    }
}

extension PostgresUUID {
    init(_ id: EventID) { self.init(high: id.high, low: id.low) }
}

extension PostgresTimestamp {
    package init(_ time: Timestamp) { self.init(microseconds: time.microseconds) }
}
