import AuditEvents

/// A plain rule made ready to be judged.
struct CompiledRule: Sendable {
    let predicate: Predicate
    let route: LogsourceRoute
    /// The slot of the event's service where the route asks for one.
    let serviceSlot: Int?
    let service: [UInt8]
    /// The types one of which every match has, lower-cased; nil where the rule does not say.
    let requiredTypes: Set<[UInt8]>?
    /// Whether the rule asks for Cardea's own events by name; else it never sees them.
    let namesOwnEvents: Bool

    init(_ rule: SigmaRule, fields: inout FieldSlots) {
        route = LogsourceRoute(rule.logsource)
        service = Array((route.service ?? "").utf8)
        serviceSlot = route.service == nil ? nil : fields.slot(.service)
        predicate = CompiledRule.compile(rule.detection.condition, rule.detection, &fields)
        requiredTypes = CompiledRule.requiredTypes(rule.detection.condition, rule.detection)
        namesOwnEvents = rule.detection.selections.values.contains { CompiledRule.namesOwnEvents($0) }
    }

    /// Whether an event of `type` can match at all.
    func admits(_ type: EventType) -> Bool {
        guard route.types.admit(type.rawValue), !type.isOwn || namesOwnEvents else { return false }
        return requiredTypes?.contains(LetterCase.lowered(Array(type.rawValue.utf8))) ?? true
    }

    /// Whether the event matches, given that its type is admitted.
    func matches(_ contents: inout EventContents) -> Bool {
        if let serviceSlot {
            guard contents[serviceSlot].first?.lowered == service else { return false }
        }
        return predicate.holds(&contents)
    }

    private static func compile(_ condition: SigmaCondition, _ detection: SigmaDetection, _ fields: inout FieldSlots) -> Predicate {
        switch condition {
        case .selection(let name): detection.selections[name].map { compile($0, &fields) } ?? .any([])
        case .not(let inner): .not(compile(inner, detection, &fields))
        case .and(let terms): .all(terms.map { compile($0, detection, &fields) })
        case .or(let terms): .any(terms.map { compile($0, detection, &fields) })
        }
    }

    private static func compile(_ selection: SigmaSelection, _ fields: inout FieldSlots) -> Predicate {
        switch selection {
        case .all(let tests):
            let parts = tests.map { compile($0, &fields) }
            return parts.count == 1 ? parts[0] : .all(parts)
        case .any(let selections): return .any(selections.map { compile($0, &fields) })
        }
    }

    private static func compile(_ test: SigmaTest, _ fields: inout FieldSlots) -> Predicate {
        let slot = test.field.map { fields.slot(FieldMap.field($0)) }
        var tests: [ValueTest] = []
        var exact: Set<[UInt8]> = []
        var references: [Predicate] = []
        for value in test.values {
            switch value {
            case .null: tests.append(.null)
            case .exists(let wanted): tests.append(.exists(wanted))
            case .regex(let program): tests.append(.regex(program))
            case .network(let range): tests.append(.network(range))
            case .compare(let comparison, let bound): tests.append(.compare(comparison, bound))
            case .time(let part, let comparison, let bound): tests.append(.time(part, comparison, bound))
            case .reference(let name, let shape):
                if let slot { references.append(.reference(slot, fields.slot(FieldMap.field(name)), shape, test.isCased)) }
            case .text(let text):
                let matcher = TextMatcher(text, cased: test.isCased)
                if let bytes = matcher.exact, !test.isCased, !test.matchesAll, test.values.count > 2 {
                    exact.insert(bytes)
                } else {
                    tests.append(.text(matcher))
                }
            }
        }
        if !exact.isEmpty { tests.insert(.oneOf(exact), at: 0) }
        let parts: [Predicate] = tests.map { test in slot.map { .field($0, test) } ?? .keyword(test) } + references
        let joined: Predicate = parts.count == 1 ? parts[0] : test.matchesAll ? .all(parts) : .any(parts)
        return test.isNegated ? .not(joined) : joined
    }

    /// The types that a condition implies, so that events of others are never looked at.
    private static func requiredTypes(_ condition: SigmaCondition, _ detection: SigmaDetection) -> Set<[UInt8]>? {
        switch condition {
        case .selection(let name): detection.selections[name].flatMap { requiredTypes($0) }
        case .not: nil
        case .and(let terms):
            terms.lazy.compactMap { requiredTypes($0, detection) }.min { $0.count < $1.count }
        case .or(let terms): union(terms.map { requiredTypes($0, detection) })
        }
    }

    private static func requiredTypes(_ selection: SigmaSelection) -> Set<[UInt8]>? {
        switch selection {
        case .any(let selections): return union(selections.map { requiredTypes($0) })
        case .all(let tests):
            for test in tests where test.field.map(FieldMap.field) == .type && !test.isNegated && !test.isCased && !test.matchesAll {
                let names = test.values.map { value -> [UInt8]? in
                    if case .text(let text) = value { TextMatcher(text, cased: false).exact } else { nil }
                }
                if !names.contains(nil) { return Set(names.compactMap(\.self)) }
            }
            return nil
        }
    }

    private static func union(_ sets: [Set<[UInt8]>?]) -> Set<[UInt8]>? {
        sets.contains { $0 == nil } ? nil : sets.compactMap(\.self).reduce(into: []) { $0.formUnion($1) }
    }

    private static func namesOwnEvents(_ selection: SigmaSelection) -> Bool {
        switch selection {
        case .any(let selections): selections.contains { namesOwnEvents($0) }
        case .all(let tests):
            tests.contains { test in
                test.field.map(FieldMap.field) == .type
                    && test.values.contains { value in
                        if case .text(let text) = value {
                            TextMatcher(text, cased: false).prefix.starts(with: "audit_".utf8)
                        } else {
                            false
                        }
                    }
            }
        }
    }
}

/// Gives every field that some rule reads a number.
struct FieldSlots: Sendable {
    private(set) var fields: [EventField] = []
    private var slots: [EventField: Int] = [:]

    mutating func slot(_ field: EventField) -> Int {
        if let slot = slots[field] { return slot }
        slots[field] = fields.count
        fields.append(field)
        return fields.count - 1
    }
}
