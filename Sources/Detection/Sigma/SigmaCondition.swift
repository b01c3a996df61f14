/// The condition of a detection with `1 of` and `all of` written out.
indirect enum SigmaCondition: Sendable, Hashable {
    case selection(String)
    case not(SigmaCondition)
    case and([SigmaCondition])
    case or([SigmaCondition])

    /// The selections that it names.
    var names: Set<String> {
        switch self {
        case .selection(let name): [name]
        case .not(let inner): inner.names
        case .and(let terms), .or(let terms): terms.reduce(into: []) { $0.formUnion($1.names) }
        }
    }
}

/// Reads Sigma's condition grammar: `not` binds tightest, then `and`, then `or`; parentheses; `1 of`, `any of`, `all of` over a name with
/// `*` or over `them`, which leaves out the names that begin with an underscore.
struct SigmaConditionParser {
    private static let maximumDepth = 64
    private static let maximumTokens = 4096

    private var tokens: [String] = []
    private var next = 0
    private var depth = 0
    private let names: [String]
    private let known: Set<String>
    private let node: RuleNode

    /// - Parameter names: the detection's selections, in the file's order.
    static func parse(_ text: String, names: [String], at node: RuleNode) throws(RuleError) -> SigmaCondition {
        var parser = try SigmaConditionParser(text, names: names, node: node)
        let condition = try parser.disjunction()
        if let rest = parser.peek { throw parser.fault("the condition goes on where it should end", rest) }
        return condition
    }

    private init(_ text: String, names: [String], node: RuleNode) throws(RuleError) {
        (self.names, self.known, self.node) = (names, Set(names), node)
        var word: [UInt8] = []
        for c in text.utf8 {
            switch c {
            case 0x20, 0x09, 0x0a, 0x0d, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "|"):
                if !word.isEmpty { tokens.append(String(decoding: word, as: UTF8.self)) }
                word = []
                if c > 0x20 { tokens.append(String(UnicodeScalar(c))) }
            default: word.append(c)
            }
        }
        if !word.isEmpty { tokens.append(String(decoding: word, as: UTF8.self)) }
        guard tokens.count <= Self.maximumTokens else { throw fault("a condition may have at most \(Self.maximumTokens) words", "") }
        if tokens.contains("|") {
            throw node.error(
                .unsupported, "aggregations in a condition are not part of Sigma 2", construct: "|",
                advice: "write a correlation document instead")
        }
    }

    private var peek: String? { next < tokens.count ? tokens[next] : nil }

    private func fault(_ message: String, _ construct: String, advice: String? = nil) -> RuleError {
        node.error(.condition, message, construct: construct, advice: advice)
    }

    private func isWord(_ word: String) -> Bool { peek?.lowercased() == word }

    private mutating func disjunction() throws(RuleError) -> SigmaCondition {
        var terms = [try conjunction()]
        while isWord("or") {
            next += 1
            terms.append(try conjunction())
        }
        return terms.count == 1 ? terms[0] : .or(terms)
    }

    private mutating func conjunction() throws(RuleError) -> SigmaCondition {
        var terms = [try negation()]
        while isWord("and") {
            next += 1
            terms.append(try negation())
        }
        return terms.count == 1 ? terms[0] : .and(terms)
    }

    private mutating func negation() throws(RuleError) -> SigmaCondition {
        var negated = false
        while isWord("not") {
            next += 1
            negated.toggle()
        }
        let term = try primary()
        return negated ? .not(term) : term
    }

    private mutating func primary() throws(RuleError) -> SigmaCondition {
        guard let token = peek else { throw fault("the condition ends where a selection should stand", "") }
        next += 1
        if token == "(" {
            depth += 1
            guard depth <= Self.maximumDepth else { throw fault("parentheses may be nested \(Self.maximumDepth) deep", token) }
            let inner = try disjunction()
            guard peek == ")" else { throw fault("a parenthesis is not closed", peek ?? "") }
            next += 1
            depth -= 1
            return inner
        }
        if isWord("of") {
            next += 1
            return try quantifier(token)
        }
        guard known.contains(token) else {
            throw fault(
                "the condition names no selection", token,
                advice: names.isEmpty ? nil : "selections: \(names.prefix(12).joined(separator: ", "))")
        }
        return .selection(token)
    }

    private mutating func quantifier(_ quantity: String) throws(RuleError) -> SigmaCondition {
        let all: Bool
        switch quantity.lowercased() {
        case "1", "any": all = false
        case "all": all = true
        default:
            throw node.error(
                .unsupported, "only '1 of', 'any of' and 'all of' exist", construct: "\(quantity) of", advice: "write 1 of or all of")
        }
        guard let pattern = peek else { throw fault("'of' must be followed by a name or by them", quantity) }
        next += 1
        try node.charge(32 * names.count)
        let chosen: [String]
        if pattern.lowercased() == "them" {
            chosen = names.filter { !$0.utf8.starts(with: "_".utf8) }
        } else {
            let glob = TextMatcher(SigmaString(pattern), cased: true)
            chosen = names.filter { glob.matches(Array($0.utf8)) }
        }
        guard !chosen.isEmpty else { throw fault("no selection has such a name", pattern) }
        let terms = chosen.map { SigmaCondition.selection($0) }
        return terms.count == 1 ? terms[0] : all ? .and(terms) : .or(terms)
    }
}
