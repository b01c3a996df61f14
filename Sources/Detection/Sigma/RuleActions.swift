import Yams

/// Files of several documents that share parts: `action: global` gives the later ones its keys, `reset` forgets them, `repeat` is the rule
/// before it with some keys changed.
enum RuleActions {
    static func apply(_ documents: [RuleNode]) throws(RuleError) -> [RuleNode] {
        var shared: Node.Mapping?
        var previous: Node.Mapping?
        var result: [RuleNode] = []
        for document in documents {
            guard case .mapping(var mapping) = document.node else {
                result.append(document)
                continue
            }
            let action = document.members?.first { $0.key.scalar?.text == "action" }
            mapping = without("action", mapping)
            switch action?.value.scalar?.text {
            case nil where action == nil:
                if let shared { try document.charge(32 * size(.mapping(shared))) }
                let own = shared.map { merged($0, mapping) } ?? mapping
                previous = own
                result.append(with(.mapping(own), document))
            case "global": shared = shared.map { merged($0, mapping) } ?? mapping
            case "reset": shared = nil
            case "repeat":
                guard let last = previous else {
                    throw document.error(.structure, "there is no rule before this one to repeat", construct: "repeat")
                }
                try document.charge(32 * size(.mapping(last)))
                let own = merged(last, mapping)
                previous = own
                result.append(with(.mapping(own), document))
            default:
                throw (action?.value ?? document).error(.unsupported, "there is no such action", advice: "global, reset or repeat")
            }
        }
        return result
    }

    private static func with(_ node: Node, _ document: RuleNode) -> RuleNode {
        RuleNode(node: node, file: document.file, placeholders: document.placeholders, cost: document.cost)
    }

    private static func without(_ key: String, _ mapping: Node.Mapping) -> Node.Mapping {
        Node.Mapping(mapping.filter { $0.key.scalar?.string != key }.map { ($0.key, $0.value) }, mapping.tag, mapping.style, mapping.mark)
    }

    private static func size(_ node: Node) -> Int {
        switch node {
        case .mapping(let mapping): mapping.reduce(1) { $0 + size($1.key) + size($1.value) }
        case .sequence(let elements): elements.reduce(1) { $0 + size($1) }
        default: 1
        }
    }

    /// Maps are joined member by member, anything else is replaced.
    private static func merged(_ base: Node.Mapping, _ change: Node.Mapping) -> Node.Mapping {
        var pairs = base.map { ($0.key, $0.value) }
        var places = Dictionary(pairs.enumerated().map { ($1.0.scalar?.string, $0) }) { first, _ in first }
        for (key, value) in change {
            if let place = places[key.scalar?.string] {
                if case .mapping(let old) = pairs[place].1, case .mapping(let new) = value {
                    pairs[place].1 = .mapping(merged(old, new))
                } else {
                    pairs[place] = (key, value)
                }
            } else {
                places[key.scalar?.string] = pairs.count
                pairs.append((key, value))
            }
        }
        return Node.Mapping(pairs, base.tag, base.style, change.mark)
    }
}
