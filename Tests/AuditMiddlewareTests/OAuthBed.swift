import AsyncHTTPClient
import AuditEvents
import AuditTesting
import Crypto
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import Testing

@testable import AuditMiddleware

/// A provider of OpenID Connect: a real server on loopback that may be told to misbehave.
final class FakeProvider: Sendable {
    struct Answer: Sendable {
        var challenge: String
        var nonce: String
        var redirectURI: String
    }

    struct Behaviour: Sendable {
        var claims: JSONObject = [:]
        var dropped: Set<String> = []
        var omitsIDToken = false
        var secret = FakeProvider.secret
        var audience = "client-1"
        var issuer: String?
        /// Replaces the token endpoint's answer.
        var tokenAnswer: (status: Int, body: String)?
        var userAnswer: (status: Int, body: String)?
        var discovery: String?
        var sendsIssuer = false
    }

    static let secret = [UInt8](repeating: 5, count: 32)
    static let clientSecret = "client-SECRET-value"
    let behaviour = Mutex(Behaviour())
    let codes = Mutex<[String: Answer]>([:])
    /// Every secret that passed by, to look for in the events.
    let secrets = Mutex<[String]>([FakeProvider.clientSecret])
    let issuer = Mutex("")
    let requests = Mutex<[String]>([])
    let clock: TestClock

    init(clock: TestClock) { self.clock = clock }

    func adjust(_ change: (inout Behaviour) -> Void) { behaviour.withLock { change(&$0) } }

    /// What the user's consent gives: the code, for the authorization request at `location`.
    func authorize(_ location: String) throws -> (code: String, state: String) {
        let query = try FormFields(location.drop { $0 != "?" }.dropFirst().utf8)
        #expect(query["response_type"] == "code")
        #expect(query["code_challenge_method"] == "S256")
        let code = "code-" + Secret.make()
        let (state, nonce) = (try #require(query["state"]), query["nonce"] ?? "")
        codes.withLock {
            $0[code] = Answer(challenge: query["code_challenge"] ?? "", nonce: nonce, redirectURI: query["redirect_uri"] ?? "")
        }
        secrets.withLock { $0 += [code, state] + (nonce.isEmpty ? [] : [nonce]) }
        return (code, state)
    }

    func application() -> some ApplicationProtocol {
        let router = Router()
        router.get(".well-known/openid-configuration") { [self] _, _ in
            requests.withLock { $0.append("discovery") }
            let issuer = issuer.withLock { $0 }
            return Self.json(
                behaviour.withLock { b in
                    b.discovery
                        ?? #"{"issuer":"\#(issuer)","authorization_endpoint":"\#(issuer)/authorize","token_endpoint":"\#(issuer)/token","userinfo_endpoint":"\#(issuer)/user","jwks_uri":"\#(issuer)/keys","authorization_response_iss_parameter_supported":\#(b.sendsIssuer)}"#
                })
        }
        router.post("token") { [self] request, _ in try await token(request) }
        router.get("user") { [self] request, _ in
            requests.withLock { $0.append("user") }
            #expect(request.headers[.authorization]?.hasPrefix("Bearer access-") == true)
            let answer = behaviour.withLock { $0.userAnswer }
            return Self.json(
                answer?.body ?? #"{"sub":"user-1","id":77,"email":"ann@example.org","email_verified":true,"name":"Ann"}"#,
                answer?.status ?? 200)
        }
        var logger = Logger(label: "provider")
        logger.logLevel = .critical
        return Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: logger)
    }

