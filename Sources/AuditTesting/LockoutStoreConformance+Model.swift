import AuditEvents

extension LockoutStoreConformance {
    /// The rule, applied to a dictionary.
    private struct Model {
        var counts: [[UInt8]: LockoutCount] = [:]

        mutating func begin(_ subjects: [LockoutSubject], _ policy: LockoutPolicy, _ now: Int64) -> LockoutDecision {
            var judged = subjects.map { counts[$0.key] ?? LockoutCount() }
            let decisions = zip(subjects, judged.indices).map { judged[$1].judge($0, policy, at: now) }
            var locked: [LockoutScope] = []
            for case .locked(let scopes, _) in decisions { locked += scopes }
            let isAllowed = decisions.allSatisfy { $0 == .allowed }
            var wait: Int64 = 0
            for (place, subject) in subjects.enumerated() {
                if isAllowed { judged[place].begin(policy, at: now) }
                if !isAllowed, policy.extendsWhileLocked { judged[place].extend(subject.tiers, policy, at: now) }
                wait = max(wait, judged[place].lockedUntil - now)
                counts[subject.key] = judged[place].isEmpty ? nil : judged[place]
            }
            return isAllowed ? .allowed : locked.isEmpty ? .busy : .locked(locked, microseconds: wait)
        }

        mutating func end(_ subjects: [LockoutSubject], _ verdict: LockoutVerdict, _ policy: LockoutPolicy, _ now: Int64) -> [LockoutChange]
        {
            let own = subjects.first { $0.scope == .both }.flatMap { counts[$0.key]?.failures($0, policy, at: now) } ?? 0
            return subjects.map { subject in
                var count = counts[subject.key] ?? LockoutCount()
                let change = count.end(subject, verdict, own: own, policy, at: now)
                counts[subject.key] = count.isEmpty ? nil : count
                return change
            }
        }
    }

    func model() async throws {
        for extends in [false, true] {
            let policy = LockoutPolicy(
                account: [LockoutTier(failures: 2, seconds: 30), LockoutTier(failures: 5, seconds: 90)],
                address: [LockoutTier(failures: 4, seconds: 20), LockoutTier(failures: 7, seconds: 200)],
                both: [LockoutTier(failures: 3, seconds: 50)], forgetSeconds: 120, patienceSeconds: 15, extendsWhileLocked: extends)
            let (accounts, addresses) = ((0..<3).map { _ in name() }, (0..<2).map { _ in name() })
            var model = Model()
            var now: Int64 = 0
            for step in 0..<300 {
                now += [0, 0, 1, 3, 16, 40, 130][Int.random(in: 0..<7)]
                let time = time(now)
                let address = Int.random(in: 0..<5) == 0 ? nil : addresses.randomElement()
                let subjects = policy.subjects(account: accounts[Int.random(in: 0..<3)], address: address)
                let verdict = [nil, nil, LockoutVerdict.success, .failure, .failure, .failure, .released][Int.random(in: 0..<7)]
                if let verdict {
                    let (expected, found) = (
                        model.end(subjects, verdict, policy, time.microseconds),
                        try await store.end(subjects, verdict, policy: policy, at: time)
                    )
                    try expect(expected == found, "step \(step): the end \(verdict) gave \(found) instead of \(expected)")
                } else {
                    let (expected, found) = (
                        model.begin(subjects, policy, time.microseconds), try await store.begin(subjects, policy: policy, at: time)
                    )
                    try expect(expected == found, "step \(step): the beginning gave \(found) instead of \(expected)")
                }
            }
        }
    }
}
