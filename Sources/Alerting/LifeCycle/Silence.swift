public import AuditEvents

/// Alerts that match are stored and listed, and nobody is told about them, from a beginning to an end.
public struct Silence: Sendable, Hashable {
    /// Eight letters and digits.
    public var id: String
    /// All of them must match.
    public var matchers: [AlertMatcher]
    /// The beginning, included, and the end, not.
    public var startsAt: Timestamp, endsAt: Timestamp
    public var author: String
    public var comment: String
    public var createdAt: Timestamp
    /// Who ended it before its time.
    public var expiredBy: String?

    public static let maximumMatchers = 32
    /// A silence that lasts longer is a rule to be disabled.
    public static let maximumSeconds: Int64 = 366 * 86_400

    /// - Throws: `AlertingError` with `.matcher` where it matches everything or nothing, ends before it begins, or lasts longer than a year.
    public init(
        id: String, matchers: [AlertMatcher], startsAt: Timestamp, endsAt: Timestamp, author: String, comment: String, createdAt: Timestamp,
        expiredBy: String? = nil
    ) throws(AlertingError) {
        guard !matchers.isEmpty else { throw AlertingError(.matcher, "a silence needs a matcher", hint: AlertMatcher.advice) }
        guard matchers.count <= Silence.maximumMatchers else {
            throw AlertingError(.matcher, "a silence has at most \(Silence.maximumMatchers) matchers")
        }
        guard expiredBy != nil || startsAt < endsAt else { throw AlertingError(.matcher, "the silence ends before it begins") }
        guard endsAt.microseconds(since: startsAt) <= Silence.maximumSeconds * 1_000_000 else {
            throw AlertingError(.matcher, "a silence lasts a year at most", hint: "Disable the rule instead: `cardea rules disable`.")
        }
        (self.id, self.matchers, self.startsAt, self.endsAt) = (id, matchers, startsAt, endsAt)
        (self.author, self.comment, self.createdAt, self.expiredBy) = (author, comment, createdAt, expiredBy)
    }

    public enum State: String, Sendable, Hashable { case pending, active, expired }

    public func state(at time: Timestamp) -> State { time >= endsAt ? .expired : time < startsAt ? .pending : .active }

    /// Whether the alert is silenced at `time`.
    public func covers(_ alert: AlertFacts, at time: Timestamp) -> Bool { state(at: time) == .active && matchers.match(alert) }
}
