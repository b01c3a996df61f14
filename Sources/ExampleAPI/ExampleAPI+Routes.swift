import AuditEvents
public import AuditMiddleware
import Hummingbird
import HummingbirdCore
import Logging

extension ExampleAPI {
    typealias Context = BasicAuditedRequestContext
    static let realm = "example"

    /// What the routes are made of.
    struct Parts: Sendable {
        let configuration: Configuration
        let storage: Storage
        let signIn: PasswordSignIn
        let accounts: UserAccounts
        let sessions: Sessions
        let issuer: TokenIssuer
        let verifier: TokenVerifier
        let revocations: RevocationList
        let grants: TokenGrants
        let proofs: DPoPVerifier
        let apiKeys: APIKeys
        let limits: RateLimitStore
        let http: (any OutboundHTTP)?
        let logger: Logger

        init(_ configuration: Configuration, _ storage: Storage, http: (any OutboundHTTP)?, logger: Logger) throws {
            (self.configuration, self.storage, self.http, self.logger) = (configuration, storage, http, logger)
            let clock = configuration.clock
            guard let cost = ScryptParameters(logCost: configuration.passwordCost, blockSize: 8, parallelism: 1) else {
                throw ConfigurationError(key: "passwordCost", expected: "1 to 18")
            }
            guard let sealer = SecretSealer(key: configuration.sealingKey) else {
                throw ConfigurationError(key: "sealingKey", expected: "32 bytes or more")
            }
            signIn = PasswordSignIn(
                accounts: storage.accounts, lockouts: storage.lockouts, hasher: PasswordHasher(parameters: cost),
                policy: configuration.lockout,
                sealer: sealer, clock: clock)
            accounts = UserAccounts(signIn: signIn, issuer: configuration.source)

            var cookies = Sessions.Configuration()
            if configuration.plainCookies { cookies.cookie = .plain("session") }
            sessions = Sessions(store: storage.sessions, configuration: cookies, now: clock.now)

            let key = try SigningKey.hs256(configuration.signingKey, id: "example-1")
            issuer = TokenIssuer(key: key, issuer: "https://\(configuration.source)", audience: "example", now: clock.now)
            verifier = try TokenVerifier(
                keys: [key.verificationKey],
                rules: .init(issuer: issuer.issuer, audience: issuer.audience, types: ["at+jwt"], leewaySeconds: 0), now: clock.now)
            revocations = RevocationList(
                store: storage.revocations, whenSilent: .serve, longestTokenSeconds: configuration.accessTokenSeconds, clock: clock,
                logger: logger)
            var lifetimes = TokenGrants.Configuration()
            lifetimes.accessSeconds = configuration.accessTokenSeconds
            (lifetimes.idleSeconds, lifetimes.absoluteSeconds) = (configuration.sessionSeconds, configuration.sessionSeconds)
            lifetimes.leewaySeconds = 0
            grants = TokenGrants(
                store: storage.tokenFamilies, issuer: issuer, revocations: revocations, configuration: lifetimes, now: clock.now)
            proofs = try DPoPVerifier(.init(publicBase: configuration.publicURL), now: clock.now)
            guard let apiKeys = APIKeys(store: storage.accounts, prefix: configuration.apiKeyPrefix, clock: clock) else {
                throw ConfigurationError(key: "apiKeyPrefix", expected: "1 to 16 lower-case letters and digits")
            }
            self.apiKeys = apiKeys
            limits =
                storage.rateLimits.map { .shared(SharedRateLimits($0, logger: logger, clock: clock), whenAway: .countLocally) } ?? .memory
        }

        /// Adds the configured accounts that are not there yet; one that is keeps its password.
        func addUsers() async throws {
            for user in configuration.users where try await storage.accounts.account(id: user.username) == nil {
                // Whom events are about is easier to read in a demonstration by name than by number.
                _ = try await accounts.create(username: user.username, password: user.password, roles: user.roles, id: user.username)
            }
        }

