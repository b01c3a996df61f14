import AuditEvents
import AuditMiddleware
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
        }

        func router() -> Router<BasicAuditedRequestContext> {
            let realm = "example"
            let router = Router(audited: BasicAuditedRequestContext.self, options: .autoGenerateHeadEndpoints)
            // Not limited: a probe must not be told 429. It is recorded all the same, for the recorder is around the router.
            router.get("health") { _, _ in Response.json(["status": "ok"]) }

            router.add(middleware: RateLimit(configuration.generalLimit, clock: configuration.clock))
            let throttled = router.group().add(middleware: RateLimit(configuration.loginLimit, clock: configuration.clock))
            let signedIn = router.group().add(
                middleware: Authentication(BearerAuthenticator(verifier: verifier, status: sessions, realm: realm)))

            SignInRoutes(users: users, sessions: sessions, issuer: issuer, accessLifetimeSeconds: configuration.accessTokenSeconds)
                .add(open: router, throttled: throttled, signedIn: signedIn)
            BookRoutes().add(readers: signedIn, editors: signedIn.group(roles: "editor", realm: realm))
            AccountRoutes(users: users, sessions: sessions)
                .add(signedIn: signedIn, administrators: signedIn.group(roles: "admin", privileged: true, realm: realm))
            return router
        }
    }
}
