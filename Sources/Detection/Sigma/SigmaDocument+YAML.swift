extension SigmaDocument {
    /// Reads every document of a rule file.
    ///
    /// References between rules are not resolved here but by `RuleSet`.
    /// - Parameters:
    ///   - yaml: the file's bytes, at most 1 MB.
    ///   - file: its name, for messages.
    ///   - placeholders: what `%name%` stands for in values with the modifier `expand`.
    /// - Throws: `RuleErrors`, with one fault for each document that cannot be used.
    public static func parse(_ yaml: [UInt8], file: String, placeholders: [String: [String]] = [:]) throws(RuleErrors) -> [SigmaDocument] {
        let nodes: [RuleNode]
        do { nodes = try RuleDocuments.read(yaml, file: file, placeholders: placeholders) } catch { throw RuleErrors([error]) }
        var documents: [SigmaDocument] = []
        var errors: [RuleError] = []
        for node in nodes {
            do { documents.append(try SigmaDocument(node)) } catch { errors.append(error) }
        }
        guard errors.isEmpty else { throw RuleErrors(errors) }
        return documents
    }

    init(_ node: RuleNode) throws(RuleError) {
        let members = try node.requireMembers("a rule")
        let metadata = try SigmaMetadata(members)
        if members["filter"] != nil {
            self = .filter(try SigmaFilter(members, metadata: metadata))
        } else if members["correlation"] != nil {
            self = .correlation(try SigmaCorrelation(members, metadata: metadata))
        } else {
            self = .rule(try SigmaRule(members, metadata: metadata))
        }
    }
}

extension SigmaMetadata {
    init(_ members: RuleMembers) throws(RuleError) {
        let title = try members.require("title").requireText("title")
        let name = try members["name"]?.requireText("name")
        let id = try members["id"]?.requireText("id")
        var level = SigmaLevel.medium
        if let node = members["level"] {
            let text = try node.requireText("level")
            guard let known = SigmaLevel(rawValue: text.lowercased()) else {
                throw node.error(
                    .value, "not a level", advice: "levels: \(SigmaLevel.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            level = known
        }
        self.init(
            title: title, id: id ?? name ?? title, name: name, status: members["status"]?.scalar?.text,
            description: members["description"]?.scalar?.text, author: members["author"]?.scalar?.text,
            references: try members["references"]?.requireTexts("references") ?? [], tags: try members["tags"]?.requireTexts("tags") ?? [],
            level: level, falsePositives: try members["falsepositives"]?.requireTexts("falsepositives") ?? [], file: members.node.file,
            line: members.node.line)
    }
}

extension SigmaRule {
    init(_ members: RuleMembers, metadata: SigmaMetadata) throws(RuleError) {
        self.metadata = metadata
        let source = try members.require("logsource").requireMembers("logsource")
        try source.refuseOthers(than: ["category", "product", "service", "definition"], in: "logsource")
        logsource = SigmaLogsource(
            category: try source["category"]?.requireText("category"), product: try source["product"]?.requireText("product"),
            service: try source["service"]?.requireText("service"))
        guard logsource != SigmaLogsource() else {
            throw source.node.error(
                .structure, "logsource must name a category, a product or a service", construct: "",
                advice: "product: cardea means every event")
        }
        detection = try SigmaDetection(try members.require("detection"))
        if let extensions = try members["cardea"]?.requireMembers("cardea") {
            try extensions.refuseOthers(than: ["tests"], in: "cardea of a plain rule")
            tests = try extensions["tests"].map { (node) throws(RuleError) in try InlineTest.parse(node) } ?? []
        }
    }
}
