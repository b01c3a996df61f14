import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@Suite struct RateLimitTests {
    private static let limit = HTTPField.Name("RateLimit")!
    private static let policy = HTTPField.Name("RateLimit-Policy")!

    @Test("requests beyond the quota are refused, told and recorded", arguments: Way.allCases)
    func quota(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.add(middleware: RateLimit(.init(name: "Burst!", limit: 3, windowSeconds: 60), clock: test.clock.clock))
        router.get("ok") { _, _ in "ok" }
        router.get("broken") { _, _ -> String in throw HTTPError(.conflict) }
        try await test.application(router).test(way.setup) { client in
            for (uri, status, left) in [("/ok", 200, 2), ("/broken", 409, 1), ("/nowhere", 404, 0)] {
                let response = try await client.execute(uri: uri, method: .get)
                #expect(response.status.code == status)
                #expect(response.headers[Self.policy] == "\"burst_\";q=3;w=60")
                #expect(response.headers[Self.limit]?.hasPrefix("\"burst_\";r=\(left);t=") == true)
                #expect(response.headers[.retryAfter] == nil)
            }
            let refused = try await client.execute(uri: "/ok", method: .get)
            #expect(refused.status == .tooManyRequests)
            #expect(refused.headers[.contentType] == "application/problem+json")
            #expect(refused.headers[Self.limit]?.hasPrefix("\"burst_\";r=0;t=") == true)
            let wait = try #require(refused.headers[.retryAfter].flatMap { Int($0) })
            #expect((1...120).contains(wait))
            let document = try JSONValue(parsing: Array(buffer: refused.body)).object
            #expect(document?["type"] == .string("https://iana.org/assignments/http-problem-types#quota-exceeded"))
            #expect(document?["violated-policies"] == .array([.string("burst_")]))

            let event = try #require(test.sink.events(.rateLimitExceeded).first)
            #expect(event.header.outcome == .denied)
            #expect(event.header.reason == "burst_")
            #expect(event.header.route == "/ok")
            #expect(event.header.method == "GET")
            #expect(event.body.details["policy"] == .string("burst_"))
            #expect(test.sink.requests.last?.header.status == 429)
            #expect(test.sink.requests.last?.header.outcome == .denied)

            test.clock.advance(seconds: Double(wait))
            #expect(try await client.execute(uri: "/ok", method: .get).status == .ok)
        }
    }

    @Test("two policies are both told, and each counts for itself", arguments: Way.allCases)
    func two(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.add(middleware: RateLimit(.init(name: "wide", limit: 10, windowSeconds: 60), clock: test.clock.clock))
        router.get("free") { _, _ in "ok" }
        router.group().add(middleware: RateLimit(.init(name: "narrow", limit: 1, windowSeconds: 60), clock: test.clock.clock))
            .get("tight") { _, _ in "ok" }
        try await test.application(router).test(way.setup) { client in
            let first = try await client.execute(uri: "/tight", method: .get)
            #expect(first.headers[values: Self.policy].joined(separator: ", ") == "\"wide\";q=10;w=60, \"narrow\";q=1;w=60")
            #expect(try await client.execute(uri: "/tight", method: .get).status == .tooManyRequests)
            #expect(try await client.execute(uri: "/free", method: .get).status == .ok)
            #expect(test.sink.events(.rateLimitExceeded).map(\.header.reason) == ["narrow"])
        }
    }
}
