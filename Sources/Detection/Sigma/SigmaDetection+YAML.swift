extension SigmaDetection {
    init(_ node: RuleNode) throws(RuleError) {
        let members = try node.requireMembers("detection")
        if let timeframe = members.byKey["timeframe"] {
            throw timeframe.key.error(.unsupported, "'timeframe' is not part of Sigma 2", advice: "write a correlation with a timespan")
        }
        selections = [:]
        var names: [String] = []
        for name in members.order where name != "condition" {
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
        self.condition = terms.count == 1 ? terms[0] : .or(terms)
    }
}

extension SigmaSelection {
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
        var text = SigmaString(scalar.text)
        text.openStart()
        text.openEnd()
        return .text(text)
    }

    private enum Operation: Equatable {
        case equals, contains, startsWith, endsWith, regex, cidr, exists
        case compare(Comparison)
    }

    init(key: RuleNode, value: RuleNode) throws(RuleError) {
        guard let keyText = key.scalar?.text else { throw key.error(.structure, "a field must be a text") }
        let words = keyText.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        var operation = Operation.equals
        var regexOptions = RegexOptions()
        self.init(field: words[0].isEmpty ? nil : words[0], values: [])
        for word in words.dropFirst() {
            let next: Operation
            switch word {
            case "contains": next = .contains
            case "startswith": next = .startsWith
            case "endswith": next = .endsWith
            case "re": next = .regex
            case "cidr": next = .cidr
            case "exists": next = .exists
            case "gt", "gte", "lt", "lte": next = .compare(Comparison(rawValue: word) ?? .gt)
            case "i" where operation == .regex, "m" where operation == .regex, "s" where operation == .regex:
                regexOptions.insert(word)
                continue
            case "all":
                matchesAll = true
                continue
            case "cased":
                isCased = true
                continue
            case "neq":
                isNegated = true
                continue
            default:
                throw key.error(
                    .unsupported, "the modifier is not evaluated", construct: word,
                    advice: "contains, startswith, endswith, all, re (i, m, s), cased, cidr, exists, gt, gte, lt, lte, neq are")
            }
            guard operation == .equals else { throw key.error(.structure, "these modifiers cannot stand together", construct: keyText) }
            operation = next
        }
        if field == nil, operation != .equals && operation != .contains && operation != .regex {
            throw key.error(.unsupported, "keywords take only all, contains, re, cased and neq", construct: keyText)
        }
        let elements = value.elements ?? [value]
        guard !elements.isEmpty else { throw value.error(.structure, "a field needs at least one value", construct: keyText) }
        if matchesAll, elements.count == 1, field != nil, value.elements == nil {
            throw key.error(.structure, "'all' needs a list of values", construct: keyText)
        }
        for element in elements {
            guard let scalar = element.scalar else {
                throw element.error(.structure, "a value must be a text, a number, true, false or null")
            }
            values.append(try Self.value(scalar, operation, regexOptions, field == nil, element))
        }
    }

    private static func value(
        _ scalar: RuleNode.Scalar, _ operation: Operation, _ options: RegexOptions, _ isKeyword: Bool, _ node: RuleNode
    ) throws(RuleError) -> Value {
        if scalar == .null {
            guard operation == .equals, !isKeyword else { throw node.error(.value, "null only stands without modifiers") }
            return .null
        }
        switch operation {
        case .equals, .contains, .startsWith, .endsWith:
            if isKeyword { return try keyword(node) }
            var text = SigmaString(scalar.text)
            if operation == .contains || operation == .endsWith { text.openStart() }
            if operation == .contains || operation == .startsWith { text.openEnd() }
            return .text(text)
        case .regex:
            do { return .regex(try RegexProgram(scalar.text, options: options)) } catch {
                throw node.error(.regex, error.message, advice: error.advice)
            }
        case .cidr:
            guard let range = AddressRange(scalar.text) else {
                throw node.error(.value, "not an address range", advice: "for example 192.0.2.0/24 or 2001:db8::/32")
            }
            return .network(range)
        case .exists:
            guard case .bool(let wanted) = scalar else { throw node.error(.value, "exists takes true or false") }
            return .exists(wanted)
        case .compare(let comparison):
            guard let number = Double(scalar.text) else { throw node.error(.value, "a number is compared with a number") }
            return .compare(comparison, number)
        }
    }
}
