extension SigmaTest {
    private static let known =
        "contains, startswith, endswith, all, re (i, m, s), cased, cidr, windash, base64, base64offset, utf16, utf16le, utf16be, wide, exists, "
        + "fieldref, gt, gte, lt, lte, neq, expand, minute, hour, day, week, month, year"

    private enum Operation: Equatable {
        case equals, contains, startsWith, endsWith, regex, cidr, exists
        case compare(Comparison)
    }

    /// The modifiers of a field.
    private struct Modifiers {
        var operation = Operation.equals
        var regexOptions = RegexOptions()
        var time: TimePart?
        var isReference = false
        var isExpanded = false
        /// Those that change the value itself, in the order given.
        var encodings: [String] = []
    }

    init(key: RuleNode, value: RuleNode) throws(RuleError) {
        guard let keyText = key.scalar?.text else { throw key.error(.structure, "a field must be a text") }
        let words = keyText.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        self.init(field: words[0].isEmpty ? nil : words[0], values: [])
        var modifiers = Modifiers()
        for word in words.dropFirst() {
            var next: Operation?
            switch word {
            case "contains": next = .contains
            case "startswith": next = .startsWith
            case "endswith": next = .endsWith
            case "re": next = .regex
            case "cidr": next = .cidr
            case "exists": next = .exists
            case "gt", "gte", "lt", "lte": next = .compare(Comparison(rawValue: word) ?? .gt)
            case "i" where modifiers.operation == .regex, "m" where modifiers.operation == .regex, "s" where modifiers.operation == .regex:
                modifiers.regexOptions.insert(word)
            case "i", "m", "s":
                throw key.error(.structure, "the modifier belongs to a regular expression", construct: word, advice: "write re|\(word)")
            case "all": matchesAll = true
            case "cased": isCased = true
            case "neq": isNegated = true
            case "fieldref": modifiers.isReference = true
            case "expand": modifiers.isExpanded = true
            case "windash", "base64", "base64offset", "utf16", "utf16le", "utf16be", "wide":
                guard modifiers.operation == .equals else {
                    throw key.error(
                        .structure, "the value is changed before it is compared", construct: keyText, advice: "write \(word) first")
                }
                modifiers.encodings.append(word)
            default:
                guard let part = TimePart(rawValue: word) else {
                    throw key.error(.unsupported, "there is no such modifier", construct: word, advice: Self.known)
                }
                guard modifiers.time == nil else {
                    throw key.error(.structure, "these modifiers cannot stand together", construct: keyText)
                }
                modifiers.time = part
            }
            guard let next else { continue }
            guard modifiers.operation == .equals else {
                throw key.error(.structure, "these modifiers cannot stand together", construct: keyText)
            }
            modifiers.operation = next
        }
        try refuse(modifiers, key, keyText)
        let elements = value.elements ?? [value]
        guard !elements.isEmpty else { throw value.error(.structure, "a field needs at least one value", construct: keyText) }
        if matchesAll, elements.count == 1, field != nil, value.elements == nil {
            throw key.error(.structure, "'all' needs a list of values", construct: keyText)
        }
        for element in elements {
            guard let scalar = element.scalar else {
                throw element.error(.structure, "a value must be a text, a number, true, false or null")
            }
            values += try Self.values(scalar, modifiers, isKeyword: field == nil, element)
        }
    }

