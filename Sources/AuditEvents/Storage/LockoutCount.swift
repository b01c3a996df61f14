/// What is counted against one subject: the rule that every store follows. Pure: time is given, in microseconds.
///
/// An attempt counts from its beginning, as pending: however many come at once, no more are judged than the next tier allows.
public struct LockoutCount: Sendable, Hashable {
    public private(set) var failures: Int64 = 0
    /// Attempts under way.
    public private(set) var pending: Int64 = 0
    /// When they are failures, for nobody will tell how they ended.
    public private(set) var pendingUntil: Int64 = 0
    public private(set) var lockedUntil: Int64 = 0
    /// When all of it is forgotten.
    public private(set) var expires: Int64 = 0

    public init() {}

    /// Whether there is nothing to remember.
    public var isEmpty: Bool { failures == 0 && pending == 0 }

    /// The failures that count at `time`.
    public func failures(_ subject: LockoutSubject, _ policy: LockoutPolicy, at time: Int64) -> Int64 {
        var settled = self
        settled.settle(subject.tiers, policy, at: time)
        return settled.failures
    }

    /// What it says to an attempt at `time`; nothing is counted yet.
    public mutating func judge(_ subject: LockoutSubject, _ policy: LockoutPolicy, at time: Int64) -> LockoutDecision {
        settle(subject.tiers, policy, at: time)
        if lockedUntil > time { return .locked([subject.scope], microseconds: lockedUntil - time) }
        let next = subject.tiers.first { $0.failures > failures }.map { Int64($0.failures) } ?? failures + 1
        return failures + pending < next ? .allowed : .busy
    }

    /// An attempt begins.
    public mutating func begin(_ policy: LockoutPolicy, at time: Int64) {
        pending += 1
        pendingUntil = time + Int64(policy.patienceSeconds) * 1_000_000
        expires = max(expires, pendingUntil + policy.forgetMicroseconds)
    }

    /// An attempt during a lock lets it start anew.
    public mutating func extend(_ tiers: [LockoutTier], _ policy: LockoutPolicy, at time: Int64) {
        guard lockedUntil > time, let tier = tiers.last(where: { $0.failures <= failures }) else { return }
        lockedUntil = max(lockedUntil, time + tier.microseconds)
        expires = max(expires, lockedUntil + policy.forgetMicroseconds)
    }

    /// An attempt ended; says how many failures there were before a success or are after a failure, and how long a lock that now begins is.
    /// - Parameter own: how many failures a success takes back from an address.
    public mutating func end(
        _ subject: LockoutSubject, _ verdict: LockoutVerdict, own: Int64, _ policy: LockoutPolicy, at time: Int64
    ) -> LockoutChange {
        settle(subject.tiers, policy, at: time)
        pending = max(0, pending - 1)
        var change = LockoutChange(scope: subject.scope, failures: Int(failures), lockedMicroseconds: nil)
        switch verdict {
        case .success where subject.scope == .address: failures = max(0, failures - own)
        case .success: (failures, lockedUntil) = (0, 0)
        case .failure:
            change.lockedMicroseconds = fail(1, subject.tiers, policy, at: time)
            change.failures = Int(failures)
        case .released: break
        }
        return change
    }

    /// Forgets what has expired, and counts what nobody will tell the end of.
    private mutating func settle(_ tiers: [LockoutTier], _ policy: LockoutPolicy, at time: Int64) {
        if expires <= time { self = LockoutCount() }
        guard pending > 0, pendingUntil <= time else { return }
        let lost = pending
        pending = 0
        _ = fail(lost, tiers, policy, at: pendingUntil)
    }

    /// - Returns: the length of the lock that begins, if one does.
    private mutating func fail(_ count: Int64, _ tiers: [LockoutTier], _ policy: LockoutPolicy, at time: Int64) -> Int64? {
        let before = failures
        failures += count
        var locked: Int64?
        if let tier = tiers.last(where: { $0.failures <= failures }), tier.failures > before || tier == tiers.last {
            locked = tier.microseconds
            lockedUntil = max(lockedUntil, time + tier.microseconds)
        }
        expires = max(expires, max(time, lockedUntil) + policy.forgetMicroseconds)
        return locked
    }
}

extension LockoutPolicy {
    var forgetMicroseconds: Int64 { Int64(forgetSeconds) * 1_000_000 }
}