        func router() throws -> AuditedRouter<Context> {
            let router = AuditedRouter(context: Context.self, permissions: configuration.permissions)
            router.add(middleware: RequestValidation())
            if !configuration.hosts.isEmpty { router.add(middleware: try TrustedHosts(configuration.hosts)) }
            if let scheme = configuration.scheme { router.add(middleware: HTTPSRedirect(scheme: scheme, exempt: ["/health"])) }
            if !configuration.corsOrigins.isEmpty {
                let policy = try CORSPolicy(
                    origins: configuration.corsOrigins, methods: ["GET", "POST", "PUT", "DELETE"], headers: ["Authorization", "DPoP"],
                    exposed: ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"])
                router.add(middleware: CORS(policy))
            }
            router.add(middleware: try ResponseCompression())
            router.add(middleware: BodyLimit(64 * 1024))
            router.add(middleware: RequestTimeout(.seconds(30)))
            // Not limited: a probe must not be told 429. It is recorded all the same, for the recorder is around the router.
            router.get(
                "health", policy: .anyone, APIOperation("Whether it runs", gives: [.ok: .json(.object(["status": .oneOf("ok")]))])
            ) { _, _ in Response.json(["status": "ok"]) }

            router.add(middleware: RateLimit(configuration.generalLimit, store: limits, clock: configuration.clock))
            // From here on a route that nobody decided about keeps the API from starting.
            let open = router.denyingByDefault()
            open.describe(.init(title: "Bookshop", version: "1.0.0"), at: "openapi.json", policy: .anyone)
            addSignIn(to: open)
            try addProviders(to: open)
            addRoutes(to: open)
            return router
        }

        private func addSignIn(to open: AuditedRouter<Context>) {
            let throttled = open.group().add(middleware: RateLimit(configuration.loginLimit, store: limits, clock: configuration.clock))
            // No other site may sign a browser in, or out.
            let browsers = throttled.group().add(middleware: crossSiteGuard(.sessionsAndAnonymous))
            let routes = SignInRoutes(signIn: signIn, grants: grants, sessions: sessions, accounts: storage.accounts)
            routes.add(open: open, throttled: throttled, browsers: browsers)
            TokenEndpoints(grants, verifier: verifier, reload: routes.reload).add(to: open)
        }

        private func addProviders(to open: AuditedRouter<Context>) throws {
            guard !configuration.providers.isEmpty, let publicURL = configuration.publicURL, let http else { return }
            try OAuthSignIn(
                providers: configuration.providers, sessions: sessions, http: http,
                idTokens: IDTokenVerifier(http: http, clock: configuration.clock, logger: logger),
                configuration: .init(publicURL: publicURL, sealingKey: configuration.sealingKey), now: configuration.clock.now
            ) { identity, _ in
                // Whoever a provider knows may read. The id is the pair: an address can change hands.
                Principal(id: "\(identity.provider):\(identity.subject)", name: identity.name ?? identity.email, roles: ["reader"])
            }.add(to: open)
        }

        private func addRoutes(to open: AuditedRouter<Context>) {
            let bearer = BearerAuthenticator(verifier: verifier, status: revocations, realm: realm)
            // Another issuer's `alice` is not ours: its tokens open the books, and nothing that belongs to an account.
            let anyIssuer = BearerAuthenticator(verifier: verifier, others: otherIssuers, status: revocations, realm: realm)
            let keys = APIKeyAuthenticator(keys: apiKeys, realm: realm, clock: configuration.clock)
            // People come with a token or a browser's session, programs with a key.
            let people = open.group().add(middleware: Authentication(bearer, sessions.authenticator())).add(middleware: crossSiteGuard())
            let anybody = open.group().add(middleware: Authentication(anyIssuer, keys, sessions.authenticator()))
                .add(middleware: crossSiteGuard())
            let tokens = open.group().add(middleware: Authentication(bearer))
            // Old scripts come with a name and a password.
            let administrators = open.group("admin").add(middleware: Authentication(bearer, BasicAuthenticator(signIn, realm: realm)))
            // A stolen token is of no use here: each request is signed by its client.
            let proven = open.group().add(
                middleware: Authentication(
                    DPoPAuthenticator(verifier: verifier, proofs: proofs, replays: storage.proofs, status: revocations, realm: realm))
            ).add(middleware: ConcurrentRequestLimit(name: "orders", limit: 4, key: .account))

            let shelf = BookRoutes()
            shelf.add(to: anybody)
            OrderRoutes(
                issuer: issuer, proofs: proofs, replays: storage.proofs, lifetimeSeconds: configuration.accessTokenSeconds,
                shelf: shelf.shelf
            )
            .add(tokens: tokens, proven: proven)
            APIKeyRoutes(keys: apiKeys, clock: configuration.clock).add(to: people)
            AccountRoutes(accounts: accounts, grants: grants, sessions: sessions).add(to: people)
            SessionRoutes(sessions).add(to: people)
            AdminRoutes(accounts: accounts, store: storage.accounts, grants: grants, sessions: sessions).add(to: administrators)
        }

        private func crossSiteGuard(_ scope: CrossSiteGuard<Context>.Scope = .sessions) -> CrossSiteGuard<Context> {
            CrossSiteGuard(origins: configuration.corsOrigins, acceptsPlainHTTP: configuration.plainCookies, scope: scope)
        }

        /// An identity provider whose access tokens are taken like one's own.
        private var otherIssuers: [TokenVerifier] {
            guard let other = configuration.otherIssuer, let http else { return [] }
            let source = RemoteKeySource(
                other.keysURL.map { .url($0) } ?? .issuer(other.issuer), http: http, clock: configuration.clock, logger: logger)
            return [
                TokenVerifier(source: source, rules: .init(issuer: other.issuer, audience: other.audience), now: configuration.clock.now)
            ]
        }
    }

    /// All routes with who may use them.
    public static func routes(_ configuration: Configuration = Configuration()) throws -> RouteList {
        try Parts(configuration, .memory(), http: nil, logger: Logger(label: "routes")).router().routes
    }
}
