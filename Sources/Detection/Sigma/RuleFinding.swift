/// Something about a rule file that its author should look at: a fault as it would be told on loading, and how much it matters.
@dynamicMemberLookup
public struct RuleFinding: Sendable, Hashable {
    /// How much it matters, the gravest first.
    public enum Severity: String, Sendable, Hashable, CaseIterable {
        /// The file does not load.
        case error
        /// The file loads, and a rule in it probably does not do what its author wanted.
        case warning
        /// The rule works; its readers would like it better otherwise.
        case advice
    }

    public var severity: Severity
    /// Where, what, and what to write instead.
    public var fault: RuleError

    public init(_ fault: RuleError, severity: Severity = .error) { (self.fault, self.severity) = (fault, severity) }

    public subscript<Value>(dynamicMember member: KeyPath<RuleError, Value>) -> Value { fault[keyPath: member] }
}

extension RuleFinding: CustomStringConvertible {
    /// `file:line:column: severity: message: 'construct' (advice)`, the form that editors jump to.
    public var description: String { "\(fault.place): \(severity.rawValue): \(fault.text)" }
}
