/// A plain Sigma rule: which events match.
public struct SigmaRule: Sendable, Hashable {
    public var metadata: SigmaMetadata
    public var logsource: SigmaLogsource
    public var detection: SigmaDetection
    public var tests: [InlineTest] = []

    public var id: String { metadata.id }
    public var title: String { metadata.title }

    /// A digest of what it looks for, and where.
    var contents: UInt64 {
        var digest = StableDigest("cardea rule contents 1")
        for part in [logsource.category, logsource.product, logsource.service] { digest.add(part ?? "") }
        digest.add("\(detection.contents)")
        return digest.words().high
    }
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