    /// Refuses combinations that mean nothing.
    private func refuse(_ modifiers: Modifiers, _ key: RuleNode, _ keyText: String) throws(RuleError) {
        let isText: Bool
        switch modifiers.operation {
        case .equals, .contains, .startsWith, .endsWith: isText = true
        default: isText = false
        }
        if !modifiers.encodings.isEmpty && !isText || isCased && !isText && modifiers.operation != .regex {
            throw key.error(.structure, "these modifiers compare no text", construct: keyText)
        }
        if modifiers.isReference, !isText || !modifiers.encodings.isEmpty || modifiers.isExpanded || modifiers.time != nil {
            throw key.error(
                .structure, "another field takes no such modifier", construct: keyText,
                advice: "fieldref goes with contains, startswith, endswith, cased and neq")
        }
        if modifiers.time != nil {
            var isNumber = modifiers.operation == .equals
            if case .compare = modifiers.operation { isNumber = true }
            guard isNumber, modifiers.encodings.isEmpty, !isCased else {
                throw key.error(
                    .structure, "a part of a date is a number", construct: keyText, advice: "it goes with gt, gte, lt, lte and neq")
            }
        }
        if modifiers.operation == .exists, isNegated || matchesAll {
            throw key.error(.structure, "exists stands alone", construct: keyText, advice: "write true or false")
        }
        let isForKeywords = modifiers.operation == .equals || modifiers.operation == .contains || modifiers.operation == .regex
        if field == nil, !isForKeywords || modifiers.isReference || modifiers.time != nil {
            throw key.error(
                .unsupported, "keywords take only all, contains, re, cased, neq, expand, windash and the encodings", construct: keyText)
        }
    }

    private static func values(
        _ scalar: RuleNode.Scalar, _ modifiers: Modifiers, isKeyword: Bool, _ node: RuleNode
    ) throws(RuleError) -> [Value] {
        if scalar == .null {
            let isBare =
                modifiers.operation == .equals && !isKeyword && modifiers.encodings.isEmpty && !modifiers.isReference
                && modifiers.time == nil
            guard isBare else { throw node.error(.value, "null only stands without modifiers") }
            return [.null]
        }
        if modifiers.isReference {
            let shape: ReferenceShape =
                switch modifiers.operation {
                case .contains: .contains
                case .startsWith: .startsWith
                case .endsWith: .endsWith
                default: .equals
                }
            return [.reference(try node.requireText("the name of a field"), shape)]
        }
        let texts = modifiers.isExpanded ? try Placeholders.expand(scalar.text, node) : [scalar.text]
        var values: [Value] = []
        for text in texts {
            let made = try Self.values(text, scalar, modifiers, isKeyword, node)
            try node.charge(made.reduce(0) { $0 + $1.size })
            values += made
        }
        return values
    }

    private static func values(
        _ text: String, _ scalar: RuleNode.Scalar, _ modifiers: Modifiers, _ isKeyword: Bool, _ node: RuleNode
    ) throws(RuleError) -> [Value] {
        let operation = modifiers.operation
        if let part = modifiers.time {
            guard let number = Int(text), part.range.contains(number) else {
                throw node.error(.value, "\(part.rawValue) is a number from \(part.range.lowerBound) to \(part.range.upperBound)")
            }
            if case .compare(let comparison) = operation { return [.time(part, comparison, number)] }
            return [.time(part, nil, number)]
        }
        switch operation {
        case .equals, .contains, .startsWith, .endsWith:
            if isKeyword, text.isEmpty { throw node.error(.value, "a keyword must be a text") }
            return try ValueEncoding.apply(modifiers.encodings, to: SigmaString(text), node).map { text in
                var text = text
                if isKeyword || operation == .contains || operation == .endsWith { text.openStart() }
                if isKeyword || operation == .contains || operation == .startsWith { text.openEnd() }
                return .text(text)
            }
        case .regex:
            do { return [.regex(try RegexProgram(text, options: modifiers.regexOptions))] } catch {
                throw node.error(.regex, error.message, advice: error.advice)
            }
        case .cidr:
            guard let range = AddressRange(text) else {
                throw node.error(.value, "not an address range", advice: "for example 192.0.2.0/24 or 2001:db8::/32")
            }
            return [.network(range)]
        case .exists:
            guard case .bool(let wanted) = scalar else { throw node.error(.value, "exists takes true or false") }
            return [.exists(wanted)]
        case .compare(let comparison):
            guard let number = Double(text), number.isFinite else { throw node.error(.value, "a number is compared with a number") }
            return [.compare(comparison, number)]
        }
    }
}

extension SigmaTest.Value {
    /// About the bytes that it takes.
    var size: Int {
        switch self {
        case .regex(let program): 64 + program.code.count * 16
        case .text(let text):
            text.parts.reduce(64) { size, part in
                if case .literal(let bytes) = part { size + 32 + bytes.count } else { size + 16 }
            }
        default: 64
        }
    }
}
