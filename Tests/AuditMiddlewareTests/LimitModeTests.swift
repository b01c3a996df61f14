import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import Testing

@testable import AuditMiddleware

/// A shared store in memory that can be told to fail or to keep silent.
final class MemoryRateLimitStore: RateLimitStoring {
    struct Away: Error {}
    enum Mood: Sendable { case answers, fails, keepsSilent, answersTooLittle }
    private struct State {
        var mood = Mood.answers
        var calls: [[String]] = []
        var counts: [[UInt8]: RateLimitCount] = [:]
        var silent: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())
    let clock: TestClock

    init(_ clock: TestClock) { self.clock = clock }

    var mood: Mood {
        get { state.withLock { $0.mood } }
        set { state.withLock { $0.mood = newValue } }
    }
    /// The policies of each call.
    var calls: [[String]] { state.withLock { $0.calls } }
    func endSilence() {
        for one in state.withLock({ state in
            defer { state.silent = [] }
            return state.silent
        }) { one.resume() }
    }

    func take(_ demands: [RateLimitDemand]) async throws -> [RateLimitDecision] {
        let now = clock.now.microseconds
        switch mood {
        case .answers: break
        case .fails: throw Away()
        case .answersTooLittle: return []
        // Not even a cancellation moves it.
        case .keepsSilent: await withCheckedContinuation { one in state.withLock { $0.silent.append(one) } }
        }
        return state.withLock { state in
            state.calls.append(demands.map(\.policy))
            var after = state.counts
            let decisions = demands.map {
                after[Array($0.policy.utf8) + $0.subject, default: RateLimitCount()].take($0.cost, of: $0.terms, at: now)
            }
            if !zip(demands, decisions).contains(where: { $0.isEnforced && !$1.allowed }) { state.counts = after }
            return decisions
        }
    }
}

@Suite struct LimitModeTests {
    static func policy(_ name: String, _ limit: Int, capacity: Int = 1_000) -> RateLimitPolicy {
        RateLimitPolicy(name: name, limit: limit, windowSeconds: 60, capacity: capacity)
    }

    static let who = HTTPField.Name("X-Who")!

    /// The statuses of requests one after the other.
    static func statuses(_ client: any TestClientProtocol, _ requests: [(String, String)]) async throws -> [Int] {
        var statuses: [Int] = []
        for (uri, who) in requests {
            statuses.append(try await client.execute(uri: uri, method: .get, headers: [Self.who: who, .xForwardedFor: who]).status.code)
        }
        return statuses
    }

    /// Takes its caller's word for who it is.
    struct Naming: RouterMiddleware {
        @concurrent
        func handle(
            _ request: Request, context: TestContext, next: @concurrent (Request, TestContext) async throws -> Response
        ) async throws -> Response {
            var context = context
            if let name = request.headers[who], !name.isEmpty { context.principal = Principal(id: name) }
            return try await next(request, context)
        }
    }

    @Test("each key counts by what it says", arguments: Way.allCases)
    func keys(_ way: Way) async throws {
        let keys: [(RateLimitKey<TestContext>, [(String, String)], [Int])] = [
            (.client, [("/a", "1"), ("/b", "2")], [200, 429]),
            (.account, [("/a", "1"), ("/b", "2"), ("/b", "1"), ("/a", "")], [200, 200, 429, 200]),
            (.apiKey(Self.who), [("/a", "1"), ("/b", "2"), ("/b", "1")], [200, 200, 429]),
            (.route, [("/a", "1"), ("/b", "2"), ("/a", "3"), ("/none", "1"), ("/nowhere", "1")], [200, 200, 429, 404, 429]),
            (.account.and(.route), [("/a", "1"), ("/b", "1"), ("/a", "2"), ("/b", "1")], [200, 200, 200, 429]),
            (
                .custom("Method!") { request, _ in request.headers[Self.who] == "free" ? nil : request.method.rawValue },
                [("/a", "1"), ("/a", "2"), ("/a", "free"), ("/a", "free")], [200, 429, 200, 200]
            ),
            // Equal for people, not equal in bytes: two accounts.
            (.account, [("/a", "\u{e9}"), ("/a", "e\u{301}")], [200, 200]),
        ]
        for (key, requests, expected) in keys {
            let test = TestApplication()
            let router = TestApplication.router()
            router.add(middleware: Naming())
            router.add(middleware: RateLimit(Self.policy("one", 1), key: key, clock: test.clock.clock))
            router.get("a") { _, _ in "" }
            router.get("b") { _, _ in "" }
            try await test.application(router).test(way.setup) { (client) async throws in
                #expect(try await Self.statuses(client, requests) == expected, "\(key.name)")
                #expect(test.sink.events(.rateLimitExceeded).allSatisfy { $0.body.details["key"] == .string(key.name) })
                #expect(test.sink.requests.count == requests.count)
            }
        }
    }

