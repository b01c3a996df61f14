public import AuditEvents

/// What every `LockoutStoring` must do, as checks that any test framework can run.
public struct LockoutStoreConformance: Sendable {
    /// One promise: throws `EventLogConformance.Failure` where a store does not keep it.
    public struct Check: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (LockoutStoreConformance) async throws -> Void
    }

    let store: any LockoutStoring
    let start = Timestamp(microseconds: 1_800_000_000_000_000)

    public init(_ store: any LockoutStoring) { self.store = store }

    /// Each makes accounts of its own, so that they may share a store and run in any order.
    public static let checks: [Check] = [
        Check(description: "three failures lock for 15 minutes, six for 2 hours, ten for 24, and each further one again") {
            try await $0.tiers()
        },
        Check(description: "a success forgets the account's failures, and takes its own back from the address") { try await $0.success() },
        Check(description: "an address is locked by failures at many accounts, a locked address does not lock them elsewhere") {
            try await $0.addresses()
        },
        Check(description: "what was not judged is not counted") { try await $0.released() },
        Check(description: "an attempt that never ends is a failure") { try await $0.lost() },
        Check(description: "failures are forgotten after a while") { try await $0.forgotten() },
        Check(description: "an attempt during a lock changes nothing, or extends it where that is wanted") { try await $0.duringALock() },
        Check(description: "many attempts at once get no more judged than may fail") { try await $0.parallel() },
        Check(description: "many rounds of attempts at once never exceed the limit") { try await $0.parallelRounds() },
        Check(description: "attempts at many accounts from one address at once all end") { try await $0.crossing() },
        Check(description: "any course of attempts goes as the rule says") { try await $0.model() },
    ]

    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw EventLogConformance.Failure(description: message()) }
    }

    func name(_ name: String = #function) -> String { "\(name)-\(UInt64.random(in: 0..<(1 << 48)))" }
    func time(_ seconds: Int64) -> Timestamp { start.advanced(bySeconds: seconds) }

    /// One attempt that fails, if it is judged.
    func fail(_ subjects: [LockoutSubject], _ policy: LockoutPolicy, at seconds: Int64) async throws -> [LockoutChange]? {
        guard try await store.begin(subjects, policy: policy, at: time(seconds)) == .allowed else { return nil }
        return try await store.end(subjects, .failure, policy: policy, at: time(seconds))
    }

    func tiers() async throws {
        let policy = LockoutPolicy.standard
        let subjects = policy.subjects(account: name(), address: nil)
        try expect(subjects.map(\.scope) == [.account], "an unknown address is counted")
        var seconds: Int64 = 0
        let locks: [Int64?] = [nil, nil, 900, nil, nil, 7200, nil, nil, nil, 86_400, 86_400, 86_400]
        for (number, lock) in locks.enumerated() {
            let changes = try await fail(subjects, policy, at: seconds)
            try expect(changes?.map(\.failures) == [number + 1], "failure \(number + 1) is not counted: \(String(describing: changes))")
            try expect(changes?.first?.lockedMicroseconds == lock.map { $0 * 1_000_000 }, "failure \(number + 1) locks wrongly")
            guard let lock else { continue }
            let decision = try await store.begin(subjects, policy: policy, at: time(seconds + lock - 1))
            try expect(decision == .locked([.account], microseconds: 1_000_000), "it is not locked to the end: \(decision)")
            seconds += lock
        }
    }

    func success() async throws {
        let policy = LockoutPolicy.standard
        let (ann, address) = (name(), name())
        let subjects = policy.subjects(account: ann, address: address)
        try expect(subjects.map(\.scope) == [.account, .address, .both], "the scopes differ")
        let other = policy.subjects(account: name(), address: address)
        _ = try await fail(other, policy, at: 0)
        for _ in 0..<2 { _ = try await fail(subjects, policy, at: 0) }
        _ = try await store.begin(subjects, policy: policy, at: time(1))
        let changes = try await store.end(subjects, .success, policy: policy, at: time(1))
        try expect(changes.map(\.failures) == [2, 3, 2], "the failures before are told wrongly: \(changes)")
        let next = try await fail(subjects, policy, at: 2)
        try expect(next?.map(\.failures) == [1, 2, 1], "the failures were not forgotten: \(String(describing: next))")
    }

    func addresses() async throws {
        let policy = LockoutPolicy(address: [LockoutTier(failures: 4, seconds: 60)])
        let address = name()
        for _ in 0..<4 { _ = try await fail(policy.subjects(account: name(), address: address), policy, at: 0) }
        let ann = name()
        let decision = try await store.begin(policy.subjects(account: ann, address: address), policy: policy, at: time(0))
        try expect(decision == .locked([.address], microseconds: 60_000_000), "the address is not locked: \(decision)")
        let elsewhere = try await fail(policy.subjects(account: ann, address: name()), policy, at: 0)
        try expect(elsewhere?.map(\.failures) == [1, 1, 1], "a refused attempt counted: \(String(describing: elsewhere))")
    }

    func released() async throws {
        let policy = LockoutPolicy.standard
        let subjects = policy.subjects(account: name(), address: name())
        for _ in 0..<20 {
            try expect(try await store.begin(subjects, policy: policy, at: time(0)) == .allowed, "it is not let")
            let changes = try await store.end(subjects, .released, policy: policy, at: time(0))
            try expect(changes.allSatisfy { $0.failures == 0 && $0.lockedMicroseconds == nil }, "it is counted")
        }
    }

    func lost() async throws {
        let policy = LockoutPolicy(patienceSeconds: 10)
        let subjects = policy.subjects(account: name(), address: nil)
        for _ in 0..<3 { _ = try await store.begin(subjects, policy: policy, at: time(0)) }
        try expect(try await store.begin(subjects, policy: policy, at: time(9)) == .busy, "a fourth is judged")
        let decision = try await store.begin(subjects, policy: policy, at: time(10))
        try expect(decision == .locked([.account], microseconds: 900_000_000), "lost attempts are forgiven: \(decision)")
    }

    func forgotten() async throws {
        let policy = LockoutPolicy(forgetSeconds: 100)
        let subjects = policy.subjects(account: name(), address: nil)
        _ = try await fail(subjects, policy, at: 0)
        // What an attempt under way may last counts, too.
        let kept = try await fail(subjects, policy, at: 159)
        try expect(kept?.first?.failures == 2, "forgotten too early: \(String(describing: kept))")
        let fresh = try await fail(subjects, policy, at: 400)
        try expect(fresh?.first?.failures == 1, "never forgotten: \(String(describing: fresh))")
    }

    func duringALock() async throws {
        for extends in [false, true] {
            let policy = LockoutPolicy(extendsWhileLocked: extends)
            let subjects = policy.subjects(account: name(), address: nil)
            for _ in 0..<3 { _ = try await fail(subjects, policy, at: 0) }
            for seconds: Int64 in [10, 500, 800] {
                let decision = try await store.begin(subjects, policy: policy, at: time(seconds))
                let wait = extends ? 900 : 900 - seconds
                try expect(decision == .locked([.account], microseconds: wait * 1_000_000), "\(extends): \(decision) at \(seconds)")
            }
            let end: Int64 = extends ? 1700 : 900
            try expect(try await store.begin(subjects, policy: policy, at: time(end)) == .allowed, "\(extends): the lock does not end")
        }
    }

    func parallel() async throws {
        let policy = LockoutPolicy.standard
        let subjects = policy.subjects(account: name(), address: name())
        let allowed = try await judged(40, subjects, policy, at: 0)
        try expect(allowed == 3, "\(allowed) of 40 guesses at once were judged instead of 3")
        for _ in 0..<3 { _ = try await store.end(subjects, .failure, policy: policy, at: time(0)) }
        let decision = try await store.begin(subjects, policy: policy, at: time(0))
        try expect(decision == .locked([.account, .both], microseconds: 900_000_000), "it is not locked: \(decision)")
    }

    func parallelRounds() async throws {
        let policy = LockoutPolicy(account: [LockoutTier(failures: 5, seconds: 3600)], address: [], both: [])
        let subjects = policy.subjects(account: name(), address: nil)
        let failed = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var failed = 0
                    for _ in 0..<10 where try await fail(subjects, policy, at: 0) != nil { failed += 1 }
                    return failed
                }
            }
            return try await group.reduce(0, +)
        }
        try expect(failed == 5, "\(failed) of 80 guesses were judged instead of 5")
    }

    func crossing() async throws {
        let policy = LockoutPolicy(address: [LockoutTier(failures: 1000, seconds: 60)])
        let (accounts, addresses) = ((0..<4).map { _ in name() }, (0..<4).map { _ in name() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask {
                    for round in 0..<8 {
                        let subjects = policy.subjects(
                            account: accounts[(number + round) % 4], address: addresses[(number * 3 + round) % 4])
                        if try await store.begin(subjects, policy: policy, at: time(0)) == .allowed {
                            _ = try await store.end(subjects, round % 2 == 0 ? .success : .released, policy: policy, at: time(0))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        for (account, address) in zip(accounts, addresses) {
            let changes = try await fail(policy.subjects(account: account, address: address), policy, at: 1)
            try expect(changes?.map(\.failures) == [1, 1, 1], "something was left behind: \(String(describing: changes))")
        }
    }

    private func judged(_ count: Int, _ subjects: [LockoutSubject], _ policy: LockoutPolicy, at seconds: Int64) async throws -> Int {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<count {
                group.addTask { try await store.begin(subjects, policy: policy, at: time(seconds)) == .allowed }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }
}
