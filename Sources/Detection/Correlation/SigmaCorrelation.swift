/// A Sigma correlation: what a window of matching events must be like to make an alert.
public struct SigmaCorrelation: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// The matching events are counted.
        case eventCount
        /// The distinct values of a field, or combinations of values of several, are counted.
        case valueCount(fields: [String])
        /// Every rule has a match, or the rules have as the `expression` says.
        case temporal
        /// Every rule has a match, in the order of the list.
        case temporalOrdered
        case valueSum(field: String)
        case valueAverage(field: String)
        case valueMedian(field: String)
        /// With a percentile, that percentile of the values (interpolated); without, how many of a hundred events have the judged event's value.
        case valuePercentile(field: String, percentile: Double?)
    }

    /// One side of a range.
    public struct Bound: Sendable, Hashable {
        public enum Comparison: String, Sendable, Hashable, CaseIterable { case gt, gte, lt, lte, eq, neq }
        public var comparison: Comparison
        public var number: Double

        public init(_ comparison: Comparison, _ number: Double) { (self.comparison, self.number) = (comparison, number) }

        func holds(_ value: Double) -> Bool {
            switch comparison {
            case .gt: value > number
            case .gte: value >= number
            case .lt: value < number
            case .lte: value <= number
            case .eq: value == number
            case .neq: value != number
            }
        }

        /// Whether more can only make it truer.
        var isLower: Bool { comparison == .gt || comparison == .gte }
    }

    /// A further condition on the same window (`cardea: also:`).
    public struct Also: Sendable, Hashable {
        public enum Measure: Sendable, Hashable {
            /// How many events, of one of the rules or of all.
            case events(rule: String?)
            /// How many distinct values.
            case distinct(field: String)
            /// The median of the pauses between events, in seconds.
            case medianGap(rule: String?)
            /// How many of a hundred values have at most this many events.
            case fewTries(field: String, tries: Int)
        }
        public var measure: Measure
        public var bounds: [Bound]
    }

    /// `cardea: new_value:`: fires at a value that the group did not have before.
    public struct NewValue: Sendable, Hashable {
        public var field: String
        /// How long a group must be known before a new value means something.
        public var history: Duration
        /// How long a value stays known.
        public var forget: Duration
    }

    /// `cardea: geo_velocity:`: fires when a group is at two places that nobody travels between in the time.
    public struct GeoVelocity: Sendable, Hashable {
        public var kilometres: Double
        public var kilometresPerHour: Double
    }

    public var metadata: SigmaMetadata
    public var kind: Kind
    /// The ids or names of the rules or correlations whose matches are counted.
    public var rules: [String]
    public var groupBy: [String]
    /// For a name in `groupBy` or a counted field: what each rule calls it.
    public var aliases: [String: [String: String]] = [:]
    /// The window's length: it ends with the event that is judged, its own beginning is not in it.
    public var timespan: Duration
    /// What the count, sum or other measure must be; all must hold. None for `temporal`.
    public var bounds: [Bound]
    /// Whether the rules that are counted raise alerts of their own as well.
    public var generates: Bool
    /// How long after its last event an alert still takes further ones; `timespan` unless set, never less.
    public var suppress: Duration
    /// How much older than its source's newest event an event may be and still be judged.
    public var lateness: Duration
    public var also: [Also] = []
    public var newValue: NewValue?
    public var geoVelocity: GeoVelocity?
    /// Only events at these hours are counted.
    public var hours: HourFilter?
    public var tests: [InlineTest] = []
    /// The condition of an extended `temporal`; nil where every rule must match.
    var expression: SigmaCondition?

    public var id: String { metadata.id }
    public var title: String { metadata.title }

    /// The least count that fires, where the condition is one lower bound.
    public var threshold: Int? {
        guard bounds.count == 1, bounds[0].isLower else { return nil }
        return Int(exactly: bounds[0].number.rounded(.down)).map { bounds[0].comparison == .gt ? $0 + 1 : $0 }
    }

    /// The lateness where the rule names none.
    public static let defaultLateness = Duration.seconds(300)
    /// The most that a threshold may ask for, since that many events are remembered for each group.
    public static let maximumThreshold = 10_000
    /// Rules that one correlation may name.
    static let maximumRules = 64
}
