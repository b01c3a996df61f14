import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import Testing

@testable import AuditMiddleware

@Suite struct BearerTests {
    final class Revocations: TokenStatusChecking {
        let revoked = Mutex<Set<String>>([])
        func rejection(of token: VerifiedToken) async throws -> TokenRejection.Reason? {
            revoked.withLock { $0.contains(token.id ?? "") } ? .revoked : nil
        }
    }

    static func router(required: Bool = true, status: (any TokenStatusChecking)? = nil) throws -> Router<TestContext> {
        let router = TestApplication.router()
        let group = router.group().add(
            middleware: Authentication(
                BearerAuthenticator(verifier: try Forge.verifier(), status: status, realm: "the \"shop\""), required: required))
        group.get("me") { _, context in context.principal?.id ?? "nobody" }
        group.group(roles: "editor", "admin", realm: "shop").get("edit") { _, _ in "edited" }
        group.group(roles: "admin", privileged: true, realm: "shop").get("admin") { _, _ in "ruled" }
        return router
    }

    @Test("a good token lets in, and the event says who, by fingerprints", arguments: Way.allCases)
    func good(_ way: Way) async throws {
        let test = TestApplication()
        let claims =
            #"{"iss":"https://issuer","aud":"shop","sub":"ann","name":"Ann","sid":"session-SECRET","exp":1800000600,"jti":"j-SECRET"}"#
        let token = Forge.token(claims: claims)
        try await test.application(try Self.router()).test(way.setup) { client in
            for scheme in ["Bearer ", "bearer ", "BEARER   "] {
                let response = try await client.execute(uri: "/me", method: .get, headers: [.authorization: scheme + token])
                #expect(String(buffer: response.body) == "ann")
            }
            let event = try #require(test.sink.events.first)
            #expect(test.sink.events.count == 3)
            #expect(event.body.actor == .init(id: "ann", name: "Ann"))
            #expect(event.header.actorKind == .user)
            #expect(event.body.token?.fingerprint == TestApplication.fingerprinter.fingerprint(token, purpose: .token))
            #expect(event.body.token?.jti == TestApplication.fingerprinter.fingerprint("j-SECRET", purpose: .tokenIdentifier))
            #expect(event.body.session == TestApplication.fingerprinter.fingerprint("session-SECRET", purpose: .session))
            #expect(event.body.token?.issuer == "https://issuer")
            #expect(event.body.token?.keyID == "k1")
            #expect(!test.sink.text.contains("SECRET"))
            #expect(!test.sink.text.contains(token))
        }
    }

