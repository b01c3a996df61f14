/// When a delivery that failed is tried again: the schedule of Standard Webhooks 1.0.0, "Deliverability and reliability".
public struct RetrySchedule: Sendable, Hashable {
    /// The seconds before each attempt after the first.
    public let delays: [Int64]
    /// The longest `Retry-After` that is honoured, in seconds.
    public let longestWait: Int64

    /// The ten attempts of Standard Webhooks, over a little more than three days.
    public static let standard = RetrySchedule(
        delays: [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400], longestWait: 86_400)

    public init(delays: [Int64], longestWait: Int64) {
        self.delays = delays.map { max($0, 0) }
        self.longestWait = max(longestWait, 0)
    }

    /// What one attempt came to.
    public enum Outcome: Sendable, Hashable {
        /// An HTTP answer. `retryAfter` is its `Retry-After` in seconds from now.
        case status(Int, retryAfter: Int64? = nil)
        /// No connection, no answer in time, or none that can be read.
        case unreachable
        /// The destination may not be connected to, or refuses this message for good: trying again changes nothing.
        case refused
    }

    /// What follows from it.
    public enum Decision: Sendable, Hashable {
        case delivered
        /// Again, in so many seconds.
        case retry(after: Int64)
        /// Never again by itself: listed, and replayed by hand.
        case dead
        /// 410: the receiver wants nothing any more.
        case disable
    }

    /// What follows from the outcome of the `attempt`-th attempt (the first is 1).
    ///
    /// A redirect is a failure (it is not followed). The jitter only lengthens a delay, so that neither the schedule nor a `Retry-After` is undercut.
    /// - Parameter jitter: a random number from 0 to 1: up to a tenth is added to the delay.
    public func decide(_ outcome: Outcome, attempt: Int, jitter: Double) -> Decision {
        var asked: Int64 = 0
        switch outcome {
        case .status(200...299, _): return .delivered
        case .status(410, _): return .disable
        case .status(_, let retryAfter): asked = min(max(retryAfter ?? 0, 0), longestWait)
        case .refused: return .dead
        case .unreachable: break
        }
        guard attempt <= delays.count else { return .dead }
        let delay = max(delays[max(attempt, 1) - 1], asked)
        let share = jitter.isFinite ? min(max(jitter, 0), 1) : 0
        return .retry(after: delay + Int64(Double(delay) * share / 10))
    }
}
