import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

@Suite struct HostileLimitTests {
    static let key = HTTPField.Name("X-Api-Key")!

    static let keys: [String] = [
        "", " ", "a", "A", "key", "key ", "\"", "'", "\\", "a\"b", "\";r=9999", "\";q=1;w=1, \"x", "{}", "[]", "null", "true", "0", "-1",
        "NaN", "%00",
        "%0d%0aX: y", "\r\nX-Injected: y", "a\nb", "a\tb", "é", "e\u{301}", "ﬁ", "\u{202e}evil", "\u{feff}", "😀", "😀😀😀", "𝕏", "Ａ", "ß", "İ",
        "\u{200d}",
        "../../etc/passwd", "'; delete from rate_limit; --", "$(reboot)", "`id`", "${jndi:ldap://x}", "<script>alert(1)</script>",
        "a,b", "a;b", "a=b", "Bearer x", "fp_00", "127.0.0.1", "::1", "1e999", "\u{0}", String(repeating: "k", count: 1_000),
        String(repeating: "k", count: 30_000), String(repeating: "é", count: 10_000), String(repeating: ",", count: 5_000),
        String(repeating: "\"", count: 5_000), (0..<200).map { "k\($0)" }.joined(separator: ","), "undefined", "None", "Infinity",
        "00000000",
    ]

    /// Printable ASCII in the shape that a structured field has, and short.
    static func isWellFormed(_ value: String?) -> Bool {
        guard let value, value.utf8.count < 200, value.hasPrefix("\"") else { return false }
        return value.utf8.allSatisfy { (0x20..<0x7f).contains($0) } && value.utf8.count { $0 == UInt8(ascii: "\"") } == 2
    }

