import AuditEvents
import AuditTesting
import DatabaseTesting
import PostgreSQL
import Testing

@testable import EventStore

@Suite("Shared rate limits")
struct RateLimitStoreTests {
    static let algorithms: [RateLimitAlgorithm] = [.slidingWindow, .fixedWindow, .tokenBucket]

    private func access(_ fixture: StoreFixture, _ connections: Int = 4) -> PostgresPool {
        fixture.database.pool(role: "cardea_access", maximumConnections: connections)
    }

    private func demand(
        _ policy: String = "p", _ subject: [UInt8] = [1], _ algorithm: RateLimitAlgorithm = .fixedWindow, limit: Int = 3,
        window: Int64 = 3_600_000_000,
        cost: Int = 1, enforced: Bool = true
    ) -> RateLimitDemand {
        RateLimitDemand(
            policy: policy, subject: subject, terms: RateLimitTerms(algorithm: algorithm, limit: limit, window: window), cost: cost,
            isEnforced: enforced)
    }

    @Test("decides step by step as the count in memory does", arguments: algorithms)
    func agrees(_ algorithm: RateLimitAlgorithm) async throws {
        try await withStore(shards: 1) { (fixture) async throws in
            let pool = access(fixture)
            var generator = SeededGenerator(seed: 5)
            for _ in 0..<4 {
                let subject = (0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let limit = Int.random(in: 1...9, using: &generator)
                let terms = RateLimitTerms(algorithm: algorithm, limit: limit, window: Int64.random(in: 1_000...9_000, using: &generator))
                var count = RateLimitCount()
                var time: Int64 = 1_800_000_000_000_000
                for step in 0..<150 {
                    time += Int64.random(in: 0...(terms.window / terms.limit * 2), using: &generator)
                    if Int.random(in: 0..<20, using: &generator) == 0 { time -= terms.window / 3 }
                    let cost = [0, 1, 1, 1, 2, 10, -1].randomElement(using: &generator) ?? 1
                    let store = PostgresRateLimitStore(pool, at: Timestamp(microseconds: time))
                    let demand = RateLimitDemand(policy: "p", subject: subject, terms: terms, cost: cost, isEnforced: true)
                    let expected = count.take(cost, of: terms, at: time)
                    try #require(try await store.take([demand]) == [expected], "step \(step)")
                }
            }
            await pool.close()
        }
    }

    @Test("eight tasks over two pools never get more than the limit, and get all of it", arguments: algorithms)
    func concurrent(_ algorithm: RateLimitAlgorithm) async throws {
        try await withStore(shards: 1) { (fixture) async throws in
            let pools = [access(fixture), access(fixture)]
            let demands = [demand("wide", [1], algorithm, limit: 100), demand("narrow", [2], algorithm, limit: 57)]
            let allowed = try await withThrowingTaskGroup { group in
                for task in 0..<8 {
                    // In either order: they do not deadlock.
                    let demands = task % 2 == 0 ? demands : demands.reversed()
                    group.addTask {
                        let store = PostgresRateLimitStore(pools[task % 2])
                        var allowed = 0
                        for _ in 0..<25 where try await store.take(demands).allSatisfy(\.allowed) { allowed += 1 }
                        return allowed
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(allowed == 57)
            let left = try await PostgresRateLimitStore(pools[0]).take([demand("wide", [1], algorithm, limit: 100, cost: 0)])
            #expect(left[0].remaining == 43)
            for pool in pools { await pool.close() }
        }
    }

    @Test("many new subjects at once, each counted from its first request")
    func newcomers() async throws {
        try await withStore(shards: 1) { (fixture) async throws in
            let pools = [access(fixture), access(fixture)]
            let allowed = try await withThrowingTaskGroup { group in
                for task in 0..<8 {
                    group.addTask {
                        let store = PostgresRateLimitStore(pools[task % 2])
                        var allowed = 0
                        for subject in 0..<UInt8(30) where try await store.take([self.demand("p", [subject], limit: 3)])[0].allowed {
                            allowed += 1
                        }
                        return allowed
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(allowed == 90)
            #expect(try await fixture.count("audit_access.rate_limit") == 30)
            for pool in pools { await pool.close() }
        }
    }

    @Test("where one that is enforced refuses, none takes; one that is not refuses nobody")
    func together() async throws {
        try await withStore(shards: 1) { (fixture) async throws in
            let pool = access(fixture)
            let store = PostgresRateLimitStore(pool)
            let demands = [demand("a", limit: 5), demand("b", limit: 2), demand("c", limit: 1, enforced: false)]
            #expect(try await store.take(demands).map(\.allowed) == [true, true, true])
            #expect(try await store.take(demands).map(\.allowed) == [true, true, false])
            #expect(try await store.take(demands).map(\.allowed) == [true, false, false])
            #expect(try await store.take([demand("a", limit: 5, cost: 0)])[0].remaining == 3)
            #expect(try await store.take([demand("a", limit: 5)])[0].remaining == 2)
            #expect(try await store.take([]).isEmpty)
            await #expect(throws: PostgresError.self) { try await store.take([self.demand("a"), self.demand("a", [2])]) }
            await pool.close()
        }
    }

    @Test("a flood of subjects leaves no more than what still counts")
    func expiry() async throws {
        try await withStore(shards: 1) { (fixture) async throws in
            let pool = access(fixture)
            let start: Int64 = 1_800_000_000_000_000
            for step in 0..<300 {
                let store = PostgresRateLimitStore(pool, at: Timestamp(microseconds: start + Int64(step) * 1_000_000))
                let subject = withUnsafeBytes(of: Int64(step)) { Array($0) }
                _ = try await store.take([demand("p", subject, limit: 3, window: 10_000_000)])
            }
            // A count is of use for two windows at most; a row made takes two that expired with it.
            #expect(try await fixture.count("audit_access.rate_limit") <= 22)
            await pool.close()
        }
    }

    @Test("is one call, and the role has nothing but it")
    func privileges() async throws {
        try await withStore(shards: 1) { (fixture) async throws in
            let pool = access(fixture)
            for statement in [
                "select 1 from audit_access.rate_limit", "delete from audit_access.rate_limit", "truncate audit_access.rate_limit",
                "select audit_access.forget_rate_limits(1)", "select 1 from audit.event",
            ] {
                #expect(try await sqlState { _ = try await pool.execute(SQL(statement)) } == "42501", "\(statement)")
            }
            await pool.close()
            for role in ["cardea_writer", "cardea_worker", "cardea_reader"] {
                let other = fixture.database.pool(role: role, maximumConnections: 1)
                #expect(try await sqlState { _ = try await PostgresRateLimitStore(other).take([demand()]) } == "42501")
                await other.close()
            }
            let kind = try await fixture.superuser.query(
                "select relpersistence::text from pg_class where oid = 'audit_access.rate_limit'::regclass", as: String.self)
            #expect(kind == ["u"])
        }
    }

    @Test("hostile subjects and numbers are stored as they are or bounded")
    func hostile() async throws {
        try await withStore(shards: 1) { (fixture) async throws in
            let pool = access(fixture)
            let store = PostgresRateLimitStore(pool)
            for subject in [
                [], [0], [0, 0xff], Array("'; drop table audit_access.rate_limit; --".utf8), [UInt8](repeating: 1, count: 2_000),
            ] {
                for algorithm in Self.algorithms {
                    let one = demand("s-\(algorithm)", subject, algorithm, limit: 1)
                    #expect(try await store.take([one])[0].allowed)
                    #expect(try await store.take([one])[0].allowed == false)
                }
            }
            for number in [Int.min, -1, 0, 1, .max] {
                for algorithm in Self.algorithms {
                    let name = "n\(number)-\(algorithm)"
                    let one = try await store.take([demand(name, [1], algorithm, limit: number, window: Int64(number), cost: number)])[0]
                    #expect((0...10_000_000).contains(one.remaining))
                }
            }
            await pool.close()
        }
    }

    @Test("the time of a call, for the record")
    func speed() async throws {
        try await withStore(shards: 1) { (fixture) async throws in
            let pool = access(fixture, 1)
            let store = PostgresRateLimitStore(pool)
            let demands = [demand("a", limit: 1_000_000), demand("b", limit: 1_000_000)]
            _ = try await store.take(demands)
            let elapsed = try await ContinuousClock().measure { for _ in 0..<500 { _ = try await store.take(demands) } }
            print("a call for two shared limits takes \(elapsed / 500)")
            #expect(elapsed < .seconds(60))
            await pool.close()
        }
    }
}
