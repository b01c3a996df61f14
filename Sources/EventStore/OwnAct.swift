public import AuditEvents
public import PostgreSQL

/// Something that Cardea was told to do, as the event that it leaves on the record; the functions of the owner append it in their transaction.
public struct OwnAct: Sendable {
    public var type: EventType
    public var tenant: String
    public var severity: Severity
    public var outcome: Outcome
    public var reason: String?
    /// Who did it: a person's name.
    public var person: String
    public var target: String?
    public var details: JSONObject

    public init(
        _ type: EventType, tenant: String = "default", severity: Severity = .informational, outcome: Outcome = .success,
        reason: String? = nil,
        by person: String, target: String? = nil, details: JSONObject = [:]
    ) {
        self.type = type
        self.tenant = tenant
        self.severity = severity
        self.outcome = outcome
        self.reason = reason
        self.person = person
        self.target = target
        self.details = details
    }

    /// The event as it is stored.
    ///
    /// - Throws: `SinkRefusal` as `EventEncoder.encode`.
    public func encoded(at now: Timestamp) throws -> EncodedEvent {
        try EventEncoder().encode(
            AuditEvent(
                header: EventHeader(
                    id: EventID(time: now), tenant: tenant, source: "cardea", type: type, outcome: outcome, reason: reason,
                    severity: severity, actorKind: .user, privileged: true),
                body: EventBody(actor: .init(name: person), target: target, service: "cardea", details: details)), now: now)
    }

    /// Puts the event on the record, with the role `cardea_worker`.
    public func append(_ pool: PostgresPool) async throws {
        try await pool.withTransaction { connection in
            let now = try await OwnAct.clock(connection)
            let time = PostgresTimestamp(now)
            try await connection.execute("select audit.ensure_partitions(\(time), \(time))")
            let shard = try await connection.query("select audit.shard_of(\(tenant))", as: Int32.self)[0]
            try await Appender.append([try encoded(at: now)], shard: shard, in: connection)
        }
    }

    /// The database's clock, by which acts are dated.
    public static func clock(_ connection: PostgresConnection) async throws -> Timestamp {
        let row = try await connection.query("select clock_timestamp() as now")[0]
        return Timestamp(microseconds: try row.decode("now", as: PostgresTimestamp.self).microseconds)
    }
}

extension EncodedEvent {
    /// `event, at_time, body, salt, body_hash, actor`: the last parameters of the functions that leave an event behind.
    package var actParameters: SQL {
        """
        \(PostgresUUID(header.id)), \(PostgresTimestamp(header.time)), \(PostgresJSONBytes(body)), \(PostgresBytes(salt)), \
        \(PostgresBytes(bodyHash)), \(actor)
        """
    }
}
