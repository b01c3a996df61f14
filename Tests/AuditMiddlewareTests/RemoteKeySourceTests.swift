import AsyncHTTPClient
import AuditEvents
import AuditTesting
import Crypto
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@testable import AuditMiddleware

@Suite struct RemoteKeySourceTests {
    /// An issuer with keys of its own.
    struct Issuer: Sendable {
        let one = P256.Signing.PrivateKey()
        let two = P256.Signing.PrivateKey()

        func document(_ keys: (String, P256.Signing.PrivateKey)...) -> [UInt8] {
            JSONWebKeySet.document(of: keys.map { .es256($0.1.publicKey, id: $0.0) })
        }
        func token(_ id: String, _ key: P256.Signing.PrivateKey, subject: String = "ann") throws -> String {
            try TokenIssuer(
                key: .es256(key, id: id), issuer: "https://issuer", audience: "shop",
                now: { Timestamp(microseconds: Forge.now * 1_000_000) }
            ).issue(subject: subject, lifetimeSeconds: 600)
        }
    }

    static let quiet: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    static func source(_ http: any OutboundHTTP, _ clock: TestClock, _ location: RemoteKeySource.Location = .url("https://issuer/jwks"))
        -> RemoteKeySource
    {
        RemoteKeySource(location, http: http, clock: clock.clock, logger: quiet)
    }

    static func verifier(_ source: RemoteKeySource) -> TokenVerifier {
        TokenVerifier(
            source: source, rules: .init(issuer: "https://issuer", audience: "shop"),
            now: { Timestamp(microseconds: Forge.now * 1_000_000) })
    }

    /// The reason for which `token` is refused; `unavailable`; nil where it is accepted.
    static func reason(_ token: String, _ verifier: TokenVerifier) async -> String? {
        do {
            _ = try await verifier.verifyRefreshing(token)
            return nil
        } catch let error as TokenRejection {
            return error.reason.code
        } catch { return "unavailable" }
    }

