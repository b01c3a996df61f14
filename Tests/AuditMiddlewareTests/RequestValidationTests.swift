import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import Testing

@Suite struct RequestValidationTests {
    static func router(_ limits: RequestValidation<TestContext>.Limits = .init()) -> Router<TestContext> {
        let router = TestApplication.router()
        router.add(middleware: RequestValidation(limits))
        router.get("/") { _, _ in "ok" }
        router.get("**") { _, _ in "ok" }
        router.post("/") { _, _ in "ok" }
        router.post("**") { _, _ in "ok" }
        router.on("**", method: .options) { _, _ in "ok" }
        return router
    }

    @Test(
        "what honest clients send comes through", arguments: Way.allCases,
        [
            "/", "/books", "/books/", "/books/7?page=2&q=a%20b", "/caf%C3%A9", "/%E2%82%AC/%F0%9F%98%80", "/a.b/..c/...", "/.well-known/x",
            "/a:b@c!$&'()*+,=~|[]",
            "/100%25", "/a%20b", "/%7Euser", "/?", "/?a=%2F%00%2e%2e;x", "/?method=x&amethod=1&_methods=2&x_method=3&a=_method", "/%3B",
            "/a?b?c", "/?%",
            "/%25zz", "/a%3Fb",
        ])
    func good(_ way: Way, _ target: String) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, Self.router()) { (send) async throws -> Void in
            #expect(try await send(.get(target)).status == 200)
            #expect(test.sink.events.count == 1)
        }
    }

    static let tricks: [(String, String)] = [
        ("//", "path_empty_segment"), ("//evil.com", "path_empty_segment"), ("/a//b", "path_empty_segment"), ("///", "path_empty_segment"),
        ("/.", "path_dot_segment"), ("/..", "path_dot_segment"), ("/a/../b", "path_dot_segment"), ("/a/./b", "path_dot_segment"),
        ("/../../etc/passwd", "path_dot_segment"), ("/%2e", "path_dot_segment"), ("/%2e%2e/x", "path_dot_segment"),
        ("/.%2E/x", "path_dot_segment"),
        ("/%2E./x", "path_dot_segment"), ("/a/..?x", "path_dot_segment"), ("/a%2fb", "path_encoded_slash"),
        ("/a%2Fb", "path_encoded_slash"),
        ("/..%2f..%2fetc", "path_encoded_slash"), ("/%00", "path_encoded_nul"), ("/a.png%00.php", "path_encoded_nul"),
        ("/a\\b", "path_backslash"),
        ("/..\\..\\x", "path_backslash"), ("/a%5cb", "path_backslash"), ("/a%5Cb", "path_backslash"), ("/a;b", "path_parameter"),
        ("/a;jsessionid=1", "path_parameter"), ("/admin/..;/x", "path_parameter"), ("/%", "path_bad_escape"), ("/%2", "path_bad_escape"),
        ("/%zz", "path_bad_escape"), ("/%2x", "path_bad_escape"), ("/%u002e", "path_bad_escape"), ("/%%32e", "path_bad_escape"),
        ("/%?a", "path_bad_escape"),
        ("/%c0%af", "path_bad_utf8"), ("/%c0%ae%c0%ae", "path_bad_utf8"), ("/%c1%9c", "path_bad_utf8"), ("/%e0%80%af", "path_bad_utf8"),
        ("/%f0%80%80%af", "path_bad_utf8"), ("/%ff", "path_bad_utf8"), ("/%80", "path_bad_utf8"), ("/%c3", "path_bad_utf8"),
        ("/%c3/a", "path_bad_utf8"),
        ("/%c3a", "path_bad_utf8"), ("/%e2%82", "path_bad_utf8"), ("/%ed%a0%80", "path_bad_utf8"), ("/%f4%90%80%80", "path_bad_utf8"),
        ("/%f8%88%80%80%80", "path_bad_utf8"), ("/%e2%28%a1", "path_bad_utf8"), ("/%252e%252e/", "path_double_encoding"),
        ("/a%252fb", "path_double_encoding"), ("/%2500", "path_double_encoding"), ("/%25252e", "path_double_encoding"),
        ("/%255c", "path_double_encoding"),
        ("/%0d%0aSet-Cookie:x", "target_control"), ("/a%0a", "target_control"), ("/a%7f", "target_control"), ("/a%1b", "target_control"),
        ("/a%09", "target_control"), ("/a\"b", "path_illegal_character"), ("/<script>", "path_illegal_character"),
        ("/{{7*7}}", "path_illegal_character"),
        ("/`id`", "path_illegal_character"), ("/a^b", "path_illegal_character"), ("/é", "target_not_ascii"), ("/?é", "target_not_ascii"),
        ("/\u{202e}x", "target_not_ascii"), ("/a#b", "target_fragment"), ("/?a#b", "target_fragment"),
        ("/?_method=DELETE", "method_override"),
        ("/?a=1&_method=PUT", "method_override"), ("/?_method", "method_override"), ("/?_METHOD=x", "method_override"),
        ("/?%5fmethod=DELETE", "method_override"), ("/?_%6dethod=DELETE", "method_override"),
        ("/" + String(repeating: "a", count: 8192), "target_too_long"), ("/?" + String(repeating: "a", count: 60_000), "target_too_long"),
        ("*", "target_not_absolute"),
    ]

    @Test("every trick in a target is refused with one event that names it", arguments: Way.allCases, tricks)
    func trick(_ way: Way, _ trick: (String, String)) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, Self.router()) { (send) async throws -> Void in
            let answer = try await send(.get(trick.0))
            #expect(answer.status == (trick.1 == "target_too_long" ? 414 : 400))
            await test.sink.wait { $0.contains { $0.header.type == .httpRequest } }
            #expect(test.sink.requests.count == 1)
            if test.sink.requests[0].header.reason == "malformed_request" {
                // The parser was there first.
                #expect(way == .live && test.sink.events.count == 1)
            } else {
                #expect(answer.isProblem)
                #expect(test.sink.requests[0].header.reason == trick.1)
                #expect(test.sink.events.count == 2)
                #expect(test.sink.events[0].header.reason == trick.1)
                #expect(test.sink.events[0].header.type == (trick.1 == "method_override" ? .maliciousExtraneous : .inputValidationFailure))
            }
            #expect(test.sink.text.utf8.count < 12_000)
        }
    }

    static let fields: [([(String, String)], Int, String)] = [
        ((0..<101).map { ("X-\($0)", "a") }, 431, "too_many_fields"), ((0..<500).map { _ in ("X", "") }, 431, "too_many_fields"),
        ([("X-Big", String(repeating: "b", count: 33_000))], 431, "fields_too_large"),
        ((0..<90).map { ("X-\($0)", String(repeating: "b", count: 400)) }, 431, "fields_too_large"),
        ((0..<200).map { _ in ("Cookie", "a=b") }, 431, "too_many_fields"),
        ([("X-HTTP-Method-Override", "DELETE")], 400, "method_override"), ([("x-http-method-override", "")], 400, "method_override"),
        ([("X-HTTP-Method", "PUT")], 400, "method_override"), ([("X-Method-Override", "PATCH")], 400, "method_override"),
        ([("Content-Type", "a/b"), ("Content-Type", "c/d")], 400, "repeated_field"),
        ([("Content-Type", "a/b"), ("content-type", "a/b")], 400, "repeated_field"),
    ]

    @Test("header floods and contradictions are refused with one event", arguments: Way.allCases, fields)
    func contradictions(_ way: Way, _ given: ([(String, String)], Int, String)) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, Self.router()) { (send) async throws -> Void in
            let answer = try await send(TestRequest(fields: given.0))
            #expect(answer.status == given.1)
            #expect(test.sink.events.map(\.header.reason) == [given.2, given.2])
            #expect(test.sink.text.utf8.count < 4_000)
        }
    }

    @Test(
        "lengths that contradict each other are refused, whoever sees them first", arguments: Way.allCases,
        [
            [("Content-Length", "5"), ("Content-Length", "6")], [("Content-Length", "5"), ("Content-Length", "5")],
            [("Content-Length", "0"), ("Transfer-Encoding", "chunked")], [("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
            [("Transfer-Encoding", "gzip")], [("Transfer-Encoding", "gzip, chunked")], [("Transfer-Encoding", "chunked, identity")],
            [("Transfer-Encoding", "identity")], [("Transfer-Encoding", "xchunked")],
            [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "x")],
            [("Transfer-Encoding", "\"chunked\"")], [("Content-Length", "-1")], [("Content-Length", "+5")], [("Content-Length", "5, 5")],
            [("Content-Length", "0x5")], [("Content-Length", "99999999999999999999999")], [("Content-Length", "")],
        ] as [[(String, String)]])
    func smuggling(_ way: Way, _ given: [(String, String)]) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, Self.router()) { (send) async throws -> Void in
            let answer = try await send(TestRequest(method: "POST", fields: given))
            #expect(answer.status == 400)
            await test.sink.wait { $0.contains { $0.header.type == .httpRequest } }
            #expect(test.sink.requests.count == 1)
            let reason = try #require(test.sink.requests[0].header.reason)
            #expect(
                ["conflicting_length", "unsupported_transfer_encoding"].contains(reason) || (way == .live && reason == "malformed_request"))
        }
    }

    @Test("what the limits allow comes through", arguments: Way.allCases)
    func limits(_ way: Way) async throws {
        var limits = RequestValidation<TestContext>.Limits()
        limits.allowsPathParameters = true
        limits.headerFields = 4
        limits.targetBytes = 10
        try await Exchange.run(way, TestApplication(), Self.router(limits)) { (send) async throws -> Void in
            #expect(try await send(.get("/a;b=c")).status == 200)
            #expect(try await send(.get("/a;b=c;/..x")).status == 414)
            #expect(try await send(.get("/..;/x")).status == 200)
            #expect(try await send(TestRequest(method: "OPTIONS", target: "*")).status != 400)
            #expect(try await send(TestRequest(fields: [("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"), ("E", "5")])).status == 431)
        }
    }
}
