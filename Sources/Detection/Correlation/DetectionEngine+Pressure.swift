import AuditEvents

extension DetectionEngine {
    /// The id of the built-in rule that says that a rule has more groups than its budget.
    public static let pressureRule = "cardea_detection_pressure"
    /// How often it says so of one rule: once an hour of sealing.
    static let pressurePeriod: Int64 = 3_600_000_000

    /// Raises the alert that a rule lets go of groups, once a rule and period.
    mutating func reportPressure(_ correlation: Int, _ hit: Hit, _ tenant: String, _ journal: inout AlertJournal) {
        let period = now / Self.pressurePeriod
        guard states[correlation].pressedIn != period else { return }
        states[correlation].pressedIn = period
        states[correlation].isPressureChanged = true
        let rule = states[correlation].plan.rule
        let id = AlertID(rule: Self.pressureRule, tenant: tenant, group: [(field: "rule", value: rule)], first: hit.id)
        let time = Timestamp(microseconds: hit.time)
        journal.open(
            Alert(
                id: id, ruleID: Self.pressureRule, ruleTitle: "A rule has more groups than its budget", ruleAuthor: "Cardea",
                severity: .medium,
                tags: ["attack.defense-evasion", "attack.t1562"], tenant: tenant, group: [Alert.GroupField(field: "rule", value: rule)],
                firstSeen: time, lastSeen: time, count: 1, events: []),
            with: [hit])
    }
}
