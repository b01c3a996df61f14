import Yams

/// Splits a rule file into its YAML documents within bounds that no honest rule meets.
///
/// The parser under it expands aliases while it compares a map's keys, so aliases are counted before it sees the text, and refused after.
package enum RuleDocuments {
    /// The largest file, in bytes.
    static let maximumBytes = 1_000_000
    /// The deepest nesting of maps and lists.
    static let maximumDepth = 32
    /// Words that look like an alias; a dozen cannot blow up.
    static let maximumSuspects = 12
    /// Documents in a file.
    static let maximumDocuments = 1000

    /// The documents of `yaml`, empty ones left out.
    package static func read(_ yaml: [UInt8], file: String, placeholders: [String: [String]] = [:]) throws(RuleError) -> [RuleNode] {
        guard yaml.count <= maximumBytes else {
            throw RuleError(
                code: .limit, file: file, message: "a rule file may have at most \(maximumBytes) bytes, this one has \(yaml.count)",
                advice: "split it")
        }
        // A byte order mark is no part of the text.
        let yaml = yaml.starts(with: [0xef, 0xbb, 0xbf]) ? Array(yaml.dropFirst(3)) : yaml
        guard let text = String(validating: yaml, as: UTF8.self) else {
            throw RuleError(code: .yaml, file: file, message: "the file is not UTF-8")
        }
        try refuseBombs(yaml, file: file)
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            let cost = RuleCost()
            var documents: [RuleNode] = []
            while let root = try parser.nextRoot() {
                let node = RuleNode(node: root, file: file, placeholders: placeholders, cost: cost)
                if node.scalar == .null { continue }
                try check(node, depth: 1)
                documents.append(node)
                guard documents.count <= maximumDocuments else {
                    throw node.error(.limit, "a file may hold at most \(maximumDocuments) documents", construct: "")
                }
            }
            return try RuleActions.apply(documents)
        } catch let error as RuleError {
            throw error
        } catch let error as YamlError {
            throw RuleDocuments.error(error, file: file)
        } catch {
            throw RuleError(code: .yaml, file: file, message: "the file is not YAML")
        }
    }

    private static func refuseBombs(_ yaml: [UInt8], file: String) throws(RuleError) {
        var previous = UInt8(ascii: "\n")
        var suspects = 0
        var flow = 0
        var line = 1
        for (offset, c) in yaml.enumerated() {
            switch c {
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: "*"):
                let opens = " \t\n\r,[{?-:".utf8.contains(previous)
                let next = offset + 1 < yaml.count ? yaml[offset + 1] : 0
                let isWord = next > 0x7f || (48...57).contains(next) || (97...122).contains(next | 0x20) || next == 0x5f || next == 0x2d
                if opens, isWord { suspects += 1 }
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                if " \t\n\r,[{?-:".utf8.contains(previous) { flow += 1 }
            case UInt8(ascii: "]"), UInt8(ascii: "}"): flow = max(0, flow - 1)
            default: break
            }
            previous = c
            guard suspects <= maximumSuspects else {
                throw RuleError(
                    code: .yaml, file: file, line: line, column: 1, message: "too many words that look like YAML aliases",
                    advice: "rules are written without anchors and aliases; put such text in quotes")
            }
            guard flow <= 8 * maximumDepth else {
                throw RuleError(code: .limit, file: file, line: line, column: 1, message: "lists and maps are nested too deeply")
            }
        }
    }

    private static func check(_ node: RuleNode, depth: Int) throws(RuleError) {
        guard depth <= maximumDepth else { throw node.error(.limit, "maps and lists may be nested \(maximumDepth) deep", construct: "") }
        let anchored: Bool
        switch node.node {
        case .scalar(let scalar): anchored = scalar.anchor != nil
        case .mapping(let mapping): anchored = mapping.anchor != nil
        case .sequence(let sequence): anchored = sequence.anchor != nil
        case .alias: anchored = true
        }
        if anchored { throw node.error(.yaml, "anchors and aliases are not accepted", advice: "write the value out") }
        for element in node.elements ?? [] { try check(element, depth: depth + 1) }
        for member in node.members ?? [] {
            try check(member.key, depth: depth + 1)
            try check(member.value, depth: depth + 1)
        }
    }

    private static func error(_ error: YamlError, file: String) -> RuleError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            RuleError(code: .yaml, file: file, line: mark.line, column: mark.column, message: problem)
        case .reader(let problem, _, _, _):
            RuleError(code: .yaml, file: file, message: problem)
        case .duplicatedKeysInMapping(let keys, let context):
            RuleError(
                code: .yaml, file: file, line: context.mark.line, column: context.mark.column,
                construct: keys.joined(separator: ", "), message: "a key is given twice")
        default:
            RuleError(code: .yaml, file: file, message: "the file is not YAML")
        }
    }
}
