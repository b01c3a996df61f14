/// When a set of keys is fetched again. Knows neither network nor keys; times are microseconds of a clock that never goes back.
struct KeyRefresh: Sendable {
    /// What whoever needs keys is to do.
    enum Action: Sendable, Hashable {
        /// Use the keys at hand.
        case use
        /// Use them, and start a fetch that nobody waits for.
        case useAndFetch
        /// Start a fetch and wait for it.
        case fetch
        /// Wait for the fetch under way.
        case wait
        /// There are none to be had at present.
        case unavailable
    }

    let policy: RemoteKeySource.Policy
    private(set) var isFetching = false
    /// Whether the last attempt failed.
    private(set) var hasFailed = false
    private var lastAttempt: Int64?
    private var lastSuccess: Int64?
    private var freshUntil: Int64 = 0

    init(_ policy: RemoteKeySource.Policy) { self.policy = policy }

    /// Whether there are keys that may still be used.
    func isUsable(at now: Int64) -> Bool {
        guard let lastSuccess else { return false }
        return now - lastSuccess < policy.staleSeconds * 1_000_000
    }

    private func isWithin(_ seconds: Int64, of moment: Int64?, at now: Int64) -> Bool {
        moment.map { now - $0 < seconds * 1_000_000 } ?? false
    }

    private func isRetryDue(at now: Int64) -> Bool { !hasFailed || !isWithin(policy.retrySeconds, of: lastAttempt, at: now) }

    /// Keys are wanted. Of `.useAndFetch` and `.fetch` the caller must start the one fetch that they announce.
    mutating func keysWanted(at now: Int64) -> Action {
        guard isUsable(at: now) else {
            if isFetching { return .wait }
            guard isRetryDue(at: now) else { return .unavailable }
            begin(at: now)
            return .fetch
        }
        guard now >= freshUntil, !isFetching, isRetryDue(at: now) else { return .use }
        begin(at: now)
        return .useAndFetch
    }

    /// A token names a key that is not at hand.
    mutating func keyMissing(at now: Int64) -> Action {
        guard isUsable(at: now) else { return keysWanted(at: now) }
        if isFetching { return .wait }
        if isWithin(policy.cooldownSeconds, of: lastAttempt, at: now) { return hasFailed ? .unavailable : .use }
        begin(at: now)
        return .fetch
    }

    private mutating func begin(at now: Int64) {
        isFetching = true
        lastAttempt = now
    }

    /// The fetch gave a set, or word that the last one still holds.
    /// - Parameter maximumAge: the seconds for which the answer says that it holds.
    mutating func succeeded(at now: Int64, maximumAge: Int64?) {
        (isFetching, hasFailed, lastSuccess) = (false, false, now)
        let life = min(
            max(maximumAge ?? policy.refreshSeconds.upperBound, policy.refreshSeconds.lowerBound), policy.refreshSeconds.upperBound)
        freshUntil = now + life * 1_000_000
    }

    /// The fetch gave nothing: the last good set stays.
    mutating func failed() { (isFetching, hasFailed) = (false, true) }
}
