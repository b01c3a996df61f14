/// A correlation made ready to run: fields are slots, times are microseconds. A class, since every hit passes it on.
final class CorrelationPlan: Sendable {
    enum Style: Sendable, Hashable {
        /// So many hits, or so many distinct values: fires at once.
        case events, values
        /// Another condition that further hits can only make truer: fires at once.
        case window
        /// Judged in the order of time, when nothing earlier can come.
        case settled
        /// The same, against what the group had before.
        case ledger
    }

    let correlation: SigmaCorrelation
    let rule: String
    let groupBy: [String]
    /// By the rule's place in the correlation's list.
    let groupSlots: [[Int]]
    let values: [ValueSource]
    let extras: [ValueSource]
    let style: Style
    let judge: WindowJudge
    let threshold: Int
    let timespan: Int64
    let suppress: Int64
    let lateness: Int64
    /// Of a ledger.
    let history: Int64, forget: Int64
    let allowsMissingGroup: Bool
    /// Whether it raises alerts; else it only feeds other correlations.
    let raises: Bool
    /// Whether of one value's hits in a timespan some may go.
    let thins: Bool
    /// Whether all rules call the fields by the same names.
    let isUniform: Bool
    /// Changes with everything that gives the kept state its meaning; state of another definition is not taken up.
    let definition: UInt64

    /// How long an event may matter.
    var reach: Int64 { max(timespan, suppress, forget) &+ lateness }
    var isSettled: Bool { style == .settled || style == .ledger }
    /// The rules whose events count: all but those that an extended condition does not speak of.
    let relevant: UInt64
    /// Whether it needs to know where addresses are.
    let needsGeo: Bool
    let hasValue: Bool, hasExtra: Bool

    /// - Parameters:
    ///   - contents: a digest of what the counted rules look for.
    ///   - isChained: whether it counts other correlations or is counted by one; then its matches come in the order of time.
    ///   - raises: whether it raises alerts.
    init(_ correlation: SigmaCorrelation, counting contents: UInt64, isChained: Bool, raises: Bool, fields: inout FieldSlots) {
        self.correlation = correlation
        self.raises = raises
        rule = correlation.id
        groupBy = correlation.groupBy
        var groupSlots: [[Int]] = []
        var values: [ValueSource] = []
        var extras: [ValueSource] = []
        let extraField = correlation.also.compactMap(\.field).first { [$0] != correlation.valueFields && !correlation.valueFields.isEmpty }
        let valueFields = correlation.valueFields.isEmpty ? Array(correlation.also.compactMap(\.field).prefix(1)) : correlation.valueFields
        let secondField =
            extraField ?? correlation.also.compactMap(\.field).first { correlation.valueFields.isEmpty && [$0] != valueFields }
        for rule in correlation.rules {
            func name(_ field: String) -> String { correlation.aliases[field]?[rule] ?? field }
            groupSlots.append(correlation.groupBy.map { fields.slot(FieldMap.field(name($0))) })
            if let new = correlation.newValue {
                values.append(ValueSource(name(new.field), &fields))
            } else if correlation.geoVelocity != nil {
                values.append(.location(fields.slot(FieldMap.field("client_ip"))))
            } else if valueFields.count == 1 {
                values.append(
                    correlation.isNumeric
                        ? .number(fields.slot(FieldMap.field(name(valueFields[0])))) : ValueSource(name(valueFields[0]), &fields))
            } else {
                values.append(valueFields.isEmpty ? .none : .texts(valueFields.map { fields.slot(FieldMap.field(name($0))) }))
            }
            extras.append(secondField.map { ValueSource(name($0), &fields) } ?? .none)
        }
        (self.groupSlots, self.values, self.extras) = (groupSlots, values, extras)
        isUniform = Set(groupSlots).count <= 1 && Set(values).count <= 1 && Set(extras).count <= 1
        judge = Self.judge(correlation, valueFields: valueFields)
        let only = judge.conditions.count == 1 && judge.conditions[0].isMonotone ? judge.conditions[0].measure : nil
        var plain = false
        if case .any = judge.shape { plain = true }
        let isTemporal = correlation.kind == .temporal
        if correlation.newValue != nil {
            style = .ledger
        } else if isChained || !judge.isMonotone {
            style = .settled
        } else if plain, case .events? = only {
            style = .events
        } else if plain, case .distinct(.value)? = only {
            style = .values
        } else {
            style = .window
        }
        thins = style == .values || style == .window && isTemporal && judge.conditions.isEmpty
        let most = judge.conditions.map { condition -> Int in
            switch condition.measure {
            case .events, .distinct:
                Int(max(1, min(10_000, condition.bounds.map { $0.comparison == .gt ? $0.number + 1 : $0.number }.max() ?? 1)))
            case .fewTries: 64
            default: 512
            }
        }
        threshold = style == .events || style == .values ? most.first ?? 1 : max(64, most.max() ?? 64)
        timespan = correlation.timespan.microseconds
        suppress = max(correlation.suppress, correlation.timespan).microseconds
        lateness = correlation.lateness.microseconds
        history = correlation.newValue?.history.microseconds ?? 0
        forget = correlation.newValue?.forget.microseconds ?? 0
        allowsMissingGroup = correlation.standsForRule
        relevant = judge.relevant
        needsGeo = (values + extras).contains(where: \.needsGeo)
        hasValue = thins || values.contains { $0 != .none }
        hasExtra = extras.contains { $0 != .none }
        var digest = StableDigest("cardea correlation 3")
        digest.add("\(correlation.kind) \(style) \(judge)")
        for field in groupBy { digest.add(field) }
        for name in correlation.aliases.keys.sorted() {
            digest.add(name)
            for (rule, field) in correlation.aliases[name, default: [:]].sorted(by: { $0.key < $1.key }) {
                digest.add(rule)
                digest.add(field)
            }
        }
        for rule in correlation.rules { digest.add(rule) }
        digest.add("\(valueFields) \(secondField ?? "") \(timespan) \(suppress) \(history) \(forget) \(correlation.newValue?.field ?? "")")
        digest.add("\(lateness) \(raises) \(correlation.hours?.description ?? "") \(contents)")
        definition = digest.words().high
    }

