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

extension OwnAct {
    /// - Throws: `StoreError` for a text that is empty, longer than 4,000 bytes, or (`isName`) longer than 200 or of several lines.
    static func check(_ text: String, _ what: String, isName: Bool = false) throws {
        let most = isName ? 200 : 4000
        guard text.utf8.contains(where: { $0 > 0x20 }), text.utf8.count <= most,
            !isName || text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else { throw StoreError(.usage, "\(what) must be 1 to \(most) bytes long\(isName ? ", on one line" : "")") }
    }
}

extension EncodedEvent {
    /// `event, at_time, body, salt, body_hash`: parameters of every function that leaves an event behind.
    package var actArguments: SQL {
        """
        \(PostgresUUID(header.id)), \(PostgresTimestamp(header.time)), \(PostgresJSONBytes(body)), \(PostgresBytes(salt)), \(PostgresBytes(bodyHash))
        """
    }

    /// These, and the actor: where a function asks for him last.
    package var actParameters: SQL { "\(actArguments), \(actor)" }

    /// A text of the details as it is stored, without the secrets that it may have held.
    package func detail(_ name: String) -> String? { (try? JSONValue(parsing: body))?.object?["details"]?.object?[name]?.string }
}
