import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@testable import AuditMiddleware

/// An application that issues tokens of its own, and what its tests ask of it.
struct TokenBed: Sendable {
    let test = TestApplication()
    let families = MemoryTokenFamilyStore()
    let revocationStore = MemoryRevocationStore()
    let revocations: RevocationList
    let grants: TokenGrants
    let verifier: TokenVerifier

    init(_ adjust: (inout TokenGrants.Configuration) -> Void = { _ in }) throws {
        var configuration = TokenGrants.Configuration()
        adjust(&configuration)
        let clock = test.clock
        let key = try SigningKey.hs256(Forge.secret, id: "k1")
        revocations = Self.list(revocationStore, clock)
        grants = TokenGrants(
            store: families, issuer: TokenIssuer(key: key, issuer: "https://issuer", audience: "shop", now: { clock.now }),
            revocations: revocations, configuration: configuration, now: { clock.now })
        verifier = try TokenVerifier(
            keys: [key.verificationKey], rules: .init(issuer: "https://issuer", audience: "shop", types: ["at+jwt"], leewaySeconds: 0),
            now: { clock.now })
    }

    static func list(
        _ store: any RevocationStoring, _ clock: TestClock, silence: RevocationList.Silence = .serve,
        sleeping: any Clock<Duration> = ContinuousClock()
    ) -> RevocationList {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return RevocationList(store: store, whenSilent: silence, clock: clock.clock, sleeping: sleeping, logger: logger)
    }

    func router() -> Router<TestContext> {
        let router = TestApplication.router()
        let grants = grants
        router.post("login") { request, context in
            let user = request.uri.queryParameters["user"].map(String.init) ?? "ann"
            let grant = try await grants.begin(Principal(id: user, name: "Ann", roles: ["reader"], scopes: ["b", "a"]), context: context)
            return String(decoding: CanonicalJSON.encode(.object(grant.json)), as: UTF8.self)
        }
        TokenEndpoints(
            grants, verifier: verifier,
            reload: { principal in
                var principal = principal
                principal.roles = ["reader", "writer"]
                return principal.id == "gone" ? nil : principal
            }
        ).add(to: router)
        let signedIn = router.group().add(
            middleware: Authentication(BearerAuthenticator(verifier: verifier, status: revocations, realm: "shop")))
        signedIn.get("me") { _, context in "\((context.principal?.roles ?? []).sorted())" }
        signedIn.post("logout") { _, context in try await grants.end(context: context) ? "out" : "over" }
        signedIn.post("everywhere") { _, context in
            "\(try await grants.endAll(of: context.principal?.id ?? "", context: context))"
        }
        return router
    }

    struct Pair: Sendable {
        var access: String
        var refresh: String
        init(_ response: TestResponse) throws {
            let json = try #require(try JSONValue(parsing: response.body.readableBytesView).object)
            access = try #require(json["access_token"]?.string)
            refresh = try #require(json["refresh_token"]?.string)
            #expect(json["token_type"]?.string == "Bearer")
        }
    }

    static func logIn(_ client: some TestClientProtocol, _ user: String = "ann") async throws -> Pair {
        try Pair(try await client.execute(uri: "/login?user=\(user)", method: .post))
    }

    static func post(
        _ client: some TestClientProtocol, _ uri: String, _ form: String, type: String? = "application/x-www-form-urlencoded"
    ) async throws -> TestResponse {
        var headers: HTTPFields = [:]
        if let type { headers[.contentType] = type }
        return try await client.execute(uri: uri, method: .post, headers: headers, body: ByteBuffer(string: form))
    }

    static func refresh(_ client: some TestClientProtocol, _ token: String) async throws -> TestResponse {
        try await post(client, "/oauth/token", "grant_type=refresh_token&refresh_token=\(token)")
    }

    static func me(_ client: some TestClientProtocol, _ token: String) async throws -> TestResponse {
        try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer \(token)"])
    }

    func expectNoSecrets(_ pairs: [Pair], sourceLocation: SourceLocation = #_sourceLocation) {
        let text = test.sink.text
        for pair in pairs {
            for secret in [pair.access, pair.refresh, String(pair.refresh.prefix(43)), String(pair.refresh.suffix(43))] {
                #expect(!text.contains(secret), sourceLocation: sourceLocation)
            }
        }
    }
}
