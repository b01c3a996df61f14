/// What one request asks of one limit.
public struct RateLimitDemand: Sendable, Hashable {
    /// The limit's name; no two demands of a call have the same.
    public var policy: String
    /// Who is counted: a few bytes that say nothing to whoever reads them.
    public var subject: [UInt8]
    public var terms: RateLimitTerms
    public var cost: Int
    /// Whether a refusal refuses the request, and not only notes it.
    public var isEnforced: Bool

    public init(policy: String, subject: [UInt8], terms: RateLimitTerms, cost: Int, isEnforced: Bool) {
        (self.policy, self.subject, self.terms, self.cost, self.isEnforced) = (policy, subject, terms, cost, isEnforced)
    }
}

/// Counts that several instances share.
public protocol RateLimitStoring: Sendable {
    /// Decides about all demands of one request at once, each as `RateLimitCount` does, by the store's own clock.
    ///
    /// When one that is enforced is refused, none takes anything. Counts that are of no use any more go away by themselves.
    /// - Returns: a decision for each demand, in their order.
    func take(_ demands: [RateLimitDemand]) async throws -> [RateLimitDecision]
}
