/// What one subject has taken from a limit: the rule that every store follows. Pure: time is given, in microseconds.
///
/// Refused requests do not count. A clock that goes back forgives nothing.
public struct RateLimitCount: Sendable, Hashable {
    /// The number of the current window (sliding), its start (fixed), or when `current` held (bucket).
    public private(set) var mark: Int64 = 0
    /// Cost taken in the current window; of a bucket, what is missing in it, times the window's length, so that refilling is exact.
    public private(set) var current: Int64 = 0
    /// Cost taken in the window before.
    public private(set) var previous: Int64 = 0

    public init() {}

    /// Takes `cost` at `time`, or refuses.
    public mutating func take(_ cost: Int, of terms: RateLimitTerms, at time: Int64) -> RateLimitDecision {
        // A cost beyond the limit is refused as such; how far beyond does not matter.
        let cost = Int64(min(max(cost, 0), Int(terms.limit) + 1))
        // What is refused leaves no trace, not even of its time.
        var next = self
        let decision =
            switch terms.algorithm {
            case .fixedWindow: next.takeFixed(cost, terms.limit, terms.window, time)
            case .tokenBucket: next.takeBucket(cost, terms.limit, terms.window, time)
            default: next.takeSliding(cost, terms.limit, terms.window, time)
            }
        if decision.allowed { self = next }
        return decision
    }

    /// Gives back what was taken at `time`, where it still counts.
    public mutating func refund(_ cost: Int, of terms: RateLimitTerms, at time: Int64) {
        let cost = Int64(min(max(cost, 0), Int(terms.limit)))
        switch terms.algorithm {
        case .fixedWindow: if time >= mark { current = max(0, current - cost) }
        case .tokenBucket: current = max(0, current - cost * terms.window)
        default:
            let number = time.flooredQuotient(terms.window)
            if number >= mark { current = max(0, current - cost) } else if number == mark - 1 { previous = max(0, previous - cost) }
        }
    }

    /// Whether nothing of it is of use any more at `time`.
    public func isSpent(_ terms: RateLimitTerms, at time: Int64) -> Bool {
        switch terms.algorithm {
        case .fixedWindow: return current == 0 || time - mark >= terms.window
        case .tokenBucket: return current <= min(max(time - mark, 0), terms.window) * terms.limit
        default:
            let number = time.flooredQuotient(terms.window)
            return number > mark + 1 || current == 0 && (previous == 0 || number > mark)
        }
    }

    // MARK: Sliding window

    private mutating func takeSliding(_ cost: Int64, _ limit: Int64, _ window: Int64, _ time: Int64) -> RateLimitDecision {
        var number = time.flooredQuotient(window)
        var elapsed = time - number * window
        if number < mark, current + previous > 0 { (number, elapsed) = (mark, 0) }
        if number != mark {
            previous = number == mark + 1 ? current : 0
            current = 0
            mark = number
        }
        let covered = previous * (window - elapsed)
        guard cost <= limit, covered + (current + cost) * window <= limit * window else {
            return RateLimitDecision(
                allowed: false, remaining: remaining(covered, limit, window), reset: window - elapsed,
                retryAfter: retryAfter(cost, limit, window, elapsed: elapsed))
        }
        current += cost
        return RateLimitDecision(allowed: true, remaining: remaining(covered, limit, window), reset: window - elapsed, retryAfter: nil)
    }

    private func remaining(_ covered: Int64, _ limit: Int64, _ window: Int64) -> Int {
        max(0, Int(((limit - current) * window - covered).flooredQuotient(window)))
    }

    /// The least wait after which the estimate leaves room: within this window by the previous one sliding out, or in the next by this one doing so.
    private func retryAfter(_ cost: Int64, _ limit: Int64, _ window: Int64, elapsed: Int64) -> Int64? {
        guard cost <= limit else { return nil }
        func start(of count: Int64, room: Int64) -> Int64 { count == 0 ? 0 : max(0, window - room * window / count) }
        if current + cost <= limit {
            return max(0, start(of: previous, room: limit - current - cost) - elapsed)
        }
        return window - elapsed + start(of: current, room: limit - cost)
    }

    // MARK: Fixed window

    private mutating func takeFixed(_ cost: Int64, _ limit: Int64, _ window: Int64, _ time: Int64) -> RateLimitDecision {
        if current == 0 || time - mark >= window { (mark, current) = (time, 0) }
        let left = window - max(0, time - mark)
        guard current + cost <= limit else {
            return RateLimitDecision(allowed: false, remaining: Int(limit - current), reset: left, retryAfter: cost <= limit ? left : nil)
        }
        current += cost
        return RateLimitDecision(allowed: true, remaining: Int(limit - current), reset: left, retryAfter: nil)
    }

    // MARK: Token bucket

    private mutating func takeBucket(_ cost: Int64, _ limit: Int64, _ window: Int64, _ time: Int64) -> RateLimitDecision {
        if current == 0 || time > mark {
            current = max(0, current - min(max(0, time - mark), window) * limit)
            mark = time
        }
        let full = limit * window
        let allowed = current + cost * window <= full
        let retryAfter = allowed || cost > limit ? nil : (current + cost * window - full + limit - 1) / limit
        if allowed { current += cost * window }
        return RateLimitDecision(
            allowed: allowed, remaining: Int((full - current) / window), reset: (current + limit - 1) / limit, retryAfter: retryAfter)
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
