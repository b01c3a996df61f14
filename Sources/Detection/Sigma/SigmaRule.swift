/// A plain Sigma rule: which events match.
public struct SigmaRule: Sendable, Hashable {
    public var metadata: SigmaMetadata
    public var logsource: SigmaLogsource
    public var detection: SigmaDetection
    public var tests: [InlineTest] = []

    public var id: String { metadata.id }
    public var title: String { metadata.title }
}

/// A Sigma correlation: how many matching events, or how many distinct values among them, in how much time, make an alert.
public struct SigmaCorrelation: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// The matching events are counted.
        case eventCount
        /// The distinct values of a field are counted.
        case valueCount(field: String)
    }

    public var metadata: SigmaMetadata
    public var kind: Kind
    /// The ids or names of the rules whose matches are counted.
    public var rules: [String]
    public var groupBy: [String]
    /// The window's length: it ends with the event that is judged, its own beginning is not in it.
    public var timespan: Duration
    /// The least count that fires (`gte`; `gt` is one more).
    public var threshold: Int
    /// Whether the rules that are counted raise alerts of their own as well.
    public var generates: Bool
    /// How long after its last event an alert still takes further ones; `timespan` unless set, never less.
    public var suppress: Duration
    /// How much older than its source's newest event an event may be and still be judged.
    public var lateness: Duration
    public var tests: [InlineTest] = []

    public var id: String { metadata.id }
    public var title: String { metadata.title }

    /// The lateness where the rule names none.
    public static let defaultLateness = Duration.seconds(300)
    /// The most that a threshold may ask for, since that many events are remembered for each group.
    public static let maximumThreshold = 10_000
}

/// One document of a rule file.
public enum SigmaDocument: Sendable, Hashable {
    case rule(SigmaRule)
    case correlation(SigmaCorrelation)
    case filter(SigmaFilter)

    public var metadata: SigmaMetadata {
        switch self {
        case .rule(let rule): rule.metadata
        case .correlation(let correlation): correlation.metadata
        case .filter(let filter): filter.metadata
        }
    }
}
