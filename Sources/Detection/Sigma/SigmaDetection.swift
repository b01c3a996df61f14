/// What a rule looks for: named selections and the condition that joins them.
public struct SigmaDetection: Sendable, Hashable {
    var selections: [String: SigmaSelection]
    var condition: SigmaCondition
    /// A digest of what the file says here, the same in every process.
    var contents: UInt64 = 0
}

/// One named part of a detection.
indirect enum SigmaSelection: Sendable, Hashable {
    /// A map: every test must hold.
    case all([SigmaTest])
    /// A list: one of its members must hold.
    case any([SigmaSelection])
}

/// One field, how to compare, and with what.
struct SigmaTest: Sendable, Hashable {
    enum Value: Sendable, Hashable {
        case null
        case text(SigmaString)
        case exists(Bool)
        case regex(RegexProgram)
        case network(AddressRange)
        case compare(Comparison, Double)
        /// A part of a date, and what it is compared with; nil for equality.
        case time(TimePart, Comparison?, Int)
        /// Another field of the same event.
        case reference(String, ReferenceShape)
    }

    /// How a field's content stands to another field's.
    enum ReferenceShape: Sendable, Hashable { case equals, contains, startsWith, endsWith }

    enum Comparison: String, Sendable, Hashable { case gt, gte, lt, lte }

    /// Nil for keywords, which are sought in the whole event.
    var field: String?
    var values: [Value]
    /// Every value must match, not just one.
    var matchesAll = false
    /// The test holds when the comparison does not (`neq`).
    var isNegated = false
    /// Letters are compared as written (`cased`).
    var isCased = false
}
