public import AuditEvents

/// Why an event matches a plain rule: what the rule asked, and what the event had.
public struct MatchExplanation: Sendable, Hashable {
    /// One test of the rule that the event passed.
    public struct Predicate: Sendable, Hashable {
        /// The name of the selection in the rule.
        public var selection: String
        /// The field as the rule names it; nil for a keyword, which is sought in the whole event.
        public var field: String?
        /// What the rule asks, in Sigma's writing: `authn_login_*`, `gte 400`, `not root`.
        public var test: String
        /// What the event has there.
        public var values: [String]
    }

    public var ruleID: String
    public var ruleTitle: String
    /// In the order of the selections' names.
    public var predicates: [Predicate]
}

extension RuleSet {
    /// Why `event` counts for the rule whose alerts have the id `rule`: one explanation for each plain rule that it counts and that matches; none
    /// where the event does not count, or was erased.
    public func explain(_ event: AuditEvent, for rule: String) -> [MatchExplanation] {
        guard let place = correlations.firstIndex(where: { $0.id == rule }) else { return [] }
        var contents = EventContents(fields: fields, event: event)
        var found: [MatchExplanation] = []
        for index in index.counted(by: place).rules {
            guard compiled[index].admits(event.header.type), compiled[index].matches(&contents) else { continue }
            let rule = rules[index]
            var predicates: [MatchExplanation.Predicate] = []
            for (name, selection) in rule.detection.selections.sorted(by: { $0.key < $1.key }) {
                predicates += RuleSet.passed(selection, name, rule, event) ?? []
            }
            found.append(MatchExplanation(ruleID: rule.id, ruleTitle: rule.title, predicates: predicates))
        }
        return found
    }

    /// The tests of a selection that the event passed; nil where it did not pass the selection.
    private static func passed(
        _ selection: SigmaSelection, _ name: String, _ rule: SigmaRule, _ event: AuditEvent
    ) -> [MatchExplanation.Predicate]? {
        switch selection {
        case .any(let selections):
            let passed = selections.compactMap { RuleSet.passed($0, name, rule, event) }
            return passed.isEmpty ? nil : passed.flatMap(\.self)
        case .all(let tests):
            var predicates: [MatchExplanation.Predicate] = []
            for test in tests {
                guard holds(test, rule, event) else { return nil }
                var shown = test
                if !test.matchesAll, !test.isNegated {
                    shown.values = test.values.filter { value in
                        var one = test
                        one.values = [value]
                        return holds(one, rule, event)
                    }
                }
                let text = shown.values.map(RuleSet.text).joined(separator: test.matchesAll ? " and " : " or ")
                predicates.append(
                    MatchExplanation.Predicate(
                        selection: name, field: test.field, test: test.isNegated ? "not \(text)" : text,
                        values: (test.field.map { FieldMap.field($0).texts(of: event) } ?? EventField.keywordTexts(of: event)).map {
                            String(decoding: $0, as: UTF8.self)
                        }))
            }
            return predicates
        }
    }

    /// Whether the event passes one test, judged by the code that judges rules.
    private static func holds(_ test: SigmaTest, _ rule: SigmaRule, _ event: AuditEvent) -> Bool {
        var alone = rule
        alone.detection = SigmaDetection(selections: ["test": .all([test])], condition: .selection("test"))
        var slots = FieldSlots()
        let compiled = CompiledRule(alone, fields: &slots)
        var contents = EventContents(fields: slots.fields, event: event)
        return compiled.matches(&contents)
    }

    private static func text(_ value: SigmaTest.Value) -> String {
        if case .text(let text) = value {
            return text.parts.map { part in
                switch part {
                case .literal(let bytes): String(decoding: bytes, as: UTF8.self)
                case .anyRun: "*"
                case .anyOne: "?"
                }
            }.joined()
        }
        if case .compare(let comparison, let bound) = value {
            return "\(comparison.rawValue) \(bound == bound.rounded() ? "\(Int64(bound.clamped))" : "\(bound)")"
        }
        if case .exists(let wanted) = value { return wanted ? "exists" : "is missing" }
        if case .null = value { return "is empty" }
        if case .network = value { return "in the network" }
        if case .regex = value { return "matches the expression" }
        return "\(value)"
    }
}

extension Double {
    fileprivate var clamped: Double { Swift.min(Swift.max(self, -9e15), 9e15) }
}
