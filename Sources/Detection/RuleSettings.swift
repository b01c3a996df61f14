/// What an operator sets beside the rules, as a YAML file says it.
///
/// ```yaml
/// rules:
///     brute_force_account: {threshold: 20, timespan: 15m}
///     administration_out_of_hours: {zone: Europe/Berlin, hours: mon-fri 07:00-19:00}
///     crawling: {enabled: false}
/// placeholders:
///     administrators: [ada, grace]
/// geo: /var/lib/GeoIP/GeoLite2-City.mmdb
/// ```
public struct RuleSettings: Sendable, Hashable {
    public var tuning = RuleTuning()
    /// What `%name%` stands for in values with the modifier `expand`.
    public var placeholders: [String: [String]] = [:]
    /// The path of a file in MaxMind's format.
    public var geo: String?

    public init() {}

    /// - Throws: `RuleErrors` with every fault, by its place.
    public init(_ yaml: [UInt8], file: String) throws(RuleErrors) {
        self.init()
        var errors: [RuleError] = []
        do {
            for document in try RuleDocuments.read(yaml, file: file) {
                let members = try document.requireMembers("the settings")
                try members.refuseOthers(than: ["rules", "placeholders", "geo"], in: "the settings")
                if let node = members["geo"], node.scalar != .null { geo = try node.requireText("geo") }
                if let node = members["placeholders"], node.scalar != .null {
                    let named = try node.requireMembers("placeholders")
                    for name in named.order { placeholders[name] = try named[name]?.requireTexts("the values of a placeholder") }
                }
                guard let node = members["rules"], node.scalar != .null else { continue }
                let rules = try node.requireMembers("rules")
                for rule in rules.order {
                    guard let keys = try rules[rule]?.requireMembers("what is set for a rule") else { continue }
                    for key in keys.order {
                        guard let value = keys[key] else { continue }
                        let fault = tuning.overrides[rule, default: .init()].set(key, to: try value.requireText(key))
                        if let fault { errors.append(value.error(.value, fault, construct: key)) }
                    }
                }
            }
        } catch { errors.append(error) }
        guard errors.isEmpty else { throw RuleErrors(errors) }
    }
}
