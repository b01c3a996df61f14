public import AuditEvents

/// Which alerts go to which receivers.
public struct DeliveryRoute: Sendable, Hashable {
    public var receivers: [String]
    public var leastSeverity: Severity?
    /// Names, ids or titles of rules; empty: every rule.
    public var rules: Set<String>
    /// Tenants; empty: every tenant.
    public var tenants: Set<String>

    public init(receivers: [String], leastSeverity: Severity? = nil, rules: Set<String> = [], tenants: Set<String> = []) {
        (self.receivers, self.leastSeverity, self.rules, self.tenants) = (receivers, leastSeverity, rules, tenants)
    }

    func matches(_ alert: AlertFacts) -> Bool {
        alert.severity.rawValue >= (leastSeverity?.rawValue ?? .min) && (rules.isEmpty || alert.rule.contains { rules.contains($0) })
            && (tenants.isEmpty || tenants.contains(alert.tenant))
    }

    /// The receivers of every route that matches, each once, in the routes' order.
    public static func receivers(_ routes: [DeliveryRoute], for alert: AlertFacts) -> [String] {
        var seen: Set<String> = []
        return routes.filter { $0.matches(alert) }.flatMap(\.receivers).filter { seen.insert($0).inserted }
    }
}
