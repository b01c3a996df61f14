import Yams

/// A node of a rule file with its place, so that every complaint can name it.
package struct RuleNode {
    let node: Node
    let file: String
    /// What `%name%` stands for where a value has the modifier `expand`.
    var placeholders: [String: [String]] = [:]

    /// What the file may still grow by; nil where nothing grows.
    var cost: RuleCost?

    package var line: Int { node.mark?.line ?? 0 }
    var column: Int { node.mark?.column ?? 0 }

    /// A scalar as Sigma means it: quoted text is always text.
    package enum Scalar: Hashable {
        case null
        case bool(Bool)
        case number(String)
        case text(String)

        package var text: String {
            switch self {
            case .null: ""
            case .bool(let value): value ? "true" : "false"
            case .number(let text), .text(let text): text
            }
        }
    }

    /// What the node is called in a message.
    var construct: String {
        switch node {
        case .scalar(let scalar): scalar.string
        case .mapping: "a map"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    package func error(_ code: RuleError.Code, _ message: String, construct: String? = nil, advice: String? = nil) -> RuleError {
        RuleError(
            code: code, file: file, line: line, column: column, construct: construct ?? self.construct, message: message, advice: advice)
    }

    /// The scalar, or nil for a map or list.
    package var scalar: Scalar? {
        guard case .scalar(let scalar) = node else { return nil }
        guard scalar.style == .plain || scalar.style == .any else { return .text(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: return RuleNode.isNumber(scalar.string) ? .number(scalar.string) : .text(scalar.string)
        }
    }

    /// The members of a map in the file's order, or nil for another node.
    var members: [(key: RuleNode, value: RuleNode)]? {
        guard case .mapping(let mapping) = node else { return nil }
        return mapping.map {
            (RuleNode(node: $0.key, file: file), RuleNode(node: $0.value, file: file, placeholders: placeholders, cost: cost))
        }
    }

    /// The elements of a list, or nil for another node.
    package var elements: [RuleNode]? {
        guard case .sequence(let sequence) = node else { return nil }
        return sequence.map { RuleNode(node: $0, file: file, placeholders: placeholders, cost: cost) }
    }

    /// The text of a scalar that must not be empty.
    package func requireText(_ what: String) throws(RuleError) -> String {
        guard let text = scalar?.text, !text.isEmpty else { throw error(.structure, "\(what) must be a text") }
        return text
    }

    /// A list of texts, or one text.
    package func requireTexts(_ what: String) throws(RuleError) -> [String] {
        if scalar == .null { return [] }
        guard let elements else { return [try requireText(what)] }
        var texts: [String] = []
        for element in elements { texts.append(try element.requireText("each of \(what)")) }
        return texts
    }

    /// The members of a map by key; throws for another node or a key that is not a scalar.
    package func requireMembers(_ what: String) throws(RuleError) -> RuleMembers {
        guard let members else { throw error(.structure, "\(what) must be a map") }
        var byKey: [String: (key: RuleNode, value: RuleNode)] = [:]
        for member in members {
            guard let key = member.key.scalar?.text else { throw member.key.error(.structure, "a key must be a text") }
            byKey[key] = member
        }
        return RuleMembers(node: self, byKey: byKey, order: members.map { $0.key.scalar?.text ?? "" })
    }

    /// A digest of everything in the node, with what placeholders stand for; not of its place or its comments.
    var contents: UInt64 {
        var digest = StableDigest("cardea rule node 1")
        var isExpanded = false
        add(to: &digest, &isExpanded)
        if isExpanded {
            for (name, values) in placeholders.sorted(by: { $0.key < $1.key }) {
                digest.add(name)
                for value in values { digest.add(value) }
            }
        }
        return digest.words().high
    }

    private func add(to digest: inout StableDigest, _ isExpanded: inout Bool) {
        if let members {
            digest.add("map \(members.count)")
            for member in members {
                let key = member.key.construct
                isExpanded = isExpanded || key.utf8.split(separator: UInt8(ascii: "|")).contains { $0.elementsEqual("expand".utf8) }
                digest.add(key)
                member.value.add(to: &digest, &isExpanded)
            }
        } else if let elements {
            digest.add("list \(elements.count)")
            for element in elements { element.add(to: &digest, &isExpanded) }
        } else if let scalar {
            digest.add(scalar == .null ? "null" : "value")
            digest.add(scalar.text)
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        var digits = 0
        var dots = 0
        for (offset, c) in text.utf8.enumerated() {
            switch c {
            case 48...57: digits += 1
            case UInt8(ascii: "."): dots += 1
            case UInt8(ascii: "-"), UInt8(ascii: "+"): if offset > 0 { return false }
            default: return false
            }
        }
        return digits > 0 && dots <= 1
    }
}

/// A map of a rule file, read key by key.
package struct RuleMembers {
    let node: RuleNode
    let byKey: [String: (key: RuleNode, value: RuleNode)]
    package let order: [String]

    package subscript(_ key: String) -> RuleNode? { byKey[key]?.value }

    package func require(_ key: String) throws(RuleError) -> RuleNode {
        guard let value = byKey[key]?.value else { throw node.error(.structure, "the key '\(key)' is missing", construct: "") }
        return value
    }

    /// Refuses a key outside `known`: where Cardea owns the map, a misspelt key must not pass in silence.
    package func refuseOthers(than known: Set<String>, in what: String) throws(RuleError) {
        for key in order where !known.contains(key) {
            throw (byKey[key]?.key ?? node).error(
                .unsupported, "\(what) has no key '\(key)'", construct: key, advice: "known: \(known.sorted().joined(separator: ", "))")
        }
    }
}
