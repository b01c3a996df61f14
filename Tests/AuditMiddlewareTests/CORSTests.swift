import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import Testing

/// What Starlette's `CORSMiddleware` does, where it is right.
@Suite struct CORSTests {
    static func router(_ policy: CORSPolicy) -> Router<TestContext> {
        let router = TestApplication.router()
        router.add(middleware: CORS(policy))
        for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete, .options] {
            router.on("/", method: method) { _, _ in "Homepage" }
        }
        router.get("vary") { _, _ in Response(status: .ok, headers: [.vary: "Accept-Encoding"]) }
        router.get("broken") { _, _ -> String in throw HTTPError(.conflict) }
        router.get("own") { _, _ in Response(status: .ok, headers: [.accessControlAllowOrigin: "https://left.over", .vary: "origin"]) }
        return router
    }

    static func preflight(_ origin: String, _ method: String, _ headers: String? = nil, _ more: (String, String)...) -> TestRequest {
        var fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
        if let headers { fields.append(("Access-Control-Request-Headers", headers)) }
        return TestRequest(method: "OPTIONS", fields: fields + more)
    }

    static let preflightVary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

    @Test("with * everybody is let in, without credentials, and every answer says so alike", arguments: Way.allCases)
    func all(_ way: Way) async throws {
        let policy = try CORSPolicy(origins: ["*"], methods: ["*"], headers: ["*"], exposed: ["X-Status"])
        try await Exchange.run(way, TestApplication(), Self.router(policy)) { (send) async throws -> Void in
            let preflight = try await send(Self.preflight("https://example.org", "GET", "X-Example"))
            #expect(preflight.status == 200)
            #expect(preflight.text == "OK")
            #expect(preflight["Access-Control-Allow-Origin"] == "*")
            #expect(preflight["Access-Control-Allow-Headers"] == "X-Example")
            #expect(preflight["Access-Control-Allow-Credentials"] == nil)
            #expect(preflight["Access-Control-Max-Age"] == "600")
            for method in ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] {
                let answer = try await send(Self.preflight("https://example.org", method))
                #expect(answer.status == 200)
                #expect(answer["Access-Control-Allow-Methods"]?.contains(method) == true)
                #expect(try await send(TestRequest(method: method, fields: [("Origin", "https://example.org")])).status == 200)
            }
            for cookie in [[], [("Cookie", "star_cookie=sugar")], [("Authorization", "Some_token")], []] {
                let answer = try await send(TestRequest(fields: [("Origin", "https://example.org")] + cookie))
                #expect(answer.text == "Homepage")
                #expect(answer["Access-Control-Allow-Origin"] == "*")
                #expect(answer["Access-Control-Expose-Headers"] == "X-Status")
                #expect(answer["Access-Control-Allow-Credentials"] == nil)
                #expect(answer["Vary"] == nil)
            }
            #expect(try await send(.get("/vary", ("Origin", "https://someplace.org")))["Vary"] == "Accept-Encoding")
            #expect(try await send(.get())["Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test("one origin is let in, with the headers allowed to it", arguments: Way.allCases)
    func specific(_ way: Way) async throws {
        let policy = try CORSPolicy(origins: ["https://example.org"], headers: ["X-Example", "Content-Type"])
        try await Exchange.run(way, TestApplication(), Self.router(policy)) { (send) async throws -> Void in
            for headers in ["X-Example, Content-Type", "x-example,content-type", "X-EXAMPLE", "", " , X-Example ,"] {
                let preflight = try await send(Self.preflight("https://example.org", "GET", headers))
                #expect(preflight.status == 200)
                #expect(preflight["Access-Control-Allow-Origin"] == "https://example.org")
                #expect(preflight["Access-Control-Allow-Headers"] == "Accept, Accept-Language, Content-Language, Content-Type, X-Example")
                #expect(preflight["Access-Control-Allow-Credentials"] == nil)
                #expect(preflight["Vary"] == Self.preflightVary)
            }
            let answer = try await send(.get("/", ("Origin", "https://example.org")))
            #expect(answer["Access-Control-Allow-Origin"] == "https://example.org")
            #expect(answer["Access-Control-Allow-Credentials"] == nil)
            #expect(answer["Vary"] == "Origin")
            #expect(try await send(.get("/vary", ("Origin", "https://example.org")))["Vary"] == "Accept-Encoding, Origin")
            // The answer would have been another with an Origin: a cache must know.
            let plain = try await send(.get())
            #expect(plain["Access-Control-Allow-Origin"] == nil)
            #expect(plain["Vary"] == "Origin")
        }
    }

    @Test("errors and unknown routes can be read by the page too, and a route's own field is not doubled", arguments: Way.allCases)
    func errors(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), Self.router(try CORSPolicy(origins: ["https://example.org"], credentials: true))) {
            (send) async throws -> Void in
            for (target, status) in [("/broken", 409), ("/nowhere", 404), ("/own", 200)] {
                let answer = try await send(.get(target, ("Origin", "https://example.org")))
                #expect(answer.status == status)
                #expect(answer.count("Access-Control-Allow-Origin") == 1)
                #expect(answer["Access-Control-Allow-Origin"] == "https://example.org")
                #expect(answer["Access-Control-Allow-Credentials"] == "true")
                #expect(answer.count("Vary") == 1)
                #expect(answer["Vary"]?.lowercased() == "origin")
            }
        }
    }

    @Test("a refused preflight is 400, names what is wrong, tells nothing of the policy, and leaves one event", arguments: Way.allCases)
    func disallowed(_ way: Way) async throws {
        let test = TestApplication()
        let policy = try CORSPolicy(origins: ["https://example.org"], headers: ["X-Example"], credentials: true)
        let cases: [(TestRequest, String, String)] = [
            (Self.preflight("https://another.org", "POST", "X-Nope"), "Disallowed CORS origin, method, headers", "origin_not_allowed"),
            (Self.preflight("https://example.org", "GET", "X-Nope-1, X-Nope-2"), "Disallowed CORS headers", "headers_not_allowed"),
            (Self.preflight("https://example.org", "POST"), "Disallowed CORS method", "method_not_allowed"),
            (Self.preflight("https://example.org", "get"), "Disallowed CORS method", "method_not_allowed"),
            (Self.preflight("null", "GET"), "Disallowed CORS origin", "origin_not_allowed"),
            (
                Self.preflight("https://example.org", "GET", nil, ("Access-Control-Request-Private-Network", "true")),
                "Disallowed CORS private network", "private_network_not_allowed"
            ),
        ]
        try await Exchange.run(way, test, Self.router(policy)) { (send) async throws -> Void in
            for (request, text, _) in cases {
                let answer = try await send(request)
                #expect(answer.status == 400)
                #expect(answer.isProblem)
                #expect(answer.text.contains("\"\(text)\""))
                #expect(!answer.headers.contains { $0.name.canonicalName.hasPrefix("access-control-") })
                #expect(answer["Vary"]?.hasPrefix(Self.preflightVary) == true)
            }
            let events = test.sink.events(.maliciousCORS)
            #expect(events.map(\.header.reason) == cases.map(\.2))
            #expect(events.first?.body.details["origin"] == "https://another.org")
            #expect(!test.sink.text.contains("X-Nope"))
        }
    }

    @Test("only an OPTIONS with Access-Control-Request-Method and Origin is a preflight", arguments: Way.allCases)
    func truePreflights(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, Self.router(try CORSPolicy(origins: ["https://example.org"]))) { (send) async throws -> Void in
            let plain = try await send(TestRequest(method: "OPTIONS", fields: [("Origin", "https://example.org")]))
            #expect(plain.text == "Homepage")
            #expect(plain["Access-Control-Allow-Origin"] == "https://example.org")
            #expect(plain["Access-Control-Allow-Methods"] == nil)
            #expect(try await send(TestRequest(method: "OPTIONS", fields: [("Access-Control-Request-Method", "GET")])).text == "Homepage")
            #expect(
                try await send(
                    TestRequest(method: "GET", fields: [("Origin", "https://example.org"), ("Access-Control-Request-Method", "GET")])
                ).text == "Homepage")
            #expect(try await send(Self.preflight("https://example.org", "GET")).text == "OK")
            var unknown = Self.preflight("https://example.org", "GET")
            unknown.target = "/nowhere"
            #expect(try await send(unknown).status == 200)
            #expect(test.sink.events(.maliciousCORS).isEmpty)
        }
    }

    @Test("patterns cover subdomains and ports, whole, and requests of others are served without a word", arguments: Way.allCases)
    func patterns(_ way: Way) async throws {
        let test = TestApplication()
        let policy = try CORSPolicy(
            origins: ["https://*.example.org", "http://localhost:*", "https://[::1]:8443", "capacitor://localhost"], credentials: true)
        try await Exchange.run(way, test, Self.router(policy)) { (send) async throws -> Void in
            for origin in [
                "https://subdomain.example.org", "https://a.b.example.org", "http://localhost", "http://localhost:3000",
                "https://[::1]:8443",
                "capacitor://localhost",
            ] {
                #expect(try await send(.get("/", ("Origin", origin)))["Access-Control-Allow-Origin"] == origin)
                #expect(try await send(Self.preflight(origin, "GET"))["Access-Control-Allow-Origin"] == origin)
            }
            for origin in [
                "https://subdomain.example.org.hacker.com", "https://example.org", "http://a.example.org", "https://a.example.org:8443",
                "https://evilexample.org", "https://.example.org", "http://localhost.evil", "http://localhost:3000.evil",
                "https://localhost:3000",
            ] {
                let answer = try await send(.get("/", ("Origin", origin)))
                #expect(answer.status == 200)
                #expect(answer["Access-Control-Allow-Origin"] == nil, "\(origin)")
                #expect(answer["Access-Control-Allow-Credentials"] == nil)
                #expect(answer["Vary"] == "Origin")
            }
            #expect(test.sink.events(.maliciousCORS).isEmpty)
        }
    }

    @Test("private networks are opened only where the policy says so", arguments: Way.allCases)
    func privateNetwork(_ way: Way) async throws {
        let policy = try CORSPolicy(origins: ["https://example.org"], maxAgeSeconds: nil, privateNetwork: true)
        try await Exchange.run(way, TestApplication(), Self.router(policy)) { (send) async throws -> Void in
            let asked = try await send(
                Self.preflight("https://example.org", "GET", nil, ("Access-Control-Request-Private-Network", "true")))
            #expect(asked["Access-Control-Allow-Private-Network"] == "true")
            #expect(asked["Access-Control-Max-Age"] == nil)
            #expect(asked["Vary"] == Self.preflightVary + ", Access-Control-Request-Private-Network")
            #expect(try await send(Self.preflight("https://example.org", "GET"))["Access-Control-Allow-Private-Network"] == nil)
        }
    }

    static let hostileOrigins = [
        "", " ", "null", "NULL", "*", "https://*", "https://", "https:", "://", "//example.org", "example.org", "https://example.org/",
        "https://example.org/path", "https://example.org?", "https://example.org#", "https://example.org:", "https://example.org:443",
        "https://example.org:0443", "https://example.org:00", "https://example.org:65536", "https://example.org:-1",
        "https://example.org:8443:1",
        "https://Example.org", "HTTPS://example.org", "https://EXAMPLE.ORG", "http://example.org", "wss://example.org",
        "file://example.org",
        "https://user@example.org", "https://example.org@evil.com", "https://example.org.evil.com", "https://evil.com/https://example.org",
        "https://evil.com#https://example.org", "https://example.org https://evil.com", "https://example.org, https://evil.com",
        "https://example.org,https://example.org", "https://example.org;", "https://example.org\\", "https:\\\\example.org",
        "https:/example.org",
        "https:///example.org", "https://example.org..", "https://.example.org", "https://example..org", "https://-example.org",
        "https://exämple.org",
        "https://ехаmple.org", "https://example。org", "https://e\u{0301}xample.org", "http\u{017f}://example.org",
        "https://example.org\u{200b}",
        "https://example%2eorg", "https://[::1]", "https://[::1", "https://[v1.x]", "https://%65xample.org", "https://example.org%00",
        "javascript:alert(1)", "data:text/html,x", "<script>alert(1)</script>", "' OR 1=1 --", "${jndi:ldap://x}",
        "https://\u{212a}.example.org",
        "https://" + String(repeating: "a", count: 60_000), "https://" + String(repeating: "a.", count: 150) + "example.org",
        "1https://example.org", "+://example.org", "https://example.org:８４", "https://169.254.169.254",
    ]

    @Test("hostile origins are never reflected; each refused preflight leaves one event", arguments: Way.allCases, hostileOrigins)
    func hostile(_ way: Way, _ origin: String) async throws {
        let test = TestApplication()
        let policy = try CORSPolicy(origins: ["https://example.org", "https://*.k.example.org"], headers: ["X-A"])
        try await Exchange.run(way, test, Self.router(policy)) { (send) async throws -> Void in
            let answer = try await send(.get("/", ("Origin", origin)))
            #expect(answer.status == 200)
            #expect(answer["Access-Control-Allow-Origin"] == nil)
            #expect(answer["Vary"] == "Origin")
            let preflight = try await send(Self.preflight(origin, "GET"))
            #expect(preflight.status == 400)
            #expect(!preflight.headers.contains { $0.name.canonicalName.hasPrefix("access-control-") })
            #expect(origin.utf8.count < 9 || !preflight.text.contains(origin))
            #expect(test.sink.events.count == 3)
            #expect(test.sink.events(.maliciousCORS).count == 1)
            #expect(test.sink.text.utf8.count < 8_000)
        }
    }

    @Test("hostile methods and header lists are refused, and what * mirrors are tokens", arguments: Way.allCases)
    func hostileLists(_ way: Way) async throws {
        let test = TestApplication()
        let lists = [
            "X-A, X B", "X-A, \"X-B\"", "X-A; X-B", "X-A:1", "é", String(repeating: "X-A,", count: 300),
            String(repeating: "a", count: 5_000), (0..<200).map { "X-\($0)" }.joined(separator: ","), "X-A, X-A/", "(X-A)", "X-A\u{0301}",
        ]
        try await Exchange.run(way, test, Self.router(try CORSPolicy(origins: ["*"], headers: ["*"]))) { (send) async throws -> Void in
            for list in lists {
                let answer = try await send(Self.preflight("https://example.org", "GET", list))
                #expect(answer.status == 400, "\(list)")
                #expect(answer["Access-Control-Allow-Headers"] == nil)
            }
            for method in [
                "", "GE", "GET ", "GET, POST", "*", "get", "Get", "TRACE", "CONNECT", "G\u{0301}ET", String(repeating: "G", count: 9_000),
            ] {
                let answer = try await send(Self.preflight("https://example.org", method))
                #expect(answer.status == (method == "GET " ? 200 : 400), "\(method)")
            }
            var twice = Self.preflight("https://example.org", "GET")
            twice.fields.append(("Origin", "https://example.org"))
            #expect(try await send(twice).status == 400)
            #expect(try await send(.get("/", ("Origin", "a"), ("Origin", "b")))["Access-Control-Allow-Origin"] == nil)
            #expect(test.sink.text.utf8.count < 200_000)
        }
    }
}