    private static func judge(_ correlation: SigmaCorrelation, valueFields: [String]) -> WindowJudge {
        let every = UInt64.max >> UInt64(64 - correlation.rules.count)
        func mask(_ rule: String?) -> UInt64 { rule.flatMap { correlation.rules.firstIndex(of: $0) }.map { 1 << UInt64($0) } ?? every }
        func place(_ field: String) -> WindowCondition.Place { [field] == valueFields ? .value : .extra }
        let measure: WindowCondition.Measure? =
            switch correlation.kind {
            case .eventCount: .events(every)
            case .valueCount: .distinct(.value)
            case .temporal, .temporalOrdered: nil
            case .valueSum: .sum
            case .valueAverage: .average
            case .valueMedian: .median
            case .valuePercentile(_, let percentile): percentile.map { .percentile($0) } ?? .share
            }
        var conditions = measure.map { [WindowCondition(measure: $0, bounds: correlation.bounds)] } ?? []
        for also in correlation.also {
            let measure: WindowCondition.Measure =
                switch also.measure {
                case .events(let rule): .events(mask(rule))
                case .distinct(let field): .distinct(place(field))
                case .medianGap(let rule): .medianGap(mask(rule))
                case .fewTries(let field, let tries): .fewTries(place(field), tries)
                }
            conditions.append(WindowCondition(measure: measure, bounds: also.bounds))
        }
        let shape: WindowJudge.Shape =
            if let velocity = correlation.geoVelocity {
                .velocity(kilometres: velocity.kilometres, kilometresPerHour: velocity.kilometresPerHour)
            } else {
                switch correlation.kind {
                case .temporal:
                    .expression(
                        correlation.expression.map { RuleExpression($0, rules: correlation.rules) }
                            ?? .and(correlation.rules.indices.map { .rule(1 << UInt64($0)) }),
                        positives: correlation.expression?.positives.reduce(0) { $0 | mask($1) } ?? every)
                case .temporalOrdered: .ordered(correlation.rules.count)
                default: .any
                }
            }
        return WindowJudge(shape: shape, conditions: conditions)
    }
}

extension SigmaCorrelation {
    /// Whether its values are numbers rather than texts.
    var isNumeric: Bool {
        switch kind {
        case .valueSum, .valueAverage, .valueMedian: true
        case .valuePercentile(_, let percentile): percentile != nil
        case .eventCount, .valueCount, .temporal, .temporalOrdered: false
        }
    }
}
