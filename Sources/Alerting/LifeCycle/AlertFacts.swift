public import AuditEvents
public import Detection

/// What silences and inhibitions look at in an alert.
public struct AlertFacts: Sendable, Hashable {
    public var id: AlertID
    public var tenant: String
    public var ruleID: String
    public var ruleTitle: String
    public var ruleName: String?
    public var severity: Severity
    /// The fields that the rule groups by, and their values.
    public var group: [String: String]

    public init(
        id: AlertID, tenant: String, ruleID: String, ruleTitle: String, ruleName: String? = nil, severity: Severity, group: [String: String]
    ) {
        (self.id, self.tenant, self.ruleID, self.ruleTitle, self.ruleName) = (id, tenant, ruleID, ruleTitle, ruleName)
        (self.severity, self.group) = (severity, group)
    }

    /// What its rule is called.
    var rule: [String] { [ruleID, ruleTitle] + (ruleName.map { [$0] } ?? []) }

    /// What the alert has under a label: `rule` is the rule's id, its title and its name, `severity` and `tenant` are the alert's, everything else is a
    /// field of its group (`group.` in front names a field that one of these hides). A label that it lacks is empty.
    func values(of label: String) -> [String] {
        switch label {
        case "rule": rule
        case "severity": [severity.name]
        case "tenant": [tenant]
        default: [group[label] ?? (label.hasPrefix("group.") ? group[String(label.dropFirst(6))] : nil) ?? ""]
        }
    }
}

extension AlertFacts {
    public init(_ alert: Alert) {
        self.init(
            id: alert.id, tenant: alert.tenant, ruleID: alert.ruleID, ruleTitle: alert.ruleTitle, ruleName: alert.ruleName,
            severity: alert.severity,
            group: Dictionary(alert.group.map { ($0.field, $0.value) }) { $1 })
    }

    public init(_ alert: StoredAlert) {
        self.init(
            id: alert.id, tenant: alert.tenant, ruleID: alert.ruleID, ruleTitle: alert.ruleTitle, ruleName: alert.ruleName,
            severity: alert.severity,
            group: Dictionary(alert.group.members.map { ($0.key, $0.value.string ?? "") }) { $1 })
    }
}
