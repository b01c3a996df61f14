import AuditEvents
public import AuditMiddleware
import Hummingbird
import HummingbirdCore

extension ExampleAPI {
    /// What the routes are made of.
    struct Parts: Sendable {
        let configuration: Configuration
        let users: UserDirectory
        let sessions: SessionStore
        let issuer: TokenIssuer
        let verifier: TokenVerifier
        let apiKeys: APIKeys

        init(_ configuration: Configuration) throws {
            self.configuration = configuration
            let now = configuration.clock.now
            let key = try SigningKey.hs256(configuration.signingKey, id: "example-1")
            let (name, audience) = ("https://\(configuration.source)", "example")
            users = UserDirectory(passwords: PBKDF2Passwords(iterations: configuration.passwordIterations))
            sessions = SessionStore(lifetimeSeconds: configuration.sessionSeconds, now: now)
            issuer = TokenIssuer(key: key, issuer: name, audience: audience, now: now)
            verifier = try TokenVerifier(
                keys: [key.verificationKey], rules: .init(issuer: name, audience: audience, types: ["at+jwt"], leewaySeconds: 0), now: now)
            guard let apiKeys = APIKeys(store: MemoryAccountStore(), prefix: configuration.apiKeyPrefix, clock: configuration.clock) else {
                throw ConfigurationError(key: "apiKeyPrefix", expected: "1 to 16 lower-case letters and digits")
            }
            self.apiKeys = apiKeys
        }

        func router() throws -> AuditedRouter<BasicAuditedRequestContext> {
            let router = AuditedRouter(context: BasicAuditedRequestContext.self, permissions: configuration.permissions)
            if !configuration.hosts.isEmpty { router.add(middleware: try TrustedHosts(configuration.hosts)) }
            if !configuration.corsOrigins.isEmpty {
                let policy = try CORSPolicy(
                    origins: configuration.corsOrigins, methods: ["GET", "POST"], headers: ["Authorization"],
                    exposed: ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"])
                router.add(middleware: CORS(policy))
            }
            router.add(middleware: try ResponseCompression())
            router.add(middleware: BodyLimit(64 * 1024))
            // Not limited: a probe must not be told 429. It is recorded all the same, for the recorder is around the router.
            router.get(
                "health", policy: .anyone, APIOperation("Whether it runs", gives: [.ok: .json(.object(["status": .oneOf("ok")]))])
            ) { _, _ in Response.json(["status": "ok"]) }

            router.add(middleware: RateLimit(configuration.generalLimit, clock: configuration.clock))
            // From here on a route that nobody decided about keeps the API from starting.
            let open = router.denyingByDefault()
            let throttled = open.group().add(middleware: RateLimit(configuration.loginLimit, clock: configuration.clock))
            let bearer = BearerAuthenticator(verifier: verifier, status: sessions, realm: "example")
            let signedIn = open.group().add(middleware: Authentication(bearer))
            // Programs come with a key, people with a token.
            let signedInOrKey = open.group().add(
                middleware: Authentication(bearer, APIKeyAuthenticator(keys: apiKeys, realm: "example", clock: configuration.clock)))

            open.describe(.init(title: "Bookshop", version: "1.0.0"), at: "openapi.json", policy: .anyone)
            SignInRoutes(users: users, sessions: sessions, issuer: issuer, accessLifetimeSeconds: configuration.accessTokenSeconds)
                .add(open: open, throttled: throttled, signedIn: signedIn)
            BookRoutes().add(to: signedInOrKey)
            APIKeyRoutes(keys: apiKeys, clock: configuration.clock).add(to: signedIn)
            AccountRoutes(users: users, sessions: sessions).add(to: signedIn)
            return router
        }
    }

    /// All routes with who may use them.
    public static func routes(_ configuration: Configuration = Configuration()) throws -> RouteList {
        try Parts(configuration).router().routes
    }
}