    @Test("keys are fetched once, a rotated key at once, an unknown one not again before the cooldown is over")
    func rotation() async throws {
        let (issuer, clock) = (Issuer(), TestClock())
        let http = OutboundDouble { _ in OutboundResponse(status: 200, body: issuer.document(("1", issuer.one))) }
        let verifier = Self.verifier(Self.source(http, clock))
        let old = try issuer.token("1", issuer.one)
        #expect(Forge.reason(old, verifier) == "keys_unavailable")
        #expect(await Self.reason(old, verifier) == nil)
        #expect(Forge.reason(old, verifier) == nil)
        #expect(http.requests.count == 1)
        #expect(http.requests.first?.headers[.accept]?.contains("application/jwk-set+json") == true)

        http.answer { _ in OutboundResponse(status: 200, body: issuer.document(("1", issuer.one), ("2", issuer.two))) }
        let new = try issuer.token("2", issuer.two)
        #expect(await Self.reason(new, verifier) == "unknown_key")
        #expect(http.requests.count == 1)
        clock.advance(seconds: 30)
        #expect(await Self.reason(new, verifier) == nil)
        #expect(http.requests.count == 2)
        for number in 0..<100 { #expect(await Self.reason(try issuer.token("x\(number)", issuer.two), verifier) == "unknown_key") }
        #expect(http.requests.count == 2)

        // The first key is withdrawn: its tokens end with the next refresh, in the background.
        http.answer { _ in OutboundResponse(status: 200, body: issuer.document(("2", issuer.two))) }
        clock.advance(seconds: 601)
        #expect(Forge.reason(old, verifier) == nil)
        await until { Forge.reason(old, verifier) == "unknown_key" }
        #expect(http.requests.count == 3)
    }

    @Test("a hundred who need keys at once wait for one fetch")
    func singleFlight() async throws {
        let (issuer, clock) = (Issuer(), TestClock())
        let http = OutboundDouble { _ in OutboundResponse(status: 200, body: issuer.document(("1", issuer.one))) }
        http.hold()
        let verifier = Self.verifier(Self.source(http, clock))
        let token = try issuer.token("1", issuer.one)
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<100 { group.addTask { await Self.reason(token, verifier) } }
            await until { http.waiting == 1 }
            http.release()
            for await reason in group { #expect(reason == nil) }
        }
        #expect(http.requests.count == 1)
    }

    @Test("what has not changed is not sent again, and the answer's age counts")
    func conditional() async throws {
        let (issuer, clock) = (Issuer(), TestClock())
        let http = OutboundDouble { request in
            if request.headers[.ifNoneMatch] == "\"v1\"" { return OutboundResponse(status: 304, headers: [.eTag: "\"v1\""]) }
            return OutboundResponse(
                status: 200, headers: [.eTag: "\"v1\"", .cacheControl: "public, max-age=120", .age: "20"],
                body: issuer.document(("1", issuer.one)))
        }
        let source = Self.source(http, clock)
        let set = try await source.refresh()
        clock.advance(seconds: 99)
        #expect(source.current() === set)
        #expect(http.requests.count == 1)
        clock.advance(seconds: 1)
        #expect(source.current() === set)
        await until { http.requests.count == 2 }
        #expect(http.requests.last?.headers[.ifNoneMatch] == "\"v1\"")
        #expect(source.current() === set)
    }

    @Test(
        "an answer that is not a set of good keys changes nothing, and without an earlier set nothing can be judged",
        arguments: [
            (200, ""), (200, "[]"), (200, "{}"), (200, #"{"keys":[]}"#), (200, #"{"keys":{}}"#), (200, #"{"keys":[1,"x",null]}"#),
            (200, #"{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","alg":"HS256","kid":"1"}]}"#),
            (200, #"{"keys":["# + String(repeating: "{},", count: 100) + "{}]}"), (200, String(repeating: "[", count: 100_000)),
            (200, String(repeating: " ", count: 300_000)), (204, ""), (301, ""), (304, ""), (404, "{}"), (500, "{}"), (-1, ""),
        ])
    func bad(_ status: Int, _ body: String) async throws {
        let (issuer, clock) = (Issuer(), TestClock())
        let broken: @Sendable (OutboundRequest) throws(OutboundError) -> OutboundResponse = { _ throws(OutboundError) in
            if status < 0 { throw OutboundError.failed(kind: "x") }
            return OutboundResponse(status: status, body: Array(body.utf8))
        }
        let http = OutboundDouble(broken)
        let source = Self.source(http, clock)
        await #expect(throws: KeysUnavailable.self) { try await source.refresh() }
        #expect(source.current() == nil)
        // Not again before the retry is due.
        await #expect(throws: KeysUnavailable.self) { try await source.refresh() }
        #expect(http.requests.count == 1)

        http.answer { _ in OutboundResponse(status: 200, body: issuer.document(("1", issuer.one))) }
        clock.advance(seconds: 5)
        let verifier = Self.verifier(source)
        let token = try issuer.token("1", issuer.one)
        #expect(await Self.reason(token, verifier) == nil)
        http.answer(broken)
        clock.advance(seconds: 1200)
        #expect(await Self.reason(token, verifier) == nil)
        await until { http.requests.count == 3 }
        #expect(await Self.reason(token, verifier) == nil)
        // Beyond the limit of staleness the old set is none.
        clock.advance(seconds: 24 * 3600)
        #expect(await Self.reason(token, verifier) == "unavailable")
    }

    @Test("a private or shared key in a public set is not used, and those beside it are")
    func exposed() async throws {
        let (issuer, clock) = (Issuer(), TestClock())
        var leaked = try #require(VerificationKey.es256(issuer.two.publicKey, id: "2").jsonWebKey)
        leaked["d"] = .string(Forge.part(Array(issuer.two.rawRepresentation)))
        let keys: [JSONValue] = [
            .object(leaked), .object(try #require(VerificationKey.es256(issuer.one.publicKey, id: "1").jsonWebKey)),
            ["kty": "oct", "alg": "HS256", "kid": "h", "k": .string(Forge.part(Forge.secret))],
        ]
        let body = CanonicalJSON.encode(["keys": .array(keys)])
        let http = OutboundDouble { _ in OutboundResponse(status: 200, body: body) }
        let verifier = Self.verifier(Self.source(http, clock))
        #expect(await Self.reason(try issuer.token("1", issuer.one), verifier) == nil)
        #expect(await Self.reason(try issuer.token("2", issuer.two), verifier) == "unknown_key")
        #expect(await Self.reason(Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"h"}"#), verifier) == "unknown_key")
    }

    @Test(
        "an issuer's own document says where its keys are, and must be its own",
        arguments: [
            (#"{"issuer":"https://issuer","jwks_uri":"https://keys.issuer/set"}"#, true),
            (#"{"issuer":"https://issuer/","jwks_uri":"https://keys.issuer/set"}"#, false),
            (#"{"issuer":"https://evil","jwks_uri":"https://keys.issuer/set"}"#, false),
            (#"{"jwks_uri":"https://keys.issuer/set"}"#, false), (#"{"issuer":"https://issuer"}"#, false),
            (#"{"issuer":"https://issuer","jwks_uri":"http://keys.issuer/set"}"#, false),
            (#"{"issuer":"https://issuer","jwks_uri":"file:///etc/passwd"}"#, false),
            (#"{"issuer":"https://issuer","jwks_uri":"https://a@keys.issuer/set"}"#, false), ("", false),
        ])
    func discovery(_ document: String, _ isGood: Bool) async throws {
        let (issuer, clock) = (Issuer(), TestClock())
        let http = OutboundDouble { request in
            switch request.url {
            case "https://issuer/.well-known/openid-configuration": OutboundResponse(status: 200, body: Array(document.utf8))
            case "https://keys.issuer/set": OutboundResponse(status: 200, body: issuer.document(("1", issuer.one)))
            default: OutboundResponse(status: 404)
            }
        }
        let verifier = Self.verifier(Self.source(http, clock, .issuer("https://issuer")))
        #expect(await Self.reason(try issuer.token("1", issuer.one), verifier) == (isGood ? nil : "unavailable"))
        #expect(http.requests.map(\.url).contains("https://keys.issuer/set") == isGood)
    }

    @Test(
        "Cache-Control is read as RFC 9111 says",
        arguments: [
            ("max-age=60", nil, 60), ("public, max-age=60, must-revalidate", nil, 60), ("Max-Age=60", "10", 50), ("max-age=60", "100", 0),
            ("max-age=\"60\"", nil, 60), ("no-store", nil, 0), ("max-age=5, no-cache", nil, 0), ("max-age=-1", nil, nil),
            ("max-age=x", nil, nil),
            ("max-age=99999999999999999999", nil, nil), ("s-maxage=60", nil, nil), ("", nil, nil),
        ] as [(String, String?, Int64?)])
    func cacheControl(_ field: String, _ age: String?, _ seconds: Int64?) {
        var headers: HTTPFields = [.cacheControl: field]
        headers[.age] = age
        #expect(KeyDocument.maximumAge(headers) == seconds)
    }

    @Test("while keys are away a request ends with 503 and an event, and is nobody's", arguments: Way.allCases)
    func middleware(_ way: Way) async throws {
        let (issuer, test) = (Issuer(), TestApplication())
        let http = OutboundDouble { _ throws(OutboundError) in throw OutboundError.failed(kind: "x") }
        let source = Self.source(http, test.clock)
        let router = TestApplication.router()
        let group = router.group().add(
            middleware: Authentication(BearerAuthenticator(verifier: Self.verifier(source), realm: "shop"), required: false))
        group.get("me") { _, context in context.principal?.id ?? "nobody" }
        let token = try issuer.token("1", issuer.one)
        try await test.application(router).test(way.setup) { client in
            let away = try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer \(token)"])
            #expect(away.status == .serviceUnavailable)
            #expect(away.headers[.retryAfter] == "5")
            #expect(away.headers[.wwwAuthenticate] == nil)
            let event = try #require(test.sink.events(.authenticationUnavailable).first)
            #expect(event.header.outcome == .error && event.header.reason == "keys_unavailable")
            http.answer { _ in OutboundResponse(status: 200, body: issuer.document(("1", issuer.one))) }
            test.clock.advance(seconds: 5)
            for _ in 0..<3 {
                let back = try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer \(token)"])
                #expect(String(buffer: back.body) == "ann")
            }
            #expect(http.requests.count == 2)
        }
    }

    @Test("the whole way over HTTP: one service publishes its keys, another trusts them")
    func overHTTP() async throws {
        let (issuer, clock) = (Issuer(), TestClock())
        let keys = [VerificationKey.es256(issuer.one.publicKey, id: "1"), try .hmac(Forge.secret, algorithm: .hs256, id: "own")]
        let router = Router()
        router.get(".well-known/jwks.json") { _, _ in JSONWebKeySet.response(of: keys) }
        let app = Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: Self.quiet)
        try await app.test(.live) { client in
            let port = try #require(client.port)
            let http = OutboundClient(HTTPClient.shared)
            let verifier = Self.verifier(Self.source(http, clock, .url("http://127.0.0.1:\(port)/.well-known/jwks.json")))
            #expect(await Self.reason(try issuer.token("1", issuer.one), verifier) == nil)
            let document = try await client.execute(uri: "/.well-known/jwks.json", method: .get)
            #expect(document.headers[.contentType] == "application/jwk-set+json")
            #expect(!String(buffer: document.body).contains("oct"))
        }
    }
}
