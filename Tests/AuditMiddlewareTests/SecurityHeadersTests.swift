import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import Testing

@Suite struct SecurityHeadersTests {
    static let names = [
        "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options", "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy", "Permissions-Policy", "Origin-Agent-Cluster", "X-XSS-Protection", "X-DNS-Prefetch-Control",
        "X-Download-Options", "X-Permitted-Cross-Domain-Policies",
    ]

    static func routes(_ router: Router<TestContext>) {
        router.get("ok") { _, _ in "ok" }
        router.get("broken") { _, _ -> String in throw HTTPError(.conflict) }
        router.get("page") { _, _ in
            Response(status: .ok, headers: [.contentSecurityPolicy: "default-src 'self'", .cacheControl: "max-age=60"])
        }
    }

    @Test(
        "every response has each header once, errors and unknown routes too, and a handler's own stays", arguments: Way.allCases,
        [true, false])
    func everywhere(_ way: Way, _ around: Bool) async throws {
        let router = TestApplication.router()
        var options = SecurityHeaderOptions()
        options.cacheControl = "no-store"
        let headers = try SecurityHeaders<TestContext>(options)
        if !around { router.add(middleware: headers) }
        Self.routes(router)
        @Sendable func check(_ send: Exchange) async throws {
            for (target, status) in [("/ok", 200), ("/broken", 409), ("/nowhere", 404), ("/page", 200)] {
                let answer = try await send(.get(target))
                #expect(answer.status == status)
                for name in Self.names + ["Cache-Control"] { #expect(answer.count(name) == 1, "\(name) of \(target)") }
                #expect(answer["Strict-Transport-Security"] == nil)
                #expect(answer["X-Content-Type-Options"] == "nosniff")
                #expect(answer["X-XSS-Protection"] == "0")
                #expect(
                    answer["Content-Security-Policy"]?.hasPrefix(target == "/page" ? "default-src 'self'" : "default-src 'none'") == true)
                #expect(answer["Cache-Control"] == (target == "/page" ? "max-age=60" : "no-store"))
            }
        }
        if around {
            try await Exchange.run(way, TestApplication(), router, around: { headers.around($0) }, check)
        } else {
            try await Exchange.run(way, TestApplication(), router, check)
        }
    }

    @Test("around the recorder its own refusals have them", arguments: Way.allCases)
    func refusals(_ way: Way) async throws {
        let test = TestApplication()
        test.sink.refusesAdmission = true
        let router = TestApplication.router()
        Self.routes(router)
        let body: @Sendable (Exchange) async throws -> Void = { send in
            let answer = try await send(.get("/ok"))
            #expect(answer.status == 503)
            for name in Self.names { #expect(answer.count(name) == 1) }
        }
        try await Exchange.run(way, test, router, around: { try SecurityHeaders().around($0) }, body)
    }

    @Test("transport security is told over TLS alone", arguments: Way.allCases)
    func transport(_ way: Way) async throws {
        for (scheme, field, expected) in [
            (SchemeTrust.connection, ("X-Forwarded-Proto", "https"), false), (.tls, ("X-A", "b"), true),
            (.xForwardedProto, ("X-Forwarded-Proto", "https"), true), (.xForwardedProto, ("X-Forwarded-Proto", "http"), false),
            (.forwarded, ("Forwarded", "proto=https"), true),
        ] {
            var options = SecurityHeaderOptions()
            options.scheme = scheme
            options.transportSecurity = .init(preload: true)
            let router = TestApplication.router()
            router.add(middleware: try SecurityHeaders(options))
            Self.routes(router)
            try await Exchange.run(way, TestApplication(), router) { (send) async throws -> Void in
                let answer = try await send(.get("/ok", field))
                #expect(answer["Strict-Transport-Security"] == (expected ? "max-age=31536000; includeSubDomains; preload" : nil))
            }
        }
    }

    @Test("what is left out is left out", arguments: Way.allCases)
    func absent(_ way: Way) async throws {
        var options = SecurityHeaderOptions()
        options.contentSecurityPolicy = nil
        options.transportSecurity = nil
        options.scheme = .tls
        let router = TestApplication.router()
        router.add(middleware: try SecurityHeaders(options))
        Self.routes(router)
        try await Exchange.run(way, TestApplication(), router) { (send) async throws -> Void in
            let answer = try await send(.get("/ok"))
            #expect(answer["Content-Security-Policy"] == nil)
            #expect(answer["Strict-Transport-Security"] == nil)
            #expect(answer["Referrer-Policy"] == "no-referrer")
        }
    }

    @Test("values that no field can have, and weak preloading, are refused at once")
    func configuration() {
        for value in ["a\r\nSet-Cookie: x=1", "\u{0}", "é", "", "a\nb", "\u{7f}"] {
            var options = SecurityHeaderOptions()
            options.referrerPolicy = value
            #expect(throws: HardeningError.self) { try SecurityHeaders<TestContext>(options) }
        }
        for transport in [
            SecurityHeaderOptions.TransportSecurity(maxAgeSeconds: -1), .init(maxAgeSeconds: 300, preload: true),
            .init(includesSubdomains: false, preload: true),
        ] {
            var options = SecurityHeaderOptions()
            options.transportSecurity = transport
            #expect(throws: HardeningError.self) { try SecurityHeaders<TestContext>(options) }
        }
    }
}