@Suite struct CORSPolicyTests {
    @Test("a policy that is useless or too open cannot be made, and the error says why")
    func configuration() throws {
        func check(_ expected: String?, _ value: String = "", _ make: () throws -> CORSPolicy) {
            var code: String?
            do { _ = try make() } catch { code = (error as? HardeningError)?.code.rawValue }
            #expect(code == expected, "\(value)")
        }
        check("no_origin") { try CORSPolicy(origins: []) }
        check("wildcard_too_open") { try CORSPolicy(origins: ["*"], credentials: true) }
        check("wildcard_too_open") { try CORSPolicy(origins: ["*"], privateNetwork: true) }
        check("values_beside_wildcard") { try CORSPolicy(origins: ["*", "https://a.b"]) }
        check("wildcard_too_open") { try CORSPolicy(origins: ["https://a.b"], headers: ["*"], credentials: true) }
        check("wildcard_too_open") { try CORSPolicy(origins: ["https://a.b"], exposed: ["*"], credentials: true) }
        check("values_beside_wildcard") { try CORSPolicy(origins: ["https://a.b"], methods: ["*", "GET"]) }
        check("insecure_origin") { try CORSPolicy(origins: ["http://a.b"], credentials: true) }
        check("insecure_origin") { try CORSPolicy(origins: ["http://127.evil.com"], credentials: true) }
        check("insecure_origin") { try CORSPolicy(origins: ["http://a.b"], privateNetwork: true) }
        check(nil) { try CORSPolicy(origins: ["http://a.b"], credentials: true, toleratesInsecureOrigins: true) }
        for origin in ["http://localhost", "http://127.0.0.1:8080", "http://[::1]", "http://app.localhost:3000"] {
            check(nil) { try CORSPolicy(origins: [origin], credentials: true) }
        }
        for origin in CORSTests.hostileOrigins + [
            "https://*.com", "https://*.*.com", "https://a.*.com", "https://*a.com", "https://*:*", "https://*.1.2.3.4",
            "https://*.[::1]", "https://a.b:80:*", "https://a.b:8080:*", "null", "https://*.localhost",
        ]
        where !["*", "http://example.org", "wss://example.org", "file://example.org", "https://[::1]", "https://169.254.169.254"].contains(
            origin)
            && !origin.hasPrefix("https://example.org.evil")
        {
            check("invalid_origin", origin) { try CORSPolicy(origins: [origin]) }
        }
        for method in ["", "GE T", "TRACE", "connect", "TRACK", "G\u{0301}ET", "*x"] {
            let expected = method == "*x" ? nil : "invalid_method"
            check(expected) { try CORSPolicy(origins: ["*"], methods: [method]) }
        }
        for header in ["", "X A", "é", "Cookie", "Host", "Sec-Fetch-Mode", "Proxy-X", "Access-Control-Allow-Origin", "X:A"] {
            check("invalid_header", header) { try CORSPolicy(origins: ["*"], headers: [header]) }
        }
        for header in ["", "X A", "Set-Cookie"] { check("invalid_header") { try CORSPolicy(origins: ["*"], exposed: [header]) } }
        for age in [-1, 86_401] { check("out_of_range") { try CORSPolicy(origins: ["*"], maxAgeSeconds: age) } }
    }
}
