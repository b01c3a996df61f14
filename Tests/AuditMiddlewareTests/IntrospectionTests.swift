import AsyncHTTPClient
import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Synchronization
import Testing

@testable import AuditMiddleware

@Suite struct IntrospectionTests {
    static let active = #"{"active":true,"sub":"ann","scope":"read write","roles":["editor"],"iss":"https://issuer","jti":"j-SECRET"}"#

    static func answering(_ body: String, status: Int = 200) -> @Sendable (OutboundRequest) throws(OutboundError) -> OutboundResponse {
        { _ throws(OutboundError) in OutboundResponse(status: status, body: Array(body.utf8)) }
    }

    static func introspection(
        _ http: any OutboundHTTP, _ clock: TestClock, change: (inout TokenIntrospection.Configuration) -> Void = { _ in }
    ) -> TokenIntrospection {
        var configuration = TokenIntrospection.Configuration(
            url: "https://issuer/introspect", clientID: "shop:1", clientSecret: "s&cret/é")
        change(&configuration)
        return TokenIntrospection(configuration, http: http, now: { clock.now })
    }

    static func router(_ introspection: TokenIntrospection, leavesJWTs: Bool = true) throws -> Router<TestContext> {
        let router = TestApplication.router()
        let group = router.group().add(
            middleware: Authentication(
                BearerAuthenticator(verifier: try Forge.verifier(), realm: "shop", leavesOpaqueTokens: leavesJWTs),
                IntrospectionAuthenticator(introspection, realm: "shop", leavesJWTs: leavesJWTs)))
        group.get("me") { _, context in "\(context.principal?.id ?? "nobody") \(context.principal?.scopes.sorted() ?? [])" }
        return router
    }

    static func headers(_ token: String) -> HTTPFields { [.authorization: "Bearer \(token)"] }

    @Test("an active token lets in, is asked about once for a while, and leaves fingerprints alone", arguments: Way.allCases)
    func good(_ way: Way) async throws {
        let test = TestApplication()
        let http = OutboundDouble(Self.answering(Self.active))
        let router = try Self.router(Self.introspection(http, test.clock))
        try await test.application(router).test(way.setup) { client in
            for _ in 0..<5 {
                let response = try await client.execute(uri: "/me", method: .get, headers: Self.headers("opaque-SECRET+/=="))
                #expect(String(buffer: response.body) == #"ann ["read", "write"]"#)
            }
            #expect(http.requests.count == 1)
            let request = try #require(http.requests.first)
            #expect(request.method == .post)
            #expect(String(decoding: request.body, as: UTF8.self) == "token=opaque-SECRET%2B%2F%3D%3D&token_type_hint=access_token")
            // base64 of `shop%3A1:s%26cret%2F%C3%A9`.
            #expect(request.headers[.authorization] == "Basic c2hvcCUzQTE6cyUyNmNyZXQlMkYlQzMlQTk=")
            let event = try #require(test.sink.events.last)
            #expect(event.body.actor?.id == "ann")
            #expect(event.body.token?.fingerprint == TestApplication.fingerprinter.fingerprint("opaque-SECRET+/==", purpose: .token))
            #expect(!test.sink.text.contains("SECRET"))
            test.clock.advance(seconds: 30)
            _ = try await client.execute(uri: "/me", method: .get, headers: Self.headers("opaque-SECRET+/=="))
            #expect(http.requests.count == 2)
            // A JWT is for the scheme before it.
            let jwt = try await client.execute(uri: "/me", method: .get, headers: Self.headers(Forge.token()))
            #expect(jwt.status == .ok && http.requests.count == 2)
        }
    }

