extension SigmaCorrelation {
    private static let types = [
        "event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median",
    ]

    init(_ members: RuleMembers, metadata: SigmaMetadata) throws(RuleError) {
        let body = try members.require("correlation").requireMembers("correlation")
        try body.refuseOthers(
            than: ["type", "rules", "group-by", "timespan", "condition", "generate", "field", "aliases", "tags"], in: "correlation")
        self.metadata = metadata
        if let tags = try body["tags"]?.requireTexts("tags") { self.metadata.tags += tags.filter { !metadata.tags.contains($0) } }
        let rulesNode = try body.require("rules")
        let rules = try rulesNode.requireTexts("rules")
        guard (1...Self.maximumRules).contains(rules.count), Set(rules).count == rules.count else {
            throw rulesNode.error(.structure, "a correlation names from 1 to \(Self.maximumRules) rules, each once", construct: "rules")
        }
        self.rules = rules
        let type = try body.require("type")
        let kindName = try type.requireText("type")
        kind = .eventCount
        bounds = []
        let isTemporal = kindName == "temporal" || kindName == "temporal_ordered"
        if isTemporal {
            kind = kindName == "temporal" ? .temporal : .temporalOrdered
            if let field = body["field"] { throw field.error(.structure, "\(kindName) takes no field", construct: "field") }
            if let condition = body["condition"] {
                guard kindName == "temporal" else {
                    throw condition.error(.structure, "temporal_ordered takes no condition", construct: "condition")
                }
                expression = try SigmaConditionParser.parse(try condition.requireText("condition"), names: rules, at: condition)
                if expression?.positives.isEmpty ?? false {
                    throw condition.error(
                        .condition, "a condition of negations alone has no event to fire at", advice: "name a rule that must match")
                }
            }
        } else {
            let condition = try body.require("condition")
            let comparison = try condition.requireMembers("the condition of a correlation")
            var known: Set<String> = ["field"]
            if kindName == "value_percentile" { known.insert("percentile") }
            bounds = try Self.bounds(comparison, others: known)
            let fieldNode = comparison["field"] ?? body["field"]
            let fields = try fieldNode?.requireTexts("field") ?? []
            switch kindName {
            case "event_count":
                if let fieldNode { throw fieldNode.error(.structure, "event_count counts events and takes no field") }
            case "value_count":
                guard !fields.isEmpty else {
                    throw condition.error(.structure, "value_count needs the field whose values it counts", construct: "condition")
                }
                kind = .valueCount(fields: fields)
            case "value_sum", "value_avg", "value_percentile", "value_median":
                guard fields.count == 1 else {
                    throw condition.error(.structure, "\(kindName) needs one field", construct: "condition")
                }
                kind =
                    switch kindName {
                    case "value_sum": .valueSum(field: fields[0])
                    case "value_avg": .valueAverage(field: fields[0])
                    case "value_median": .valueMedian(field: fields[0])
                    default: .valuePercentile(field: fields[0], percentile: try comparison["percentile"].map(Self.percentile))
                    }
            default:
                throw type.error(
                    .unsupported, "this correlation is not evaluated", advice: "known: \(Self.types.joined(separator: ", "))")
            }
            if kindName == "event_count" || kindName == "value_count" { try Self.checkCounts(bounds, comparison) }
        }
        aliases = try Self.aliases(body["aliases"], rules: rules)
        groupBy = try body["group-by"]?.requireTexts("group-by") ?? []
        timespan = try Duration(sigma: try body.require("timespan"), what: "timespan")
        generates = (body["generate"] ?? members["generate"])?.scalar == .bool(true)
        suppress = timespan
        lateness = Self.defaultLateness
        if let extensions = try members["cardea"]?.requireMembers("cardea") { try read(extensions) }
    }

    private mutating func read(_ extensions: RuleMembers) throws(RuleError) {
        try extensions.refuseOthers(
            than: ["tests", "suppress", "lateness", "also", "new_value", "geo_velocity", "hours"], in: "cardea of a correlation")
        if let node = extensions["suppress"] {
            suppress = try Duration(sigma: node, what: "suppress")
            guard suppress >= timespan else {
                throw node.error(
                    .value, "suppress may not be shorter than the timespan",
                    advice: "a late event could otherwise undo an alert that was raised")
            }
        }
        if let node = extensions["lateness"] { lateness = try Duration(sigma: node, what: "lateness") }
        if let node = extensions["hours"] { hours = try HourFilter(node) }
        if let node = extensions["also"] {
            guard let elements = node.elements, elements.count <= 8 else {
                throw node.error(.structure, "also is a list of at most 8 conditions")
            }
            for element in elements { also.append(try Also(element, rules: rules)) }
            var fields = Set(also.compactMap(\.field))
            if let own = valueFields.first { fields.insert(own) }
            guard fields.count <= 2, valueFields.count <= 1 || fields.count <= 1 else {
                throw node.error(
                    .unsupported, "a correlation counts values of at most two fields", construct: fields.sorted().joined(separator: ", "))
            }
        }
        if let node = extensions["new_value"] {
            let members = try node.requireMembers("new_value")
            try members.refuseOthers(than: ["field", "history", "forget"], in: "new_value")
            newValue = NewValue(
                field: try members.require("field").requireText("field"),
                history: try Duration(sigma: try members.require("history"), what: "history"),
                forget: try members["forget"].map { (node) throws(RuleError) in try Duration(sigma: node, what: "forget") }
                    ?? .seconds(90 * 86_400))
        }
        if let node = extensions["geo_velocity"] {
            let members = try node.requireMembers("geo_velocity")
            try members.refuseOthers(than: ["kilometres", "kilometres_per_hour"], in: "geo_velocity")
            geoVelocity = GeoVelocity(
                kilometres: try members.require("kilometres").requireNumber(),
                kilometresPerHour: try members.require("kilometres_per_hour").requireNumber())
        }
        if newValue != nil || geoVelocity != nil {
            guard kind == .eventCount, also.isEmpty, newValue == nil || geoVelocity == nil else {
                throw extensions.node.error(
                    .structure, "new_value and geo_velocity stand alone, in an event_count of gte 1", construct: "cardea")
            }
        }
        tests = try extensions["tests"].map { (node) throws(RuleError) in try InlineTest.parse(node) } ?? []
    }