    @Test("no key, however made, gets past, crashes, loses an event or shows in one", arguments: Way.allCases)
    func keys(_ way: Way) async throws {
        #expect(Self.keys.count >= 50)
        let test = TestApplication()
        let router = TestApplication.router()
        let clock = test.clock.clock
        router.add(
            middleware: RateLimits(
                blocklist: [.matching("never") { _, _ in false }],
                limits: [
                    RateLimit(.init(name: "key", limit: 1, windowSeconds: 60), key: .apiKey(Self.key), clock: clock),
                    RateLimit(
                        .init(name: "custom", limit: 1_000_000, windowSeconds: 60),
                        key: .custom("k") { request, _ in request.headers[Self.key] },
                        algorithm: .tokenBucket, clock: clock),
                    RateLimit(
                        .init(name: "route", limit: 1_000_000, windowSeconds: 60), key: .client.and(.route), algorithm: .fixedWindow,
                        clock: clock),
                ]))
        router.get("a") { _, _ in "" }
        try await test.application(router).test(way.setup) { (client) async throws in
            for key in Self.keys {
                let before = test.sink.events.count
                var statuses: [Int] = []
                for _ in 0..<2 {
                    let response = try await client.execute(uri: "/a", method: .get, headers: [Self.key: key])
                    statuses.append(response.status.code)
                    #expect(response.headers[values: .rateLimit].allSatisfy(Self.isWellFormed))
                    #expect(response.headers[HTTPField.Name("X-Injected")!] == nil)
                }
                // Some are the same on the way, as with spaces around.
                #expect(statuses == [200, 429] || statuses == [429, 429], "\(key.prefix(40))")
                let events = test.sink.events[before...]
                #expect(events.count { $0.header.type == .httpRequest } == 2)
                #expect(events.count { $0.header.type == .rateLimitExceeded } == statuses.count { $0 == 429 })
                if key.utf8.count > 12, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) {
                    #expect(!test.sink.text.contains(key))
                }
            }
        }
    }

    @Test("no policy, however absurd, breaks a header or a count", arguments: Way.allCases)
    func policies(_ way: Way) async throws {
        let names = ["", "\"", "a\"b", "a\r\nX: y", "é", "😀", "a;q=1", "a, b", "\u{0}", String(repeating: "n", count: 100_000), "Ok-1_2"]
        let numbers = [Int.min, -1, 0, 1, 2, 10_000_000, 10_000_001, Int.max]
        var policies = names.map { RateLimitPolicy(name: $0, limit: 3, windowSeconds: 60) }
        for number in numbers {
            policies.append(RateLimitPolicy(name: "n", limit: number, windowSeconds: 60))
            policies.append(RateLimitPolicy(name: "n", limit: 3, windowSeconds: number))
            policies.append(RateLimitPolicy(name: "n", limit: 3, windowSeconds: 60, capacity: number))
        }
        for policy in policies {
            for algorithm in RateLimitAlgorithmTests.algorithms {
                let test = TestApplication()
                let router = TestApplication.router()
                router.add(middleware: RateLimit(policy, algorithm: algorithm, clock: test.clock.clock))
                router.get("a") { _, _ in "" }
                try await test.application(router).test(.router) { (client) async throws in
                    for _ in 0..<2 {
                        let response = try await client.execute(uri: "/a", method: .get)
                        #expect(response.status == .ok || policy.limit == 1)
                        #expect(Self.isWellFormed(response.headers[.rateLimit]) && Self.isWellFormed(response.headers[.rateLimitPolicy]))
                    }
                    #expect(test.sink.requests.count == 2)
                }
            }
        }
    }

    @Test("no cost, however absurd, is free or breaks a count", arguments: Way.allCases)
    func costs(_ way: Way) async throws {
        for algorithm in RateLimitAlgorithmTests.algorithms {
            let test = TestApplication()
            let router = TestApplication.router()
            router.add(
                middleware: RateLimit(.init(name: "c", limit: 5, windowSeconds: 60), algorithm: algorithm, clock: test.clock.clock) {
                    request, _ in
                    request.headers[Self.key].flatMap { Int($0) } ?? 1
                })
            router.get("a") { _, _ in "" }
            try await test.application(router).test(way.setup) { (client) async throws in
                for (cost, status) in [
                    (Int.min, 200), (-1, 200), (0, 200), (6, 429), (.max, 429), (5, 200), (1, 429), (0, 200), (-7, 200), (1, 429),
                ] {
                    let response = try await client.execute(uri: "/a", method: .get, headers: [Self.key: "\(cost)"])
                    #expect(response.status.code == status, "\(algorithm) \(cost)")
                }
            }
        }
    }

    @Test("a flood of clients takes no more than its places, and whoever was refused stays refused", arguments: Way.allCases)
    func flood(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.add(middleware: RateLimit(.init(name: "f", limit: 2, windowSeconds: 60, capacity: 64), clock: test.clock.clock))
        router.get("a") { _, _ in "" }
        try await test.application(router, trust: .trustedHops(1)).test(way.setup) { (client) async throws in
            func get(_ address: String) async throws -> Int {
                try await client.execute(uri: "/a", method: .get, headers: [.xForwardedFor: address]).status.code
            }
            for expected in [200, 200, 429] { #expect(try await get("203.0.113.1") == expected) }
            for number in 0..<1_000 { #expect(try await get("2001:db8:\(String(number, radix: 16))::1") == 200) }
            #expect(try await get("203.0.113.1") == 429)
            #expect(test.sink.requests.count == 1_004)
        }
    }

    @Test("a hundred stacked limits, as many header fields as are bearable, still one event", arguments: Way.allCases)
    func stacked(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.add(
            middleware: RateLimits(
                limits: (0..<100).map {
                    RateLimit(.init(name: "p\($0)", limit: $0 == 99 ? 1 : 5, windowSeconds: 60), clock: test.clock.clock)
                }))
        router.get("a") { _, _ in "" }
        try await test.application(router).test(way.setup) { (client) async throws in
            #expect(try await client.execute(uri: "/a", method: .get).status == .ok)
            for _ in 0..<10 {
                let response = try await client.execute(uri: "/a", method: .get)
                #expect(response.status == .tooManyRequests)
                // What the last refused the first has not counted.
                #expect(response.headers[values: .rateLimit].count == 100)
            }
            #expect(test.sink.events(.rateLimitExceeded).count == 10)
            #expect(test.sink.requests.count == 11)
        }
    }
}
