public import AuditEvents
import EventStore
public import PostgreSQL

/// The rules that people turned off or on, for every worker.
public struct RuleSwitches: Sendable {
    public struct Switch: Sendable, Hashable {
        /// A rule's name or id.
        public var rule: String
        public var isEnabled: Bool
        public var actor: String
        public var reason: String?
        public var changedAt: Timestamp
    }

    public init() {}

    /// In the order of the rules' names.
    public func all(_ connection: PostgresConnection) async throws -> [Switch] {
        try await connection.query("select rule, enabled, actor, reason, changed_at from audit.rule_switch order by rule").map { row in
            Switch(
                rule: try row.decode("rule", as: String.self), isEnabled: try row.decode("enabled", as: Bool.self),
                actor: try row.decode("actor", as: String.self), reason: try row.decode("reason", as: String?.self),
                changedAt: Timestamp(microseconds: try row.decode("changed_at", as: PostgresTimestamp.self).microseconds))
        }
    }
}

extension AlertDesk {
    /// Turns a rule on or off: a row that the workers follow, and an event on the record.
    ///
    /// - Parameter rule: its name or id; whether there is such a rule is the caller's to know.
    /// - Throws: `AlertingError` with `.text` for a name or reason that is missing or too long.
    public func turn(_ rule: String, on isEnabled: Bool, by person: String, reason: String? = nil) async throws {
        try AlertDesk.check(name: person, "the name of who does this")
        try AlertDesk.check(name: rule, "the rule's name")
        if let reason { try AlertDesk.check(text: reason, "a reason") }
        try await transaction { connection in
            let now = try await OwnAct.clock(connection)
            var details: JSONObject = ["rule": .string(rule)]
            if let reason { details["reason"] = .string(reason) }
            let event = try EventEncoder().encode(
                AuditEvent(
                    header: EventHeader(
                        id: EventID(time: now), tenant: "default", source: "cardea", type: isEnabled ? .ruleEnabled : .ruleDisabled,
                        outcome: .success, severity: isEnabled ? .informational : .medium, actorKind: .user, privileged: true),
                    body: EventBody(actor: .init(name: person), target: "rule/\(rule)", service: "cardea", details: details)), now: now)
            try await connection.execute(
                """
                select audit.switch_rule(
                    \(rule), \(isEnabled), \(event.actor ?? person), \(event.detail("reason")),
                    \(PostgresUUID(event.header.id)), \(PostgresTimestamp(now)), \(PostgresJSONBytes(event.body)),
                    \(PostgresBytes(event.salt)), \(PostgresBytes(event.bodyHash)))
                """)
        }
    }
}

extension EventType {
    public static let ruleEnabled = EventType("audit_rule_enabled")
    public static let ruleDisabled = EventType("audit_rule_disabled")
}