    /// The fields whose values the correlation itself looks at.
    var valueFields: [String] {
        switch kind {
        case .eventCount, .temporal, .temporalOrdered: []
        case .valueCount(let fields): fields
        case .valueSum(let field), .valueAverage(let field), .valueMedian(let field), .valuePercentile(let field, _): [field]
        }
    }

    /// The comparisons of a map; at most one for each.
    fileprivate static func bounds(_ members: RuleMembers, others: Set<String>) throws(RuleError) -> [Bound] {
        var bounds: [Bound] = []
        for key in members.order where !others.contains(key) {
            guard let value = members[key] else { continue }
            guard let comparison = Bound.Comparison(rawValue: key) else {
                throw value.error(.structure, "not a comparison", construct: key, advice: "gt, gte, lt, lte, eq, neq")
            }
            bounds.append(Bound(comparison, try value.requireNumber()))
        }
        guard !bounds.isEmpty else {
            throw members.node.error(.structure, "the condition needs a comparison", construct: "condition", advice: "for example gte: 5")
        }
        let least = bounds.filter(\.isLower).map(\.number).max() ?? -.infinity
        let most = bounds.filter { $0.comparison == .lt || $0.comparison == .lte }.map(\.number).min() ?? .infinity
        guard bounds.count <= 2, least <= most else {
            throw members.node.error(.value, "no number meets the condition", construct: "condition")
        }
        return bounds
    }

    private static func checkCounts(_ bounds: [Bound], _ members: RuleMembers) throws(RuleError) {
        for bound in bounds {
            let node = members[bound.comparison.rawValue] ?? members.node
            guard bound.number.rounded() == bound.number else { throw node.error(.value, "a count must be a whole number") }
            let least = bound.comparison == .gt ? bound.number + 1 : bound.comparison == .lt ? bound.number - 1 : bound.number
            guard least >= (bound.comparison == .neq ? 0 : 1), least <= Double(maximumThreshold) else {
                throw node.error(.limit, "a count must be from 1 to \(maximumThreshold)")
            }
        }
    }

    private static func percentile(_ node: RuleNode) throws(RuleError) -> Double {
        let number = try node.requireNumber()
        guard (0...100).contains(number) else { throw node.error(.value, "a percentile is from 0 to 100") }
        return number
    }

    private static func aliases(_ node: RuleNode?, rules: [String]) throws(RuleError) -> [String: [String: String]] {
        guard let members = try node?.requireMembers("aliases") else { return [:] }
        var aliases: [String: [String: String]] = [:]
        for name in members.order {
            guard let byRule = try members[name]?.requireMembers("an alias") else { continue }
            for rule in byRule.order {
                guard rules.contains(rule) else {
                    throw byRule.node.error(.reference, "the alias is for a rule that the correlation does not name", construct: rule)
                }
                aliases[name, default: [:]][rule] = try byRule[rule]?.requireText("a field")
            }
        }
        return aliases
    }
}

extension SigmaCorrelation.Also {
    var field: String? {
        switch measure {
        case .distinct(let field), .fewTries(let field, _): field
        case .events, .medianGap: nil
        }
    }

    init(_ node: RuleNode, rules: [String]) throws(RuleError) {
        let members = try node.requireMembers("a condition of also")
        func rule(_ node: RuleNode) throws(RuleError) -> String? {
            let name = try node.requireText("a rule")
            if name == "all" { return nil }
            guard rules.contains(name) else {
                throw node.error(.reference, "the correlation does not name this rule", advice: "all means every rule")
            }
            return name
        }
        let kinds = ["events", "field", "median_gap", "few_tries"]
        let named = kinds.filter { members[$0] != nil }
        guard named.count == 1, let value = members[named[0]] else {
            throw node.error(.structure, "a condition of also is about one of \(kinds.joined(separator: ", "))", construct: "also")
        }
        var others: Set<String> = [named[0]]
        switch named[0] {
        case "events": measure = .events(rule: try rule(value))
        case "field": measure = .distinct(field: try value.requireText("field"))
        case "median_gap": measure = .medianGap(rule: try rule(value))
        default:
            others.insert("tries")
            let tries = try members.require("tries").requireNumber()
            guard (1...1000).contains(tries) else { throw node.error(.limit, "tries are from 1 to 1000", construct: "tries") }
            measure = .fewTries(field: try value.requireText("few_tries"), tries: Int(tries))
        }
        bounds = try SigmaCorrelation.bounds(members, others: others)
    }
}

extension SigmaCondition {
    /// The rules that stand under no negation.
    var positives: Set<String> {
        switch self {
        case .selection(let name): [name]
        case .not: []
        case .and(let terms), .or(let terms): terms.reduce(into: []) { $0.formUnion($1.positives) }
        }
    }
}

extension RuleNode {
    func requireNumber() throws(RuleError) -> Double {
        guard case .number(let text) = scalar, let number = Double(text), number.isFinite else { throw error(.value, "must be a number") }
        return number
    }
}
