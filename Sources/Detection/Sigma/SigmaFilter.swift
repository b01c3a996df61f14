/// A Sigma filter document: a condition that the events of named rules must meet as well (filters specification 2.1.0).
public struct SigmaFilter: Sendable, Hashable {
    public var metadata: SigmaMetadata
    public var logsource: SigmaLogsource
    /// The ids or names of the rules that it narrows.
    public var rules: [String]
    public var detection: SigmaDetection
    /// Its line, for messages.
    var line: Int

    init(_ members: RuleMembers, metadata: SigmaMetadata) throws(RuleError) {
        self.metadata = metadata
        let source = try members.require("logsource").requireMembers("logsource")
        logsource = SigmaLogsource(
            category: try source["category"]?.requireText("category"), product: try source["product"]?.requireText("product"),
            service: try source["service"]?.requireText("service"))
        let filter = try members.require("filter")
        let body = try filter.requireMembers("filter")
        let rulesNode = try body.require("rules")
        rules = try rulesNode.requireTexts("rules")
        guard !rules.isEmpty else { throw rulesNode.error(.structure, "a filter must name at least one rule", construct: "rules") }
        detection = try SigmaDetection(filter, besides: ["rules"])
        line = rulesNode.line
    }

    /// Joins the filter's condition to those of its rules: both must hold.
    ///
    /// A rule whose log source is another than the filter's is left as it is, as the specification asks.
    func apply(to rules: inout [SigmaRule], errors: inout [RuleError]) {
        for reference in self.rules {
            var isFound = false
            for index in rules.indices where rules[index].id == reference || rules[index].metadata.name == reference {
                isFound = true
                guard isMeant(rules[index].logsource) else { continue }
                rules[index].detection.narrow(by: detection, named: "\(metadata.id)/")
            }
            if !isFound {
                errors.append(
                    RuleError(
                        code: .reference, file: metadata.file, line: line, column: 1, construct: reference,
                        message: "the filter narrows a rule that is in no file"))
            }
        }
    }

    private func isMeant(_ other: SigmaLogsource) -> Bool {
        (logsource.category == nil || logsource.category == other.category)
            && (logsource.product == nil || logsource.product == other.product)
            && (logsource.service == nil || logsource.service == other.service)
    }
}

extension SigmaDetection {
    /// - Parameter prefix: put before the other's selections, whose names this detection may have too; no name in a condition holds a slash.
    mutating func narrow(by other: SigmaDetection, named prefix: String) {
        for (name, selection) in other.selections { selections[prefix + name] = selection }
        condition = .and([condition, other.condition.renamed(prefix)])
        contents = contents &* 0x100_0000_01b3 ^ other.contents
    }
}

extension SigmaCondition {
    func renamed(_ prefix: String) -> SigmaCondition {
        switch self {
        case .selection(let name): .selection(prefix + name)
        case .not(let inner): .not(inner.renamed(prefix))
        case .and(let terms): .and(terms.map { $0.renamed(prefix) })
        case .or(let terms): .or(terms.map { $0.renamed(prefix) })
        }
    }
}
