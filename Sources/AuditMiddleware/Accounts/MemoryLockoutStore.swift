public import AuditEvents
import Synchronization

/// Failed sign-ins of this process alone; for tests, and for one instance that may forget with a restart.
public final class MemoryLockoutStore: LockoutStoring {
    private let counts = Mutex<[[UInt8]: LockoutCount]>([:])
    private let capacity: Int

    /// - Parameter capacity: how many subjects are remembered; beyond it those that would be forgotten first make room.
    public init(capacity: Int = 100_000) { self.capacity = max(16, capacity) }

    package var count: Int { counts.withLock(\.count) }

    public func begin(_ subjects: [LockoutSubject], policy: LockoutPolicy, at time: Timestamp) async throws -> LockoutDecision {
        let now = time.microseconds
        return counts.withLock { counts in
            var judged: [LockoutCount] = []
            var scopes: [LockoutScope] = []
            var (wait, isBusy) = (Int64(0), false)
            for subject in subjects {
                var count = counts[subject.key] ?? LockoutCount()
                switch count.judge(subject, policy, at: now) {
                case .allowed: break
                case .busy: isBusy = true
                case .locked(_, let microseconds):
                    scopes.append(subject.scope)
                    wait = max(wait, microseconds)
                }
                judged.append(count)
            }
            guard scopes.isEmpty, !isBusy else {
                for (subject, var count) in zip(subjects, judged) {
                    if policy.extendsWhileLocked {
                        count.extend(subject.tiers, policy, at: now)
                        if !scopes.isEmpty { wait = max(wait, count.lockedUntil - now) }
                    }
                    counts[subject.key] = count.isEmpty ? nil : count
                }
                return scopes.isEmpty ? .busy : .locked(scopes, microseconds: wait)
            }
            for (subject, var count) in zip(subjects, judged) {
                count.begin(policy, at: now)
                if counts[subject.key] == nil, counts.count >= capacity { Self.makeRoom(&counts, at: now) }
                counts[subject.key] = count
            }
            return .allowed
        }
    }

    public func end(
        _ subjects: [LockoutSubject], _ verdict: LockoutVerdict, policy: LockoutPolicy, at time: Timestamp
    ) async throws -> [LockoutChange] {
        let now = time.microseconds
        return counts.withLock { counts in
            let own = subjects.first { $0.scope == .both }.flatMap { counts[$0.key]?.failures($0, policy, at: now) } ?? 0
            return subjects.map { subject in
                var count = counts[subject.key] ?? LockoutCount()
                let change = count.end(subject, verdict, own: own, policy, at: now)
                counts[subject.key] = count.isEmpty ? nil : count
                return change
            }
        }
    }

    /// A sixteenth goes at once, so that a flood pays the search seldom.
    private static func makeRoom(_ counts: inout [[UInt8]: LockoutCount], at now: Int64) {
        let expired = counts.filter { $0.value.expires <= now }.map(\.key)
        let leaving =
            expired.isEmpty
            ? counts.sorted { $0.value.expires < $1.value.expires }.prefix(max(1, counts.count / 16)).map(\.key) : expired
        for key in leaving { counts[key] = nil }
    }
}
