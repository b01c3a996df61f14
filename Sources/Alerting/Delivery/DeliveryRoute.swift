public import AuditEvents

/// Which alerts go to which receivers.
public struct DeliveryRoute: Sendable, Hashable {
    public var receivers: [String]
    public var leastSeverity: Severity?
    /// Rule ids; empty: every rule.
    public var rules: Set<String>
    /// Tenants; empty: every tenant.
    public var tenants: Set<String>

    public init(receivers: [String], leastSeverity: Severity? = nil, rules: Set<String> = [], tenants: Set<String> = []) {
        (self.receivers, self.leastSeverity, self.rules, self.tenants) = (receivers, leastSeverity, rules, tenants)
    }

    func matches(rule: String, severity: Severity, tenant: String) -> Bool {
        severity.rawValue >= (leastSeverity?.rawValue ?? .min) && (rules.isEmpty || rules.contains(rule))
            && (tenants.isEmpty || tenants.contains(tenant))
    }

    /// The receivers of every route that matches, each once, in the routes' order.
    public static func receivers(_ routes: [DeliveryRoute], rule: String, severity: Severity, tenant: String) -> [String] {
        var seen: Set<String> = []
        return routes.filter { $0.matches(rule: rule, severity: severity, tenant: tenant) }.flatMap(\.receivers)
            .filter { seen.insert($0).inserted }
    }
}
