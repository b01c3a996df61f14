import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import Testing

@Suite struct HTTPSRedirectTests {
    static func router(
        _ scheme: SchemeTrust, redirect: RedirectStatus = .permanent, port: UInt16? = nil, exempt: [String] = []
    ) -> Router<TestContext> {
        let router = TestApplication.router()
        router.add(middleware: HTTPSRedirect(redirect: redirect, scheme: scheme, port: port, exempt: exempt))
        router.get("/") { _, _ in "OK" }
        router.get("/health") { _, _ in "OK" }
        return router
    }

    @Test("requests without TLS are sent to https, on unknown routes too; usual ports are left out, others kept", arguments: Way.allCases)
    func redirects(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), Self.router(.connection)) { (send) async throws -> Void in
            for (host, location) in [
                ("testserver", "https://testserver/"), ("testserver:80", "https://testserver/"), ("testserver:443", "https://testserver/"),
                ("testserver:123", "https://testserver:123/"), ("[::1]:80", "https://[::1]/"), ("TestServer.:81", "https://testserver:81/"),
            ] {
                let answer = try await send(.get(host: host))
                #expect(answer.status == 308)
                #expect(answer["Location"] == location)
            }
            #expect(try await send(.get("/nowhere?a=b", host: "h"))["Location"] == "https://h/nowhere?a=b")
            #expect(try await send(TestRequest(method: "POST", target: "/", body: "x")).status == 308)
        }
        try await Exchange.run(way, TestApplication(), Self.router(.connection, redirect: .temporary, port: 8443)) {
            (send) async throws -> Void in
            let answer = try await send(.get(host: "testserver:8080"))
            #expect(answer.status == 307)
            #expect(answer["Location"] == "https://testserver:8443/")
        }
    }

    @Test("what came over TLS is served, by the word of the one that is trusted", arguments: Way.allCases)
    func trust(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), Self.router(.tls)) { (send) async throws -> Void in
            #expect(try await send(.get()).status == 200)
        }
        try await Exchange.run(way, TestApplication(), Self.router(.connection)) { (send) async throws -> Void in
            #expect(try await send(.get("/", ("X-Forwarded-Proto", "https"), ("Forwarded", "proto=https"))).status == 308)
        }
        try await Exchange.run(way, TestApplication(), Self.router(.xForwardedProto)) { (send) async throws -> Void in
            for value in ["https", "HTTPS", "http, https", " https "] {
                #expect(try await send(.get("/", ("X-Forwarded-Proto", value))).status == 200, "\(value)")
            }
            for value in ["http", "https, http", "", "httpss", "https;", "\"https\"", ",", "https,"] {
                #expect(try await send(.get("/", ("X-Forwarded-Proto", value))).status == 308, "\(value)")
            }
            #expect(try await send(.get("/", ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http"))).status == 308)
            #expect(try await send(.get("/", ("Forwarded", "proto=https"))).status == 308)
        }
        try await Exchange.run(way, TestApplication(), Self.router(.forwarded)) { (send) async throws -> Void in
            for value in [
                "proto=https", "for=1.2.3.4;proto=https;by=x", "proto=http, for=1;Proto=\"HTTPS\"", "for=\"a,b;proto=http\";proto=https",
            ] {
                #expect(try await send(.get("/", ("Forwarded", value))).status == 200, "\(value)")
            }
            for value in [
                "proto=http", "proto=https, proto=http", "proto=https;proto=https", "for=\"x;proto=https\"", "proto=https, for=x",
                "proto=\"https",
                "", ";", "proto", "proto=", "for=\"\\\";proto=https", String(repeating: "a=b;", count: 1000) + "proto=https",
            ] {
                #expect(try await send(.get("/", ("Forwarded", value))).status == 308, "\(value)")
            }
        }
    }

    @Test("exempt paths are served as they are, compared whole", arguments: Way.allCases)
    func exempt(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), Self.router(.connection, exempt: ["/health"])) { (send) async throws -> Void in
            #expect(try await send(.get("/health?x=1")).status == 200)
            for target in ["/health/", "/healthy", "/", "/Health", "/%68ealth"] { #expect(try await send(.get(target)).status == 308) }
        }
    }

    @Test("nothing in host or target moves the redirect elsewhere", arguments: Way.allCases)
    func hostile(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, Self.router(.connection)) { (send) async throws -> Void in
            for host in TrustedHostTests.hostileHosts {
                let answer = try await send(.get(host: host))
                #expect(answer.status == 400 || answer.status == 308)
                guard let location = answer["Location"] else { continue }
                #expect(location.hasPrefix("https://"))
                #expect(location.utf8.allSatisfy { (0x21...0x7e).contains($0) })
                #expect(!location.contains("@") && !location.contains("\\"))
            }
            for target in ["//evil.com", "/\\evil.com", "/@evil.com", "/é", "/a\tb", "*", "/..//evil.com", "/\"><script>"] {
                let answer = try await send(.get(target, host: "good.example"))
                guard answer.status == 308 else { continue }
                #expect(answer["Location"]?.hasPrefix("https://good.example/") == true, "\(target)")
                #expect(answer["Location"]?.utf8.allSatisfy { (0x21...0x7e).contains($0) } == true)
            }
        }
    }
}
