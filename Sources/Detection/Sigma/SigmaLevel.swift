public import AuditEvents

/// How grave a rule's author holds a match to be (Sigma `level`).
public enum SigmaLevel: String, Sendable, Hashable, CaseIterable {
    case informational, low, medium, high, critical

    /// The same as a severity of OCSF.
    public var severity: Severity {
        switch self {
        case .informational: .informational
        case .low: .low
        case .medium: .medium
        case .high: .high
        case .critical: .critical
        }
    }
}

/// Which log a rule is about (Sigma `logsource`).
public struct SigmaLogsource: Sendable, Hashable {
    public var category: String?
    public var product: String?
    public var service: String?

    public init(category: String? = nil, product: String? = nil, service: String? = nil) {
        (self.category, self.product, self.service) = (category, product, service)
    }
}

/// What a rule and a correlation say about themselves.
public struct SigmaMetadata: Sendable, Hashable {
    public var title: String
    /// `id`, else `name`, else the title: what a reference, an alert and a row of state know the rule by.
    public var id: String
    public var name: String?
    public var status: String?
    public var description: String?
    public var author: String?
    public var references: [String] = []
    public var tags: [String] = []
    public var level: SigmaLevel
    public var falsePositives: [String] = []
    /// The file it came from, as the caller named it.
    public var file: String
    /// The line its document begins at.
    public var line: Int
}
