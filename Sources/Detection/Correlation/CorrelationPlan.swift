/// A correlation made ready to run: fields are slots, times are microseconds. A class, since every hit passes it on.
final class CorrelationPlan: Sendable {
    let correlation: SigmaCorrelation
    let rule: String
    let groupBy: [String]
    let groupSlots: [Int]
    /// The slot of the field whose values are counted; nil when events are.
    let valueSlot: Int?
    let threshold: Int
    let timespan: Int64
    let suppress: Int64
    let lateness: Int64
    let allowsMissingGroup: Bool
    /// Changes with everything that gives the kept state its meaning; state of another definition is not taken up.
    let definition: UInt64

    init(_ correlation: SigmaCorrelation, fields: inout FieldSlots) {
        self.correlation = correlation
        rule = correlation.id
        groupBy = correlation.groupBy
        groupSlots = correlation.groupBy.map { fields.slot(FieldMap.field($0)) }
        var counted = ""
        if case .valueCount(let field) = correlation.kind {
            valueSlot = fields.slot(FieldMap.field(field))
            counted = field
        } else {
            valueSlot = nil
        }
        threshold = correlation.threshold
        timespan = correlation.timespan.microseconds
        suppress = correlation.suppress.microseconds
        lateness = correlation.lateness.microseconds
        allowsMissingGroup = correlation.standsForRule
        var digest = StableDigest("cardea correlation 1")
        digest.add(valueSlot == nil ? "event_count" : "value_count")
        digest.add(counted)
        for field in groupBy { digest.add(field) }
        digest.add("\(threshold) \(timespan) \(suppress)")
        definition = digest.words().high
    }
}