    @Test(
        "what the service does not call good is refused with its reason in the event",
        arguments: [
            (#"{"active":false}"#, "inactive"), (#"{"active":false,"sub":"ann"}"#, "inactive"),
            (#"{"active":true,"sub":"ann","exp":1800000000}"#, "expired"), (#"{"active":true,"sub":"ann","exp":0}"#, "expired"),
            (#"{"active":true,"sub":"ann","nbf":1800000031}"#, "not_yet_valid"), (#"{"active":true}"#, "missing_claim"),
            (#"{"active":true,"sub":""}"#, "missing_claim"), (#"{"active":true,"sub":"ann","iss":"https://evil"}"#, "wrong_issuer"),
            (#"{"active":true,"sub":"ann","iss":"https://issuer","aud":"other"}"#, "wrong_audience"),
            (#"{"active":true,"sub":"ann","iss":"https://issuer"}"#, "wrong_audience"),
            (#"{"active":true,"sub":"ann","iss":"https://issuer","aud":["x","shop"],"cnf":{"jkt":"x"}}"#, "bound_token"),
            (#"{"active":true,"sub":"ann","iss":"https://issuer","aud":"shop","token_type":"DPoP"}"#, "bound_token"),
        ], Way.allCases)
    func refused(_ answer: (String, String), _ way: Way) async throws {
        let test = TestApplication()
        let http = OutboundDouble(Self.answering(answer.0))
        let checks = answer.1.hasPrefix("wrong") || answer.1 == "bound_token"
        let introspection = Self.introspection(http, test.clock) {
            if checks { ($0.issuer, $0.audience) = ("https://issuer", "shop") }
        }
        try await test.application(try Self.router(introspection)).test(way.setup) { client in
            for _ in 0..<3 {
                let response = try await client.execute(uri: "/me", method: .get, headers: Self.headers("opaque"))
                #expect(response.status == .unauthorized)
                #expect(response.headers[values: .wwwAuthenticate].contains(#"Bearer realm="shop", error="invalid_token""#))
            }
            #expect(http.requests.count == 1)
            #expect(test.sink.events(.tokenRejected).map(\.header.reason) == Array(repeating: answer.1, count: 3))
        }
    }

    @Test(
        "a service that is away, or says what RFC 7662 does not know, ends the request with 503, never as nobody's",
        arguments: [
            (200, ""), (200, "[]"), (200, "{}"), (200, #"{"active":"true"}"#), (200, #"{"active":1}"#), (200, #"{"active":null}"#),
            (200, #"{"active":true,"active":false}"#), (200, #"{"active":true,"sub":7}"#),
            (200, #"{"active":true,"sub":"a","exp":"soon"}"#),
            (200, #"{"active":true,"sub":"a","exp":1e300}"#), (200, String(repeating: "[", count: 5000)),
            (200, String(repeating: " ", count: 70_000)), (401, #"{"active":true,"sub":"ann"}"#), (500, ""), (302, ""), (-1, ""),
        ], Way.allCases)
    func away(_ answer: (Int, String), _ way: Way) async throws {
        let test = TestApplication()
        let http = OutboundDouble { _ throws(OutboundError) in
            if answer.0 < 0 { throw OutboundError.failed(kind: "x") }
            return OutboundResponse(status: answer.0, body: Array(answer.1.utf8))
        }
        try await test.application(try Self.router(Self.introspection(http, test.clock))).test(way.setup) { client in
            let response = try await client.execute(uri: "/me", method: .get, headers: Self.headers("opaque"))
            #expect(response.status == .serviceUnavailable)
            #expect(response.headers[.retryAfter] == "5" && response.headers[.wwwAuthenticate] == nil)
            let event = try #require(test.sink.events(.authenticationUnavailable).first)
            #expect(event.header.outcome == .error && event.header.reason == "introspection_unavailable")
            #expect(event.body.token?.fingerprint != nil && event.body.actor == nil)
            // A failure is not remembered.
            http.answer(Self.answering(Self.active))
            #expect(try await client.execute(uri: "/me", method: .get, headers: Self.headers("opaque")).status == .ok)
        }
    }

    @Test("an answer is believed no longer than the token lasts, and an inactive one for a short while")
    func times() async throws {
        let clock = TestClock()
        let http = OutboundDouble(Self.answering(#"{"active":true,"sub":"ann","exp":1800000010}"#))
        let introspection = Self.introspection(http, clock)
        func isActive() async throws -> Bool { if case .active = try await introspection.introspect("t") { true } else { false } }
        #expect(try await isActive())
        clock.advance(seconds: 9.5)
        #expect(try await isActive() && http.requests.count == 1)
        clock.advance(seconds: 0.5)
        #expect(try await !isActive())
        #expect(http.requests.count == 2)
        http.answer(Self.answering(Self.active))
        clock.advance(seconds: 9)
        #expect(try await !isActive())
        clock.advance(seconds: 1)
        #expect(try await isActive())
        #expect(http.requests.count == 3)
    }

    @Test("a hundred requests with one token are one question; of many tokens only so many are asked at once")
    func singleFlight() async throws {
        let http = OutboundDouble(Self.answering(Self.active))
        let introspection = Self.introspection(http, TestClock()) { $0.maximumInFlight = 3 }
        http.hold()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 { group.addTask { _ = try await introspection.introspect("token\(number % 3)") } }
            await until { http.waiting == 3 }
            await #expect(throws: TokenIntrospection.Failure(kind: "busy")) { try await introspection.introspect("another") }
            http.release()
            try await group.waitForAll()
        }
        #expect(http.requests.count == 3)
        _ = try await introspection.introspect("another")
    }

    @Test("a flood of tokens is remembered within a bound")
    func bounded() {
        var entries = RecentEntries<Int, Int>(capacity: 100)
        for number in 0..<100_000 {
            entries.insert(number, for: number)
            if number % 3 == 0 { #expect(entries.value(number - 10) == (number >= 10 ? number - 10 : nil)) }
        }
        #expect(entries.count <= 100)
        #expect(entries.value(99_999) == 99_999 && entries.value(5) == nil)
        entries.remove(99_999)
        #expect(entries.value(99_999) == nil)
        var none = RecentEntries<Int, Int>(capacity: 0)
        none.insert(1, for: 1)
        #expect(none.count == 0)
    }

    @Test(
        "what no service issued is not asked about",
        arguments: ["", "=", "a b", "a,b", "a\u{e9}", "a\"b", "a=b", String(repeating: "a", count: 5000)])
    func malformed(_ token: String) async throws {
        let test = TestApplication()
        let http = OutboundDouble(Self.answering(Self.active))
        try await test.application(try Self.router(Self.introspection(http, test.clock))).test(.router) { client in
            let response = try await client.execute(uri: "/me", method: .get, headers: Self.headers(token))
            #expect(response.status == .unauthorized)
            #expect(http.requests.isEmpty)
        }
    }

    @Test("the whole way over HTTP: a service of one's own is asked")
    func overHTTP() async throws {
        let asked = Mutex<[String]>([])
        let service = Router()
        service.post("introspect") { request, _ in
            let body = String(buffer: try await request.body.collect(upTo: 1000))
            asked.withLock { $0.append(body) }
            return Self.active
        }
        let app = Application(
            router: service, configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: RemoteKeySourceTests.quiet)
        try await app.test(.live) { issuer in
            let port = try #require(issuer.port)
            let test = TestApplication()
            let introspection = Self.introspection(OutboundClient(HTTPClient.shared), test.clock) {
                $0.url = "http://127.0.0.1:\(port)/introspect"
            }
            try await test.application(try Self.router(introspection)).test(.live) { (client) async throws in
                #expect(try await client.execute(uri: "/me", method: .get, headers: Self.headers("opaque")).status == .ok)
            }
        }
        #expect(asked.withLock { $0 } == ["token=opaque&token_type_hint=access_token"])
    }
}
