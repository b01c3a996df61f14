public import AuditEvents
import Detection

extension EventType {
    /// What begins the names of all events about alerts, which are never judged themselves: an alert about alerts would feed itself.
    public static let alertPrefix = "audit_alert_"

    static func alert(_ kind: AlertLife.Kind) -> EventType { EventType(alertPrefix + kind.rawValue) }
    static let silenceCreated = EventType(alertPrefix + "silence_created")
    static let silenceExpired = EventType(alertPrefix + "silence_expired")

    /// Whether this is an event about an alert or a silence.
    public var isAboutAlerts: Bool { rawValue.utf8.starts(with: EventType.alertPrefix.utf8) }
}

/// What happened to an alert, as the event that tells it.
struct AlertRecord {
    let event: AuditEvent

    /// - Parameters:
    ///   - person: who did it; nil: detection.
    ///   - reason: the person's words.
    init(
        _ alert: StoredAlert, _ change: AlertLife.Change, by person: String? = nil, to assignee: String? = nil, reason: String? = nil,
        at time: Timestamp
    ) {
        var details: JSONObject = [
            "alert": .string(alert.id.description), "rule": .string(alert.ruleTitle), "rule_id": .string(alert.ruleID),
            "group": .object(alert.group), "from": .string(change.from.rawValue), "to": .string(change.to.rawValue),
            "count": .int(alert.count), "first_seen": .string(alert.firstSeen.description),
            "last_seen": .string(alert.lastSeen.description),
        ]
        if let assignee { details["assignee"] = .string(assignee) }
        if let reason { details["reason"] = .string(reason) }
        if let digest = alert.ruleDigest { details["rule_digest"] = .string(digest) }
        event = AuditEvent(
            header: EventHeader(
                id: EventID(time: time), tenant: alert.tenant, source: "cardea", type: .alert(change.kind), outcome: .success,
                reason: change.cause, severity: alert.severity, actorKind: person == nil ? .system : .user, privileged: person != nil),
            body: EventBody(actor: person.map { .init(name: $0) }, target: "alert/\(alert.id)", service: "cardea", details: details))
    }
}