    private func token(_ request: Request) async throws -> Response {
        requests.withLock { $0.append("token") }
        let form = try FormFields(try await request.body.collect(upTo: 10_000).readableBytesView)
        secrets.withLock { $0.append(form["code_verifier"] ?? "no-verifier") }
        if let answer = behaviour.withLock({ $0.tokenAnswer }) { return Self.json(answer.body, answer.status) }
        let challenge = String(
            decoding: Base64URL.encode(Array(SHA256.hash(data: Array((form["code_verifier"] ?? "").utf8)))), as: UTF8.self)
        guard form["client_secret"] == Self.clientSecret, form["client_id"] == "client-1" else {
            return Self.json(#"{"error":"invalid_client"}"#, 401)
        }
        // A code is good once.
        guard let answer = codes.withLock({ $0.removeValue(forKey: form["code"] ?? "") }), answer.challenge == challenge,
            answer.redirectURI == form["redirect_uri"], form["grant_type"] == "authorization_code"
        else { return Self.json(#"{"error":"invalid_grant","error_description":"SECRET text"}"#, 400) }
        let access = "access-" + Secret.make()
        secrets.withLock { $0.append(access) }
        let behaviour = behaviour.withLock { $0 }
        var document: JSONObject = ["access_token": .string(access), "token_type": "Bearer", "expires_in": 60]
        if !behaviour.omitsIDToken {
            var claims: JSONObject = [
                "iss": .string(behaviour.issuer ?? issuer.withLock { $0 }), "aud": .string(behaviour.audience), "sub": "user-1",
                "exp": .int(clock.now.microseconds / 1_000_000 + 60), "nonce": .string(answer.nonce), "email": "ann@example.org",
                "email_verified": true, "name": "Ann",
                "at_hash": .string(
                    String(decoding: Base64URL.encode(Array(SHA256.hash(data: Array(access.utf8))).prefix(16)), as: UTF8.self)),
            ]
            for member in behaviour.claims { claims[member.key] = member.value }
            for name in behaviour.dropped { claims[name] = nil }
            let token = Forge.token(
                header: #"{"alg":"HS256","kid":"p1"}"#, claims: String(decoding: CanonicalJSON.encode(.object(claims)), as: UTF8.self),
                secret: behaviour.secret)
            secrets.withLock { $0.append(token) }
            document["id_token"] = .string(token)
        }
        return Self.json(String(decoding: CanonicalJSON.encode(.object(document)), as: UTF8.self))
    }

    static func json(_ text: String, _ status: Int = 200) -> Response {
        Response(
            status: .init(code: status), headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Stands for the verifier of ID tokens: the fake provider's shared key in place of keys by URL.
struct SharedKeyIDTokens: IDTokenVerifying {
    let now: @Sendable () -> Timestamp
    func verify(idToken: String, expecting expectation: IDTokenExpectation) async throws -> VerifiedToken {
        try TokenVerifier(
            keys: [.hmac(FakeProvider.secret, algorithm: .hs256, id: "p1")],
            rules: .init(issuer: expectation.issuer, audience: expectation.audience, requiresType: false), now: now
        ).verify(idToken)
    }
}

/// An application with sign-in by two providers of the fake kind: `one` by OpenID Connect, `two` by its user document.
struct OAuthBed: Sendable {
    let test = TestApplication()
    let store = MemorySessionStore()
    let provider: FakeProvider
    let identities = Mutexed<[OAuthIdentity]>([])

    init() { provider = FakeProvider(clock: test.clock) }

    /// Runs `body` with the application, live or in process, and the provider, always live.
    func run(
        _ way: Way, adjust: @escaping @Sendable (inout [OAuthProvider]) -> Void = { _ in },
        _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        let client = HTTPClient(configuration: OutboundClient.configuration)
        let outcome: Result<Void, any Error>
        do {
            try await provider.application().test(.live) { inner in
                let issuer = "http://127.0.0.1:\(try #require(inner.port))"
                provider.issuer.withLock { $0 = issuer }
                try await test.application(try router(issuer, OutboundClient(client), adjust)).test(way.setup) { try await body($0) }
            }
            outcome = .success(())
        } catch { outcome = .failure(error) }
        try await client.shutdown()
        try outcome.get()
    }

    func router(
        _ issuer: String, _ http: any OutboundHTTP, _ adjust: @Sendable (inout [OAuthProvider]) -> Void
    ) throws -> Router<TestContext> {
        let clock = test.clock
        let sessions = Sessions(store: store, now: { clock.now })
        var providers = [
            OAuthProvider.oidc(name: "one", issuer: issuer, clientID: "client-1", clientSecret: FakeProvider.clientSecret),
            OAuthProvider(
                name: "two", clientID: "client-1", clientSecret: FakeProvider.clientSecret,
                endpoints: OAuthEndpoints(authorization: "\(issuer)/authorize", token: "\(issuer)/token", user: "\(issuer)/user"),
                scopes: ["read:user"], fields: .init(id: "id", emailVerified: nil, name: ["name", "login"])),
        ]
        adjust(&providers)
        let router = TestApplication.router()
        let identities = identities
        try OAuthSignIn<TestContext>(
            providers: providers, sessions: sessions, http: http, idTokens: SharedKeyIDTokens(now: { clock.now }),
            configuration: .init(publicURL: "https://shop.example", sealingKey: [UInt8](repeating: 4, count: 32)), now: { clock.now },
            onSignIn: { identity, _ in
                identities.withLock { $0.append(identity) }
                return identity.email == "blocked@example.org"
                    ? nil : Principal(id: "\(identity.provider):\(identity.subject)", name: identity.name)
            }
        ).add(to: router)
        router.group().add(middleware: Authentication(sessions.authenticator())).get("me") { _, context in context.principal?.id ?? "?" }
        return router
    }

    struct Started: Sendable {
        var cookie: String
        var code: String
        var state: String
    }

    /// The first half of a sign-in, and the consent.
    func start(_ client: any TestClientProtocol, _ name: String = "one", query: String = "") async throws -> Started {
        let response = try await client.execute(uri: "/auth/\(name)\(query)", method: .get)
        #expect(response.status == .seeOther)
        let location = try #require(response.headers[.location])
        #expect(location.contains("redirect_uri=https%3A%2F%2Fshop.example%2Fauth%2F\(name)%2Fcallback&"))
        let cookie = try #require(SessionBed.cookie(response))
        let (code, state) = try provider.authorize(location)
        provider.secrets.withLock { $0.append(String(cookie.dropFirst("__Host-oauth=".count))) }
        return Started(cookie: cookie, code: code, state: state)
    }

    func callback(_ client: any TestClientProtocol, _ query: String, name: String = "one", cookie: String?) async throws -> TestResponse {
        var headers: HTTPFields = [:]
        if let cookie { headers[.cookie] = cookie }
        return try await client.execute(uri: "/auth/\(name)/callback?\(query)", method: .get, headers: headers)
    }

    func expectNoSecrets(sourceLocation: SourceLocation = #_sourceLocation) {
        let text = test.sink.text
        for secret in provider.secrets.withLock({ $0 }) where secret.utf8.count > 8 {
            #expect(!text.contains(secret), "\(secret.prefix(12))", sourceLocation: sourceLocation)
        }
        #expect(!text.contains("SECRET"), sourceLocation: sourceLocation)
    }
}

/// A value behind a lock that several tasks of a test share.
final class Mutexed<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<R: Sendable>(_ body: (inout Value) -> R) -> R { value.withLock { body(&$0) } }
}
