extension SigmaDetection {
    /// - Parameter others: keys of the map that are no selections.
    init(_ node: RuleNode, besides others: Set<String> = []) throws(RuleError) {
        let members = try node.requireMembers("detection")
        if let timeframe = members.byKey["timeframe"] {
            throw timeframe.key.error(.unsupported, "'timeframe' is not part of Sigma 2", advice: "write a correlation with a timespan")
        }
        selections = [:]
        var names: [String] = []
        for name in members.order where name != "condition" && !others.contains(name) {
            guard let value = members[name] else { continue }
            names.append(name)
            selections[name] = try SigmaSelection(value, name: name)
        }
        guard !names.isEmpty else { throw node.error(.structure, "a detection needs a selection", construct: "") }
        let condition = try members.require("condition")
        var terms: [SigmaCondition] = []
        for element in condition.elements ?? [condition] {
            terms.append(try SigmaConditionParser.parse(try element.requireText("condition"), names: names, at: element))
        }
        guard !terms.isEmpty else { throw condition.error(.structure, "the condition is empty") }
        // Each place that names a selection has it once more.
        let whole = SigmaCondition.or(terms)
        var places: [String: Int] = [:]
        whole.count(&places)
        for (name, count) in places where count > 1 { try condition.charge((selections[name]?.size ?? 0) * count) }
        self.condition = terms.count == 1 ? terms[0] : .or(terms)
        contents = node.contents
    }
}

extension SigmaCondition {
    /// How often each selection is named.
    fileprivate func count(_ places: inout [String: Int]) {
        switch self {
        case .selection(let name): places[name, default: 0] += 1
        case .not(let inner): inner.count(&places)
        case .and(let terms), .or(let terms): for term in terms { term.count(&places) }
        }
    }
}

extension SigmaSelection {
    /// About the bytes that it takes.
    fileprivate var size: Int {
        switch self {
        case .all(let tests): tests.reduce(64) { $0 + $1.values.reduce(64) { $0 + $1.size } }
        case .any(let parts): parts.reduce(64) { $0 + $1.size }
        }
    }

    init(_ node: RuleNode, name: String) throws(RuleError) {
        if let members = node.members {
            var tests: [SigmaTest] = []
            for member in members { tests.append(try SigmaTest(key: member.key, value: member.value)) }
            guard !tests.isEmpty else { throw node.error(.structure, "the selection is empty", construct: name) }
            self = .all(tests)
        } else if let elements = node.elements {
            guard !elements.isEmpty else { throw node.error(.structure, "the selection is empty", construct: name) }
            var keywords: [SigmaTest.Value] = []
            var parts: [SigmaSelection] = []
            for element in elements {
                if element.scalar != nil {
                    keywords.append(try SigmaTest.keyword(element))
                } else {
                    guard element.members != nil else { throw element.error(.structure, "a list of lists is no selection") }
                    parts.append(try SigmaSelection(element, name: name))
                }
            }
            if !keywords.isEmpty { parts.append(.all([SigmaTest(field: nil, values: keywords)])) }
            self = parts.count == 1 ? parts[0] : .any(parts)
        } else {
            self = .all([SigmaTest(field: nil, values: [try SigmaTest.keyword(node)])])
        }
    }
}

extension SigmaTest {
    /// A keyword is sought anywhere in the event.
    static func keyword(_ node: RuleNode) throws(RuleError) -> Value {
        guard let scalar = node.scalar, scalar != .null, !scalar.text.isEmpty else {
            throw node.error(.value, "a keyword must be a text")
        }
        return .text(opened(SigmaString(scalar.text)))
    }

    static func opened(_ text: SigmaString) -> SigmaString {
        var text = text
        text.openStart()
        text.openEnd()
        return text
    }
}
