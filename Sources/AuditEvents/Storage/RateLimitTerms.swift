/// How a limit counts.
public struct RateLimitAlgorithm: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// What a store is told.
    package let code: Int16

    /// The count over the last window, estimated from two fixed windows: that of the current one, and that of the one before weighted by how
    /// much of it the sliding window still covers.
    public static let slidingWindow = Self(description: "sliding_window", code: 0)
    /// A window begins with the first request and lasts its length; then the count starts anew.
    public static let fixedWindow = Self(description: "fixed_window", code: 1)
    /// A bucket that holds the limit and is refilled, evenly, in one window: bursts up to the limit, then its rate.
    public static let tokenBucket = Self(description: "token_bucket", code: 2)
}

/// What a limit allows, in bounds within which no arithmetic overflows.
public struct RateLimitTerms: Sendable, Hashable {
    public let algorithm: RateLimitAlgorithm
    /// How much cost a window holds, 1 to 10,000,000.
    public let limit: Int64
    /// Its length in microseconds, 1,000 to 86,400,000,000 (a day).
    public let window: Int64

    public init(algorithm: RateLimitAlgorithm, limit: Int, window: Int64) {
        self.algorithm = algorithm
        self.limit = Int64(min(max(limit, 1), 10_000_000))
        self.window = min(max(window, 1_000), 86_400_000_000)
    }
}

/// What a limit says to one request.
public struct RateLimitDecision: Sendable, Hashable {
    public var allowed: Bool
    /// What may still follow at once.
    public var remaining: Int
    /// Microseconds until the window ends, or the bucket is full.
    public var reset: Int64
    /// Microseconds until the same cost would be allowed, when it was not; nil when it never will be, for the cost exceeds the limit.
    public var retryAfter: Int64?

    public init(allowed: Bool, remaining: Int, reset: Int64, retryAfter: Int64?) {
        (self.allowed, self.remaining, self.reset, self.retryAfter) = (allowed, remaining, reset, retryAfter)
    }
}