    @Test("a cost takes so much from the quota", arguments: Way.allCases)
    func cost(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.add(
            middleware: RateLimit(Self.policy("units", 10), algorithm: .tokenBucket, clock: test.clock.clock) { request, _ in
                request.headers[Self.who].flatMap { Int($0) } ?? 1
            })
        router.get("a") { _, _ in "" }
        try await test.application(router).test(way.setup) { (client) async throws in
            #expect(
                try await Self.statuses(client, [("/a", "7"), ("/a", "4"), ("/a", "3"), ("/a", "0"), ("/a", "1")]) == [
                    200, 429, 200, 200, 429,
                ])
            let event = try #require(test.sink.events(.rateLimitExceeded).first)
            #expect(event.body.details["cost"] == .int(4))
            #expect(event.body.details["algorithm"] == .string("token_bucket"))
            #expect(event.body.details["mode"] == .string("block"))
            test.clock.advance(seconds: 6)
            #expect(try await Self.statuses(client, [("/a", "1"), ("/a", "11")]) == [200, 429])
        }
    }

    @Test("what is only recorded is let in, tells the client nothing, and leaves an event", arguments: Way.allCases)
    func record(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.add(middleware: RateLimit(Self.policy("watch", 1), algorithm: .fixedWindow, mode: .record, clock: test.clock.clock))
        router.get("a") { _, _ in "" }
        try await test.application(router).test(way.setup) { (client) async throws in
            for _ in 0..<3 {
                let response = try await client.execute(uri: "/a", method: .get)
                #expect(response.status == .ok)
                #expect(response.headers[.rateLimit] == nil && response.headers[.rateLimitPolicy] == nil)
            }
            let events = test.sink.events(.rateLimitExceeded)
            #expect(events.map(\.header.outcome) == [.success, .success])
            #expect(events.allSatisfy { $0.header.reason == "watch" && $0.body.details["mode"] == .string("record") })
            #expect(test.sink.requests.allSatisfy { $0.header.outcome == .success && $0.header.reason == nil })
        }
    }

    @Test("a throttled request waits for its turn, up to the bound, then is refused", arguments: Way.allCases)
    func throttle(_ way: Way) async throws {
        let test = TestApplication()
        var limit = RateLimit<TestContext>(
            Self.policy("slow", 6), algorithm: .tokenBucket, mode: .throttle(upTo: .seconds(15)), clock: test.clock.clock)
        let pauses = Mutex<[Duration]>([])
        limit.pause = { duration in
            pauses.withLock { $0.append(duration) }
            test.clock.advance(seconds: duration / .seconds(1))
        }
        let router = TestApplication.router()
        router.add(middleware: limit)
        router.get("a") { _, _ in "" }
        try await test.application(router).test(way.setup) { (client) async throws in
            #expect(try await Self.statuses(client, Array(repeating: ("/a", ""), count: 8)) == Array(repeating: 200, count: 8))
            #expect(pauses.withLock { $0 } == [.seconds(10), .seconds(10)])
            let events = test.sink.events(.rateLimitExceeded)
            #expect(events.map(\.header.outcome) == [.success, .success])
            #expect(events.first?.body.details["delay_us"] == .int(10_000_000))
            #expect(test.sink.requests.allSatisfy { $0.header.outcome == .success })
        }
    }

    @Test("who would wait too long, or has no place to wait in, is refused at once", arguments: Way.allCases)
    func impatient(_ way: Way) async throws {
        for mode in [RateLimitMode.throttle(upTo: .seconds(5)), .throttle(upTo: .seconds(30), waiting: 0), .throttle(upTo: .seconds(-1))] {
            let test = TestApplication()
            var limit = RateLimit<TestContext>(Self.policy("slow", 6), algorithm: .tokenBucket, mode: mode, clock: test.clock.clock)
            limit.pause = { _ in Issue.record("waited") }
            let router = TestApplication.router()
            router.add(middleware: limit)
            router.get("a") { _, _ in "" }
            try await test.application(router).test(way.setup) { (client) async throws in
                #expect(try await Self.statuses(client, Array(repeating: ("/a", ""), count: 7)) == Array(repeating: 200, count: 6) + [429])
                #expect(test.sink.events(.rateLimitExceeded).map(\.header.outcome) == [.denied])
            }
        }
    }

    @Test("the safelist comes first, then the blocklist, then the limits", arguments: Way.allCases)
    func order(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        let friends = try #require(NetworkRange("192.0.2.0/28"))
        let foes = try #require(NetworkRange("192.0.2.0/24"))
        router.add(
            middleware: RateLimits(
                safelist: [.networks("friends", [friends])],
                blocklist: [.networks("foes", [foes]), .matching("Scanner!") { request, _ in request.uri.path == "/wp-login" }],
                limits: [RateLimit(Self.policy("one", 1), clock: test.clock.clock)]))
        router.get("a") { _, _ in "" }
        try await test.application(router, trust: .trustedHops(1)).test(way.setup) { (client) async throws in
            #expect(
                try await Self.statuses(
                    client,
                    [
                        ("/a", "192.0.2.1"), ("/a", "192.0.2.1"), ("/wp-login", "192.0.2.1"), ("/a", "192.0.2.99"), ("/a", "198.51.100.1"),
                        ("/wp-login", "198.51.100.2"), ("/a", "198.51.100.1"),
                    ]) == [200, 200, 404, 403, 200, 403, 429])
            let refused = test.sink.events(.authorizationFailure)
            #expect(refused.map(\.header.reason) == ["blocklisted", "blocklisted"])
            #expect(refused.map { $0.body.details["rule"] } == [.string("foes"), .string("scanner_")])
            #expect(
                test.sink.requests.map { $0.body.details["safelisted"] } == Array(repeating: .string("friends"), count: 3)
                    + Array(repeating: nil, count: 4))
            #expect(test.sink.events(.rateLimitExceeded).count == 1)
        }
    }

    @Test("limits judged together all tell, and what one refuses counts in none", arguments: Way.allCases, [true, false])
    func together(_ way: Way, _ isShared: Bool) async throws {
        let test = TestApplication()
        let store = MemoryRateLimitStore(test.clock)
        let shared = SharedRateLimits(store, logger: .quiet, clock: test.clock.clock)
        let place = isShared ? RateLimitStore.shared(shared, whenAway: .refuse) : .memory
        let router = TestApplication.router()
        router.add(middleware: Naming())
        router.add(
            middleware: RateLimits(limits: [
                RateLimit(Self.policy("all", 4), algorithm: .fixedWindow, store: place, clock: test.clock.clock),
                RateLimit(Self.policy("each", 2), key: .account, algorithm: .tokenBucket, store: place, clock: test.clock.clock),
                RateLimit(Self.policy("watch", 3), store: place, mode: .record, clock: test.clock.clock),
                // Of a second one of a name nothing is heard.
                RateLimit(Self.policy("all", 1), store: place, clock: test.clock.clock),
            ]))
        router.get("a") { _, _ in "" }
        try await test.application(router).test(way.setup) { (client) async throws in
            #expect(
                try await Self.statuses(client, ["x", "x", "x", "x", "y", "y", "y", "z"].map { ("/a", $0) })
                    == [200, 200, 429, 429, 200, 200, 429, 429])
            let last = try await client.execute(uri: "/a", method: .get, headers: [Self.who: "x"])
            #expect(last.headers[values: .rateLimitPolicy] == ["\"all\";q=4;w=60", "\"each\";q=2;w=60"])
            #expect(last.headers[values: .rateLimit] == ["\"all\";r=0;t=60", "\"each\";r=0;t=60"])
            let document = try JSONValue(parsing: Array(buffer: last.body)).object
            #expect(document?["violated-policies"] == .array(isShared ? [.string("all"), .string("each")] : [.string("all")]))
            // One event a request: the first limit that refused; and one for what was only watched, the fourth that was let in.
            #expect(test.sink.events(.rateLimitExceeded).map(\.header.reason) == ["each", "each", "watch", "all", "all", "all"])
            if isShared { #expect(store.calls.count == 9 && store.calls.allSatisfy { $0 == ["all", "each", "watch"] }) }
        }
    }

    @Test("while the shared store is away each limit does what it said beforehand", arguments: Way.allCases, [true, false])
    func away(_ way: Way, _ isSilent: Bool) async throws {
        for (absence, expected) in [
            (RateLimitStore.Absence.allow, [200, 200, 200]), (.refuse, [503, 503, 503]), (.countLocally, [200, 429, 429]),
        ] {
            let test = TestApplication()
            let store = MemoryRateLimitStore(test.clock)
            let shared = SharedRateLimits(store, logger: .silent, timeout: .milliseconds(20), clock: test.clock.clock)
            let router = TestApplication.router()
            router.add(
                middleware: RateLimit(Self.policy("one", 1), store: .shared(shared, whenAway: absence), clock: test.clock.clock))
            router.get("a") { _, _ in "" }
            try await test.application(router).test(way.setup) { (client) async throws in
                store.mood = isSilent ? .keepsSilent : .fails
                #expect(try await Self.statuses(client, Array(repeating: ("/a", ""), count: 3)) == expected, "\(absence.name)")
                #expect(test.sink.requests.count == 3)
                #expect(test.sink.requests.allSatisfy { $0.body.details["rate_limit_store_away"] == .array([.string("one")]) })
                if absence == .refuse {
                    #expect(test.sink.events(.rateLimitExceeded).isEmpty)
                    #expect(test.sink.requests.allSatisfy { $0.header.reason == "rate_limit_store_away" && $0.header.outcome == .error })
                    let response = try await client.execute(uri: "/a", method: .get)
                    #expect(response.headers[.retryAfter] == "1")
                    #expect(
                        try JSONValue(parsing: Array(buffer: response.body)).object?["type"]?.string?.hasSuffix(
                            "#temporary-reduced-capacity") == true)
                }
                // Back again, and asked again after a while, it decides.
                store.mood = .answers
                store.endSilence()
                test.clock.advance(seconds: 120)
                #expect(try await Self.statuses(client, Array(repeating: ("/a", ""), count: 2)) == [200, 429], "\(absence.name)")
            }
        }
    }

    @Test("a store that answers nonsense is away")
    func nonsense() async throws {
        let test = TestApplication()
        let store = MemoryRateLimitStore(test.clock)
        store.mood = .answersTooLittle
        let shared = SharedRateLimits(store, logger: .silent, clock: test.clock.clock)
        let terms = RateLimitTerms(algorithm: .fixedWindow, limit: 1, window: 1_000_000)
        #expect(await shared.take([RateLimitDemand(policy: "x", subject: [1], terms: terms, cost: 1, isEnforced: true)]) == nil)
    }

    @Test("a silent store is asked by one at a time, after a while")
    func availability() {
        var store = StoreAvailability(coolOff: 1_000, capacity: 3)
        let asked = [store.ask(at: 0), store.ask(at: 0), store.ask(at: 0), store.ask(at: 0)]
        #expect(asked == [true, true, true, false])
        let news = [store.failed(at: 10), store.failed(at: 20)]
        #expect(news == [true, false])
        store.ended()
        store.ended()
        let later = [store.ask(at: 1_019), store.ask(at: 1_020), store.ask(at: 1_020)]
        #expect(later == [false, true, false])
        let back = [store.answered(), store.answered(), store.ask(at: 1_021)]
        #expect(back == [true, false, true])
    }

    @Test("of a thousand at once on one shared limit exactly as many as it allows are let in")
    func crowd() async throws {
        let test = TestApplication()
        let shared = SharedRateLimits(
            MemoryRateLimitStore(test.clock), logger: .quiet, timeout: .seconds(30), capacity: 5_000, clock: test.clock.clock)
        let router = TestApplication.router()
        router.add(middleware: RateLimit(Self.policy("hundred", 100), store: .shared(shared, whenAway: .refuse), clock: test.clock.clock))
        router.get("a") { _, _ in "" }
        try await test.application(router).test(.router) { (client) async throws in
            let allowed = try await withThrowingTaskGroup { group in
                for _ in 0..<1_000 { group.addTask { try await client.execute(uri: "/a", method: .get).status == .ok } }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == 100)
            #expect(test.sink.events(.rateLimitExceeded).count == 900)
        }
    }
}
