/// Checks rule files one by one: what stops them from loading, what they cannot do, what they lack.
public enum RuleLint {
    /// Every finding about a file, by place.
    ///
    /// A correlation may count rules of other files, so its references are not followed here; `RuleSet` does that for all files together.
    /// - Parameter placeholders: as for `RuleSet`.
    public static func check(_ yaml: [UInt8], file: String, placeholders: [String: [String]] = [:]) -> [RuleFinding] {
        var findings: [RuleFinding] = []
        let nodes: [RuleNode]
        do { nodes = try RuleDocuments.read(yaml, file: file, placeholders: placeholders) } catch { return [RuleFinding(error)] }
        if nodes.isEmpty {
            findings.append(RuleFinding(RuleError(code: .structure, file: file, message: "the file holds no rule"), severity: .warning))
        }
        for node in nodes {
            do {
                let document = try SigmaDocument(node)
                findings += metadata(node)
                switch document {
                case .rule(let rule): findings += matching(rule, node)
                case .correlation: unknownFields(ofCorrelation: node, into: &findings)
                case .filter: break
                }
            } catch { findings.append(RuleFinding(error)) }
        }
        return findings.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    }

    private static func metadata(_ node: RuleNode) -> [RuleFinding] {
        guard let members = try? node.requireMembers("a rule") else { return [] }
        var findings: [RuleFinding] = []
        func add(_ severity: RuleFinding.Severity, _ place: RuleNode, _ construct: String, _ message: String, _ advice: String?) {
            findings.append(
                RuleFinding(place.error(.value, message, construct: construct, advice: advice), severity: severity))
        }
        if let id = members["id"] {
            if !isUUID(id.construct) { add(.advice, id, id.construct, "the id is no UUID", "uuidgen makes one") }
        } else {
            add(
                .warning, node, "id", "the rule has no id", "an id keeps its alerts and its state when the title changes; uuidgen makes one"
            )
        }
        if members["level"] == nil { add(.warning, node, "level", "the rule has no level, so it counts as medium", "level: high, say") }
        if members["falsepositives"] == nil {
            add(
                .advice, node, "falsepositives", "the rule does not say what else could match", "list what an analyst should rule out first"
            )
        }
        for (key, what) in [("description", "what it looks for"), ("author", "who wrote it"), ("status", "how mature it is")]
        where members[key] == nil {
            add(.advice, node, key, "the rule does not say \(what)", nil)
        }
        if let status = members["status"]?.scalar?.text, !statuses.contains(status), let place = members["status"] {
            add(.warning, place, status, "not a status of Sigma", "stable, test, experimental, deprecated, unsupported")
        }
        let tags = members["tags"]?.elements ?? []
        if tags.isEmpty { add(.advice, node, "tags", "the rule names no technique", "for example attack.t1110.001") }
        for tag in tags where !isTag(tag.construct) {
            add(
                .warning, tag, tag.construct, "the tag has not the shape of one",
                "namespace.name; attack.t1110 or attack.t1110.003 for a technique")
        }
        return findings
    }

    private static let statuses: Set<String> = ["stable", "test", "experimental", "deprecated", "unsupported"]

    private static func matching(_ rule: SigmaRule, _ node: RuleNode) -> [RuleFinding] {
        let members = try? node.requireMembers("a rule")
        var findings: [RuleFinding] = []
        if LogsourceRoute(rule.logsource).types == .none {
            let place = members?.byKey["logsource"]?.key ?? node
            let fault = place.error(
                .value, "no event of Cardea comes from this log source, so the rule never matches", construct: "logsource",
                advice: "category: webserver, authentication or application; product: cardea for every event")
            findings.append(RuleFinding(fault, severity: .warning))
        }
        guard let detection = try? members?["detection"]?.requireMembers("detection") else { return findings }
        for name in detection.order where name != "condition" {
            guard let selection = detection[name] else { continue }
            if !rule.detection.condition.names.contains(name), let key = detection.byKey[name]?.key {
                findings.append(
                    RuleFinding(key.error(.value, "the condition does not use this selection", construct: name), severity: .warning))
            }
            unknownFields(selection, into: &findings)
        }
        return findings
    }

    private static func unknownFields(_ node: RuleNode, into findings: inout [RuleFinding]) {
        for element in node.elements ?? [] { unknownFields(element, into: &findings) }
        for member in node.members ?? [] {
            unknownField(String(member.key.construct.prefix { $0 != "|" }), member.key, into: &findings)
        }
    }

    private static func unknownFields(ofCorrelation node: RuleNode, into findings: inout [RuleFinding]) {
        guard let members = try? node.requireMembers("a rule"),
            let body = try? members["correlation"]?.requireMembers("correlation")
        else { return }
        let aliases = try? body["aliases"]?.requireMembers("aliases")
        let counted = try? body["condition"]?.requireMembers("condition")["field"] ?? body["field"]
        var names = [body["group-by"], counted].compactMap(\.self)
        names += aliases?.order.flatMap { aliases?[$0]?.members?.map(\.value) ?? [] } ?? []
        if let extensions = try? members["cardea"]?.requireMembers("cardea") {
            names += [try? extensions["new_value"]?.requireMembers("new_value")["field"]].compactMap(\.self)
            for also in extensions["also"]?.elements ?? [] {
                guard let also = try? also.requireMembers("also") else { continue }
                names += [also["field"], also["few_tries"]].compactMap(\.self)
            }
        }
        for name in names.flatMap({ $0.elements ?? [$0] }) {
            let text = name.construct
            if !ValueSource.derived.contains(text), !(aliases?.order.contains(text) ?? false) { unknownField(text, name, into: &findings) }
        }
    }

    private static func unknownField(_ name: String, _ place: RuleNode, into findings: inout [RuleFinding]) {
        guard !name.isEmpty, FieldMap.known(name) == nil else { return }
        let fault = place.error(
            .value, "no taxonomy has this field, so it is sought among the event's details", construct: name,
            advice: "write details.\(name) where that is meant")
        findings.append(RuleFinding(fault, severity: .warning))
    }

    /// `namespace.name`; in the namespace `attack` a number has the shape of one (Sigma's appendix on tags).
    static func isTag(_ tag: String) -> Bool {
        let parts = tag.split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }
        guard parts.count >= 2 else { return false }
        for part in parts {
            let isPlain = part.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 0x2d || $0 == 0x5f }
            if part.isEmpty || !isPlain { return false }
        }
        guard parts[0].elementsEqual("attack".utf8), parts[1].count > 1,
            parts[1][0] == UInt8(ascii: "t") || parts[1][0] == UInt8(ascii: "s"),
            (48...57).contains(parts[1][1])
        else { return true }
        let digits = parts[1].dropFirst()
        guard digits.count == 4, digits.allSatisfy({ (48...57).contains($0) }) else { return false }
        return parts.count == 2 || (parts.count == 3 && parts[2].count == 3 && parts[2].allSatisfy { (48...57).contains($0) })
    }

    private static func isUUID(_ text: String) -> Bool {
        let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return groups.map(\.count) == [8, 4, 4, 4, 12]
            && groups.allSatisfy { $0.allSatisfy { (48...57).contains($0) || (97...102).contains($0 | 0x20) } }
    }
}
