import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import Testing

@Suite struct TrustedHostTests {
    static func router(
        _ hosts: [String], wwwRedirect: Bool = true, redirect: RedirectStatus = .permanent, scheme: SchemeTrust = .connection
    ) throws -> Router<TestContext> {
        let router = TestApplication.router()
        router.add(middleware: try TrustedHosts(hosts, wwwRedirect: wwwRedirect, redirect: redirect, scheme: scheme))
        router.get("/") { _, _ in "OK" }
        return router
    }

    @Test("a trusted host is served and any other is refused, on unknown routes too, with one event", arguments: Way.allCases)
    func basic(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, try Self.router(["testserver"])) { (send) async throws -> Void in
            #expect(try await send(.get()).status == 200)
            #expect(try await send(.get("/nowhere")).status == 404)
            #expect(test.sink.events.count == 2)
            for target in ["/", "/nowhere"] {
                let refused = try await send(.get(target, host: "invalidhost"))
                #expect(refused.status == 400)
                #expect(refused.isProblem)
                #expect(refused.text.contains("Invalid host header"))
            }
            let events = test.sink.events(.inputValidationFailure)
            #expect(events.map(\.header.reason) == ["untrusted_host", "untrusted_host"])
            #expect(events.allSatisfy { $0.header.outcome == .denied })
            #expect(test.sink.requests.suffix(2).map(\.header.reason) == ["untrusted_host", "untrusted_host"])
            #expect(!test.sink.text.contains("invalidhost"))
        }
    }

    @Test("case, port and the root's dot make no difference; a wildcard covers subdomains alone", arguments: Way.allCases)
    func forms(_ way: Way) async throws {
        let hosts = ["Example.org", "*.example.com", "[::1]", "192.0.2.7", "my_service", "xn--bcher-kva.example"]
        try await Exchange.run(way, TestApplication(), try Self.router(hosts)) { (send) async throws -> Void in
            for host in [
                "example.org", "EXAMPLE.ORG", "example.org.", "example.org:8080", "example.org:", "example.org.:443", "a.example.com",
                "a.b.example.com", "A.Example.Com:1", "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "192.0.2.7", "192.0.2.7:65535",
                "my_service:3000",
                "xn--bcher-kva.example",
            ] {
                #expect(try await send(.get(host: host)).status == 200, "\(host)")
            }
            for host in [
                "example.com", "evilexample.com", "aexample.com", "example.org.evil.com", "example.orge", "xample.org", "www.example.org",
                "[::2]",
                "192.0.2.77", "::1", "a.example.com.evil",
            ] {
                #expect(try await send(.get(host: host)).status == 400, "\(host)")
            }
        }
    }

    @Test("with * every well-formed host is served", arguments: Way.allCases)
    func any(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), try Self.router(["*"])) { (send) async throws -> Void in
            for host in ["anything", "1.2.3.4:5", "[2001:db8::1]:80"] { #expect(try await send(.get(host: host)).status == 200) }
            for host in ["a b", "a/b", "a@b", ""] { #expect(try await send(.get(host: host)).status == 400) }
            #expect(try await send(.get(host: nil)).status == 400)
        }
    }

    @Test("a name is sent to its www. where that alone is trusted", arguments: Way.allCases)
    func www(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, try Self.router(["www.example.com"])) { (send) async throws -> Void in
            let answer = try await send(.get("/a%20b?x=1", host: "Example.com:8080"))
            #expect(answer.status == 308)
            #expect(answer["Location"] == "http://www.example.com:8080/a%20b?x=1")
            #expect(try await send(.get("//evil.com/", host: "example.com"))["Location"] == "http://www.example.com//evil.com/")
            #expect(test.sink.events(.inputValidationFailure).isEmpty)
        }
        try await Exchange.run(way, test, try Self.router(["www.example.com"], redirect: .temporary, scheme: .tls)) {
            (send) async throws -> Void in
            let answer = try await send(.get(host: "example.com"))
            #expect(answer.status == 307)
            #expect(answer["Location"] == "https://www.example.com/")
        }
        try await Exchange.run(way, test, try Self.router(["www.example.com"], wwwRedirect: false)) { (send) async throws -> Void in
            #expect(try await send(.get(host: "example.com")).status == 400)
        }
    }

    @Test("two hosts are one too many", arguments: Way.allCases)
    func repeated(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, try Self.router(["testserver"])) { (send) async throws -> Void in
            for other in ["testserver", "evil", ""] {
                #expect(try await send(.get("/", host: "testserver", ("Host", other))).status == 400)
                #expect(try await send(.get("/", host: "testserver", ("hOST", other))).status == 400)
            }
            #expect(Set(test.sink.events(.inputValidationFailure).map(\.header.reason)) == ["repeated_host"])
            #expect(test.sink.events(.inputValidationFailure).count == 6)
        }
    }

    static let hostileHosts = [
        "", " ", ".", "..", "a..b", ".example.com", "-example.com", "example-.com", "example.com..", "exam ple.com", "example.com/",
        "example.com/path",
        "user@example.com", "user:pw@example.com", "example.com@evil.com", "example.com#", "example.com?x", "example.com\\",
        "example.com,evil.com",
        "example.com;", "example.com:", "example.com:80:80", "example.com:-1", "example.com:65536", "example.com:99999",
        "example.com:999999999999",
        "example.com:8o", "example.com:+80", "example.com: 80", "example.com:０", "%65xample.com", "example%2ecom", "example.com%00",
        "exämple.com", "еxample.com", "example。com", "ｅxample.com", "xn--.com-", "\u{202e}moc.elpmaxe", "example\u{00ad}.com",
        "K.example.com",
        "[", "]", "[]", "[::1", "::1]", "[::1]x", "[::1]:", "[::1]:x", "[::1%25eth0]", "[::1%eth0]", "[v1.a]", "[1.2.3.4]", "[:::]",
        "[g::1]",
        "[::1]evil.com", "[::ffff:1.2.3.4.5]", "*", "*.example.com", "*.*", "$(id)", "'; DROP TABLE hosts", "<script>", "{{7*7}}",
        "example.com\u{0}",
        String(repeating: "a", count: 64) + ".com", String(repeating: "a.", count: 127) + "ab", String(repeating: "a", count: 60_000),
        String(repeating: "example.com", count: 50), "localhost", "127.0.0.1", "0x7f.1", "169.254.169.254", "evil.com:example.com",
    ]

    @Test("hostile hosts are refused with one event and no trace of themselves", arguments: Way.allCases, hostileHosts)
    func hostile(_ way: Way, _ host: String) async throws {
        let test = TestApplication()
        let allowed = try Self.router(["example.com.", "www.trusted.example"])
        try await Exchange.run(way, test, allowed) { (send) async throws -> Void in
            let answer = try await send(.get(host: host))
            // In process a field takes no NUL.
            let isHarmless = host == "example.com:" || way == .router && host == "example.com\u{0}"
            #expect(answer.status == (isHarmless ? 200 : 400))
            await test.sink.wait { $0.contains { $0.header.type == .httpRequest } }
            let refusals = test.sink.events(.inputValidationFailure)
            if isHarmless || test.sink.requests.first?.header.reason == "malformed_request" {
                #expect(refusals.isEmpty)
            } else {
                #expect(refusals.count == 1)
                #expect(["untrusted_host", "invalid_host", "missing_host"].contains(refusals.first?.header.reason ?? ""))
            }
            #expect(test.sink.requests.count == 1)
            #expect(host.utf8.count < 5 || isHarmless || host == "127.0.0.1" || !test.sink.text.contains(host))
        }
    }

    @Test(
        "a list that cannot hold is refused at once",
        arguments: [
            [], [""], ["example.com", ""], ["*example.com"], ["exa*mple.com"], ["*."], ["*.*.com"], ["example.com:80"], ["example.com:"],
            ["https://example.com"], ["example.com/"], ["exämple.com"], ["[::1"], ["*.[::1]"], ["a b"], [".example.com"], ["**"],
        ])
    func configuration(_ hosts: [String]) {
        #expect(throws: HardeningError.self) { try TrustedHosts<TestContext>(hosts) }
    }
}
