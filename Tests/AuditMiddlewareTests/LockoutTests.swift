import AuditEvents
import AuditTesting
import Testing

@testable import AuditMiddleware

@Suite struct LockoutTests {
    @Test("the store in memory keeps its promises", arguments: LockoutStoreConformance.checks)
    func conformance(_ check: LockoutStoreConformance.Check) async throws {
        try await check.run(LockoutStoreConformance(MemoryLockoutStore()))
    }

    @Test("the accounts in memory keep their promises", arguments: AccountStoreConformance.checks)
    func accounts(_ check: AccountStoreConformance.Check) async throws {
        try await check.run(AccountStoreConformance(MemoryAccountStore()))
    }

    @Test("a flood of names and addresses takes no more memory than was given, and forgets no lock while others can go")
    func flood() async throws {
        let store = MemoryLockoutStore(capacity: 200)
        let policy = LockoutPolicy.standard
        let now = Timestamp(microseconds: 1_800_000_000_000_000)
        let ann = policy.subjects(account: "ann", address: nil)
        for _ in 0..<3 {
            _ = try await store.begin(ann, policy: policy, at: now)
            _ = try await store.end(ann, .failure, policy: policy, at: now)
        }
        for number in 0..<2000 {
            let subjects = policy.subjects(account: "flood-\(number)", address: "2001:db8:\(number)::")
            if try await store.begin(subjects, policy: policy, at: now) == .allowed {
                _ = try await store.end(subjects, .failure, policy: policy, at: now)
            }
            #expect(store.count <= 200)
        }
        #expect(try await store.begin(ann, policy: policy, at: now) == .locked([.account], microseconds: 900_000_000))
    }

    @Test("terms out of bounds are brought into them, tiers into order")
    func bounds() {
        let policy = LockoutPolicy(
            account: [LockoutTier(failures: 9, seconds: .max), LockoutTier(failures: -3, seconds: 0)], address: [], both: [],
            forgetSeconds: 0,
            patienceSeconds: .max)
        #expect(policy.account == [LockoutTier(failures: 1, seconds: 1), LockoutTier(failures: 9, seconds: 2_678_400)])
        #expect(policy.forgetSeconds == 1)
        #expect(policy.patienceSeconds == 3600)
        #expect(LockoutPolicy(account: (0..<1000).map { LockoutTier(failures: $0, seconds: 1) }).account.count == 16)
        #expect(policy.subjects(account: "a", address: "b").map(\.scope) == [.account])
    }

    @Test("no two of account and address are counted as one")
    func keys() {
        let policy = LockoutPolicy.standard
        var keys: Set<[UInt8]> = []
        let texts = ["", "a", "ab", "b", "a\0", "\0a", "/", "account", "192.0.2.1", "caf\u{e9}", "cafe\u{301}"]
        for account in texts {
            for address in texts { for subject in policy.subjects(account: account, address: address) { keys.insert(subject.key) } }
        }
        #expect(keys.count == texts.count * 2 + texts.count * texts.count)
        #expect(keys.allSatisfy { $0.count == 32 })
    }

    @Test("what is remembered for a short while is bounded, and forgotten in time")
    func shortMemory() {
        var memory = ShortMemory<Int, Int>(capacity: 10)
        for number in 0..<1000 {
            memory.remember(number, number, until: 100)
            #expect(memory.count <= 10)
            #expect(memory.value(number, at: 99) == number)
        }
        #expect(memory.value(999, at: 100) == nil)
        #expect(memory.value(0, at: 0) == nil)
        memory.remember(1, 1, until: 100)
        memory.forget(1)
        #expect(memory.value(1, at: 0) == nil)
    }
}
