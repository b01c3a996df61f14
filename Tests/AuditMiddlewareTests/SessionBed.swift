import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

/// An application with sessions and what its tests ask of it.
struct SessionBed: Sendable {
    let test = TestApplication()
    let store = MemorySessionStore()
    let sessions: Sessions
    let tokens = CrossSiteTokens(key: [UInt8](repeating: 3, count: 32))
    static let name = "__Host-session"

    init(_ adjust: (inout Sessions.Configuration) -> Void = { _ in }) {
        var configuration = Sessions.Configuration()
        adjust(&configuration)
        let clock = test.clock
        sessions = Sessions(store: store, configuration: configuration, now: { clock.now })
    }

    /// `POST /login?user=…` signs in; `/me`, `/csrf`, `/elevate`, `/logout`, `/sessions` and `/act` are for the signed in, `/open` for all.
    func router(guarded: Bool = false, _ adjust: CrossSiteGuard<TestContext>? = nil) throws -> Router<TestContext> {
        let router = TestApplication.router()
        let sessions = sessions
        router.post("login") { request, context in
            let principal = Principal(id: request.uri.queryParameters["user"].map(String.init) ?? "ann", name: "Ann", roles: ["reader"])
            try await sessions.begin(principal, request: request, context: context)
            return "in"
        }
        router.group("open").add(middleware: Authentication(sessions.authenticator(ignoresStale: true), required: false))
            .get("") { _, context in context.principal?.id ?? "nobody" }
        let bearer = BearerAuthenticator(verifier: try Forge.verifier(), realm: "shop")
        let signedIn = router.group().add(middleware: Authentication(sessions.authenticator(), bearer))
        if guarded { signedIn.add(middleware: adjust ?? CrossSiteGuard(tokens: tokens)) }
        signedIn.get("me") { _, context in "\(context.principal?.id ?? "?") \((context.principal?.roles ?? []).sorted())" }
        signedIn.get("csrf") { [tokens] _, context in tokens.make(for: context) ?? "" }
        signedIn.post("elevate") { _, context in
            var principal = try #require(context.principal)
            principal.roles.insert("admin")
            try await sessions.renew(as: principal, context: context)
            return "up"
        }
        signedIn.post("logout") { _, context in try await sessions.end(context: context) ? "out" : "never in" }
        signedIn.post("act") { request, _ in "did \(try await request.body.collect(upTo: 100_000).readableBytes)" }
        SessionRoutes(sessions).add(to: signedIn)
        return router
    }

    /// The `name=value` that a response sets; nil where it sets none.
    static func cookie(_ response: TestResponse) -> String? {
        response.headers[values: .setCookie].last.map { String($0.prefix { $0 != ";" }) }
    }

    static func signIn(_ client: some TestClientProtocol, _ user: String = "ann", with cookie: String? = nil) async throws -> String {
        var headers = HTTPFields()
        if let cookie { headers[.cookie] = cookie }
        let response = try await client.execute(uri: "/login?user=\(user)", method: .post, headers: headers)
        #expect(response.status == .ok)
        return try #require(Self.cookie(response))
    }

    func expectNoSecrets(_ cookies: [String], sourceLocation: SourceLocation = #_sourceLocation) {
        let text = test.sink.text
        for cookie in cookies {
            let value = String(cookie.drop { $0 != "=" }.dropFirst())
            #expect(!text.contains(value), "a session's id is in an event", sourceLocation: sourceLocation)
        }
    }
}