    @Test("every bad token is refused with its reason in the event and not in the response", arguments: Way.allCases)
    func bad(_ way: Way) async throws {
        let test = TestApplication()
        let expired = Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1}"#)
        let none = Forge.part(#"{"alg":"none","typ":"JWT"}"#) + "." + Forge.part(Forge.claims) + "."
        let cases: [(String, String, Severity, Bool)] = [
            (expired, "expired", .low, true), (none, "algorithm_none", .high, true), ("garbage", "malformed", .low, true),
            ("", "malformed", .low, true),
            (Forge.token(secret: [UInt8](repeating: 1, count: 32)), "bad_signature", .medium, true),
            (Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"zz"}"#), "unknown_key", .medium, true),
            (Forge.token(header: #"{"alg":"HS512","typ":"JWT","kid":"k1"}"#), "algorithm_not_allowed", .high, true),
            (Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","exp":1800000600}"#), "missing_claim", .low, true),
            (Forge.token() + " " + Forge.token(), "malformed", .low, true), (Forge.token() + "," + Forge.token(), "malformed", .low, true),
            (String(repeating: "x", count: 20_000), "too_large", .medium, false),
        ]
        try await test.application(try Self.router()).test(way.setup) { client in
            for (token, reason, severity, isFingerprinted) in cases {
                let before = test.sink.events.count
                let response = try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer " + token])
                #expect(response.status == .unauthorized)
                #expect(response.headers[.wwwAuthenticate] == "Bearer realm=\"the shop\", error=\"invalid_token\"")
                #expect(response.headers[.contentType] == "application/problem+json")
                #expect(!String(buffer: response.body).contains(reason))
                let events = test.sink.events[before...]
                #expect(events.map(\.header.type) == [.tokenRejected, .httpRequest])
                let event = try #require(events.first)
                #expect(event.header.reason == reason)
                #expect(event.header.outcome == .denied)
                #expect(event.header.severity == severity)
                #expect(event.header.route == "/me")
                #expect((event.body.token?.fingerprint != nil) == isFingerprinted)
                #expect(events.last?.header.reason == reason)
                #expect(events.last?.header.status == 401)
                #expect(events.last?.body.requestID == event.body.requestID)
                if !token.isEmpty { #expect(!test.sink.text.contains(token)) }
            }
            #expect(test.sink.events(.tokenRejected).contains { $0.body.token?.keyID == "zz" })
            #expect(test.sink.events(.tokenRejected).contains { $0.body.details["algorithm"] == .string("none") })
        }
    }

    @Test("no token, another scheme, two headers", arguments: Way.allCases)
    func credentials(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(try Self.router()).test(way.setup) { client in
            for headers in [[:], [.authorization: "Basic dTpw"], [.authorization: "Bearerx"], [.authorization: "Bear"]] as [HTTPFields] {
                let response = try await client.execute(uri: "/me", method: .get, headers: headers)
                #expect(response.status == .unauthorized)
                #expect(response.headers[.wwwAuthenticate] == "Bearer realm=\"the shop\"")
                #expect(test.sink.events(.tokenRejected).last?.header.reason == "missing")
            }
            var twice = HTTPFields()
            twice.append(HTTPField(name: .authorization, value: "Bearer " + Forge.token()))
            twice.append(HTTPField(name: .authorization, value: "Bearer " + Forge.token()))
            let response = try await client.execute(uri: "/me", method: .get, headers: twice)
            #expect(response.status == .badRequest)
            #expect(response.headers[.wwwAuthenticate]?.contains("error=\"invalid_request\"") == true)
            #expect(test.sink.events(.tokenRejected).last?.header.reason == "repeated_header")
        }
    }

    @Test("where no token is required none is missed, and a bad one is still refused", arguments: Way.allCases)
    func optional(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(try Self.router(required: false)).test(way.setup) { client in
            #expect(String(buffer: try await client.execute(uri: "/me", method: .get).body) == "nobody")
            #expect(test.sink.events(.tokenRejected).isEmpty)
            #expect(try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer x"]).status == .unauthorized)
            let guarded = try await client.execute(uri: "/edit", method: .get)
            #expect(guarded.status == .unauthorized)
            #expect(guarded.headers[.wwwAuthenticate] == "Bearer realm=\"shop\"")
        }
    }

    @Test("a revoked token is refused, and the event knows whose it was", arguments: Way.allCases)
    func revoked(_ way: Way) async throws {
        let test = TestApplication()
        let revocations = Revocations()
        try await test.application(try Self.router(status: revocations)).test(way.setup) { client in
            #expect(try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer " + Forge.token()]).status == .ok)
            revocations.revoked.withLock { _ = $0.insert("j1") }
            #expect(
                try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer " + Forge.token()]).status
                    == .unauthorized)
            let event = try #require(test.sink.events(.tokenRejected).first)
            #expect(event.header.reason == "revoked")
            #expect(event.header.severity == .high)
            #expect(event.body.actor?.id == "ann")
            #expect(event.body.token?.fingerprint != nil)
        }
    }

    @Test("a role lets in, its lack is 403 and an event", arguments: Way.allCases)
    func roles(_ way: Way) async throws {
        let test = TestApplication()
        @Sendable func token(_ roles: String) -> HTTPFields {
            [
                .authorization: "Bearer "
                    + Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1800000600,"roles":\#(roles)}"#)
            ]
        }
        try await test.application(try Self.router()).test(way.setup) { client in
            for (uri, roles, status) in [
                ("/edit", #"["editor"]"#, 200), ("/edit", #"["x","admin"]"#, 200), ("/edit", #"["Editor"]"#, 403), ("/edit", "[]", 403),
                ("/edit", #""editor""#, 403), ("/edit", #"[["editor"]]"#, 403), ("/admin", #"["editor"]"#, 403),
                ("/admin", #"["admin"]"#, 200),
            ] {
                let before = test.sink.events.count
                let response = try await client.execute(uri: uri, method: .get, headers: token(roles))
                #expect(response.status.code == status, "\(uri) \(roles)")
                guard status == 403 else { continue }
                #expect(response.headers[.wwwAuthenticate] == "Bearer realm=\"shop\", error=\"insufficient_scope\"")
                let event = test.sink.events[before]
                #expect(event.header.type == .authorizationFailure)
                #expect(event.header.outcome == .denied)
                #expect(event.header.reason == "missing_role")
                #expect(event.body.actor?.id == "ann")
                #expect(event.header.privileged == false)
            }
            #expect(test.sink.requests.filter(\.header.privileged).map(\.header.route) == ["/admin"])
        }
    }
}
