/// What becomes of a request beyond a limit.
public struct RateLimitMode: Sendable, Hashable {
    let name: String
    /// The longest that a request is held back, in microseconds.
    let patience: Int64
    /// How many requests are held back at once.
    let places: Int

    /// It is refused: 429.
    public static let block = RateLimitMode(name: "block", patience: 0, places: 0)
    /// It is let in and recorded.
    public static let record = RateLimitMode(name: "record", patience: 0, places: 0)

    /// It is held back until the limit has room, where that is soon enough; else refused.
    /// - Parameters:
    ///   - bound: the longest that one request waits, at most a minute.
    ///   - waiting: how many wait at once; who comes then is refused at once.
    public static func throttle(upTo bound: Duration, waiting: Int = 256) -> RateLimitMode {
        RateLimitMode(name: "throttle", patience: min(max(0, bound.microseconds), 60_000_000), places: max(0, waiting))
    }
}

/// Where a limit's counts are.
public struct RateLimitStore: Sendable {
    /// What holds while a shared store does not answer.
    public struct Absence: Sendable, Hashable {
        let name: String
        /// Requests pass uncounted; their events say so.
        public static let allow = Absence(name: "allow")
        /// Requests are refused: 503.
        public static let refuse = Absence(name: "refuse")
        /// Each instance counts for itself.
        public static let countLocally = Absence(name: "count_locally")
    }

    let shared: SharedRateLimits?
    let absence: Absence

    /// This process's memory, each limit its own.
    public static let memory = RateLimitStore(shared: nil, absence: .countLocally)

    /// Counts shared with other instances.
    public static func shared(_ limits: SharedRateLimits, whenAway absence: Absence) -> RateLimitStore {
        RateLimitStore(shared: limits, absence: absence)
    }
}

extension Duration {
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds > 1_000_000_000 ? .max / 2 : seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
