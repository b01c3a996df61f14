import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@Suite struct BodyLimitTests {
    static func router(_ limit: Int = 1000) -> Router<TestContext> {
        let router = TestApplication.router()
        router.add(middleware: BodyLimit(limit))
        router.post("echo") { request, _ in try await request.body.collect(upTo: 1 << 20) }
        router.post("ignore") { _, _ in "ignored" }
        router.get("ok") { _, _ in "ok" }
        router.group().add(middleware: BodyLimit(10)).post("narrow") { request, _ in try await request.body.collect(upTo: 1 << 20) }
        return router
    }

    @Test("bodies up to the limit come through, stated or counted", arguments: Way.allCases)
    func within(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, Self.router()) { (send) async throws -> Void in
            for count in [0, 1, 999, 1000] {
                let body = String(repeating: "b", count: count)
                #expect(try await send(TestRequest(method: "POST", target: "/echo", body: body)).text == body)
                let chunks = stride(from: 0, to: count, by: 100).map { String(repeating: "b", count: min(100, count - $0)) }
                #expect(try await send(TestRequest(method: "POST", target: "/echo", chunks: chunks)).text == body)
            }
            #expect(try await send(.get("/ok")).status == 200)
            #expect(test.sink.events(.inputValidationFailure).isEmpty)
        }
    }

    @Test("a stated length above the limit is refused before the handler, on unknown routes too", arguments: Way.allCases)
    func stated(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, Self.router()) { (send) async throws -> Void in
            for target in ["/echo", "/ignore", "/nowhere"] {
                let answer = try await send(TestRequest(method: "POST", target: target, body: String(repeating: "b", count: 1001)))
                #expect(answer.status == 413)
                #expect(answer.isProblem)
            }
            let events = test.sink.events(.inputValidationFailure)
            #expect(events.map(\.header.reason) == Array(repeating: "body_too_large", count: 3))
            #expect(events.first?.body.details == ["limit": 1000, "content_length": 1001])
            #expect(test.sink.requests.allSatisfy { $0.header.status == 413 && $0.header.reason == "body_too_large" })
        }
    }

    @Test("a body that grows above the limit is refused where it does, with one event", arguments: Way.allCases)
    func counted(_ way: Way) async throws {
        let test = TestApplication()
        let chunks = Array(repeating: String(repeating: "b", count: 300), count: 4)
        try await Exchange.run(way, test, Self.router()) { (send) async throws -> Void in
            #expect(try await send(TestRequest(method: "POST", target: "/echo", chunks: chunks)).status == 413)
            #expect(try await send(TestRequest(method: "POST", target: "/ignore", chunks: chunks)).text == "ignored")
            #expect(try await send(TestRequest(method: "POST", target: "/narrow", chunks: ["12345678901"])).status == 413)
            #expect(try await send(TestRequest(method: "POST", target: "/narrow", body: "12345678901")).status == 413)
            #expect(test.sink.events(.inputValidationFailure).map(\.header.reason) == Array(repeating: "body_too_large", count: 3))
            #expect(test.sink.requests.count == 4)
        }
    }

    @Test(
        "lengths that are none are refused",
        arguments: [
            "-1", "+1", "1001", "99999999999999999999", "9223372036854775808", "0x10", "1e3", "١", "abc", "1 2", "1,1", "", " ", "\u{0}",
            "5;5",
            "1.0", "00000000001001", "1001 ", "NaN",
        ])
    func hostile(_ length: String) async throws {
        let test = TestApplication()
        try await Exchange.run(.router, test, Self.router()) { (send) async throws -> Void in
            let answer = try await send(TestRequest(method: "POST", target: "/ignore", fields: [("Content-Length", length)]))
            #expect(answer.status == 413)
            #expect(test.sink.events(.inputValidationFailure).count == 1)
        }
    }
}
