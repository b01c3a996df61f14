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

extension SigmaCorrelation {
    init(_ members: RuleMembers, metadata: SigmaMetadata) throws(RuleError) {
        let body = try members.require("correlation").requireMembers("correlation")
        if let aliases = body["aliases"] {
            throw aliases.error(
                .unsupported, "aliases are not evaluated yet", construct: "aliases", advice: "group by a field that every rule shares")
        }
        let type = try body.require("type")
        let kindName = try type.requireText("type")
        guard kindName == "event_count" || kindName == "value_count" else {
            throw type.error(.unsupported, "this correlation is not evaluated", advice: "event_count and value_count are")
        }
        try body.refuseOthers(
            than: ["type", "rules", "group-by", "timespan", "condition", "generate", "field", "aliases"], in: "correlation")
        let condition = try body.require("condition")
        let comparison = try condition.requireMembers("the condition of a correlation")
        let (threshold, field) = try Self.threshold(comparison, outerField: body["field"])
        if kindName == "event_count" {
            if let field { throw field.error(.structure, "event_count counts events and takes no field") }
            kind = .eventCount
        } else {
            guard let field else {
                throw condition.error(.structure, "value_count needs the field whose values it counts", construct: "condition")
            }
            if field.elements != nil {
                throw field.error(.unsupported, "several fields are not counted together", advice: "name one field")
            }
            kind = .valueCount(field: try field.requireText("field"))
        }
        self.metadata = metadata
        self.threshold = threshold
        let rulesNode = try body.require("rules")
        rules = try rulesNode.requireTexts("rules")
        guard !rules.isEmpty else { throw rulesNode.error(.structure, "a correlation must name at least one rule") }
        groupBy = try body["group-by"]?.requireTexts("group-by") ?? []
        timespan = try Duration(sigma: try body.require("timespan"), what: "timespan")
        generates = (body["generate"] ?? members["generate"])?.scalar == .bool(true)
        suppress = timespan
        lateness = Self.defaultLateness
        if let extensions = try members["cardea"]?.requireMembers("cardea") {
            try extensions.refuseOthers(than: ["tests", "suppress", "lateness"], in: "cardea of a correlation")
            if let node = extensions["suppress"] {
                suppress = try Duration(sigma: node, what: "suppress")
                guard suppress >= timespan else {
                    throw node.error(
                        .value, "suppress may not be shorter than the timespan",
                        advice: "a late event could otherwise undo an alert that was raised")
                }
            }
            if let node = extensions["lateness"] { lateness = try Duration(sigma: node, what: "lateness") }
            tests = try extensions["tests"].map { (node) throws(RuleError) in try InlineTest.parse(node) } ?? []
        }
    }

    private static func threshold(_ comparison: RuleMembers, outerField: RuleNode?) throws(RuleError) -> (Int, RuleNode?) {
        var found: Int?
        for key in comparison.order where key != "field" {
            guard let value = comparison[key] else { continue }
            guard ["gt", "gte", "lt", "lte", "eq", "neq"].contains(key) else {
                throw value.error(.structure, "not a comparison", construct: key, advice: "gte and gt are evaluated")
            }
            guard key == "gte" || key == "gt" else {
                throw value.error(
                    .unsupported, "only gte and gt are evaluated", construct: "\(key): \(value.construct)",
                    advice: "a count that must stay low is only known when the window has passed")
            }
            guard found == nil else {
                throw value.error(.unsupported, "ranges are not evaluated", construct: key, advice: "give one bound, gte or gt")
            }
            guard case .number(let text) = value.scalar, let number = Int(text) else {
                throw value.error(.value, "a count must be a whole number")
            }
            let bound = key == "gt" ? number.addingReportingOverflow(1).partialValue : number
            guard bound >= 1, bound <= maximumThreshold else {
                throw value.error(.limit, "a count must be from 1 to \(maximumThreshold)")
            }
            found = bound
        }
        guard let found else {
            throw comparison.node.error(.structure, "the condition needs gte or gt", construct: "condition")
        }
        return (found, comparison["field"] ?? outerField)
    }
}

extension Duration {
    /// Sigma's `timespan`: a whole number and one of s, m, h, d; at most 366 days.
    init(sigma node: RuleNode, what: String) throws(RuleError) {
        let text = try node.requireText(what)
        let unit: Int64? =
            switch text.utf8.last {
            case UInt8(ascii: "s"): 1
            case UInt8(ascii: "m"): 60
            case UInt8(ascii: "h"): 3600
            case UInt8(ascii: "d"): 86_400
            default: nil
            }
        guard let unit, let number = Int64(text.dropLast()), number >= 0, number <= 366 * 86_400 / unit else {
            throw node.error(.value, "\(what) is a whole number and one of s, m, h, d, at most 366 days", advice: "for example 5m")
        }
        guard number > 0 || what != "timespan" else { throw node.error(.value, "a timespan must be longer than nothing") }
        self = .seconds(number * unit)
    }

    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
