import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTesting
import NIOCore
import Testing

/// Somebody else's way of saying who makes a request: here a gateway that signs a user's name. All that it takes is the protocol.
struct GatewayAuthenticator: Authenticator {
    let challenge: AuthenticationChallenge? = AuthenticationChallenge(scheme: "Gateway", parameters: ["realm": "shop"])
    let users: [String: String]

    func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        guard let name = HTTPField.Name("X-Gateway-Ticket"), let ticket = request.headers[name] else { return .absent }
        guard let user = users[ticket] else {
            return .rejected(
                AuthenticationRejection(
                    reason: "unknown_ticket", severity: .medium, error: "invalid_ticket", detail: "The ticket is not valid."))
        }
        return .authenticated(Principal(id: user, kind: .service, roles: ["reader"]))
    }
}

@Suite struct CustomAuthenticatorTests {
    @Test("an authenticator of one's own is tried in its place, challenges, and leaves the same events", arguments: Way.allCases)
    func custom(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        let group = router.group().add(
            middleware: Authentication(
                BearerAuthenticator(verifier: try Forge.verifier(), realm: "shop"), GatewayAuthenticator(users: ["t1": "billing"])))
        group.get("me") { _, context in context.principal?.id ?? "nobody" }
        let ticket = try #require(HTTPField.Name("X-Gateway-Ticket"))
        try await test.application(router).test(way.setup) { client in
            let good = try await client.execute(uri: "/me", method: .get, headers: [ticket: "t1"])
            #expect(String(buffer: good.body) == "billing")
            #expect(test.sink.requests.last?.header.actorKind == .service)
            let bad = try await client.execute(uri: "/me", method: .get, headers: [ticket: "t2"])
            #expect(bad.status == .unauthorized)
            #expect(
                bad.headers[values: .wwwAuthenticate] == [
                    #"Bearer realm="shop""#, #"Gateway realm="shop", error="invalid_ticket""#,
                ])
            #expect(test.sink.events(.tokenRejected).last?.header.reason == "unknown_ticket")
            // The scheme before it decides first.
            let both = try await client.execute(uri: "/me", method: .get, headers: [ticket: "t1", .authorization: "Bearer x"])
            #expect(both.status == .unauthorized)
        }
    }
}
