import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import Testing

@testable import AuditMiddleware

@Suite struct OAuthTests {
    @Test("a sign-in ends with a session, on the path it began with, and both events", arguments: Way.allCases, ["one", "two"])
    func signIn(_ way: Way, _ name: String) async throws {
        let bed = OAuthBed()
        try await bed.run(way) { client in
            let started = try await bed.start(client, name, query: "?return=%2Fcart%3Fx%3D1")
            let response = try await bed.callback(client, "code=\(started.code)&state=\(started.state)", name: name, cookie: started.cookie)
            #expect(response.status == .seeOther)
            #expect(response.headers[.location] == "/cart?x=1")
            #expect(response.headers[values: .setCookie].contains { $0.hasPrefix("__Host-oauth=; ") && $0.contains("Max-Age=0") })
            let session = try #require(SessionBed.cookie(response))
            #expect(session.hasPrefix("__Host-session="))
            bed.provider.secrets.withLock { $0.append(String(session.dropFirst("__Host-session=".count))) }
            let subject = name == "one" ? "user-1" : "77"
            let me = try await client.execute(uri: "/me", method: .get, headers: [.cookie: session])
            #expect(String(buffer: me.body) == "\(name):\(subject)")
            #expect(
                bed.identities.withLock { $0 } == [
                    OAuthIdentity(provider: name, subject: subject, email: "ann@example.org", isEmailVerified: name == "one", name: "Ann")
                ])
            let success = try #require(bed.test.sink.events(.loginSuccess).first)
            #expect(success.body.details["factor"] == .string("oauth:\(name)"))
            #expect(success.body.actor?.id == "\(name):\(subject)")
            #expect(success.header.route == "/auth/{provider}/callback")
            #expect(bed.test.sink.events(.sessionCreated).count == 1)
            #expect(bed.test.sink.events.map(\.header.type).filter { $0 != .httpRequest }.count == 2)
            bed.expectNoSecrets()
        }
    }

    @Test("the start sends a fresh state, nonce and challenge each time, sealed for this browser", arguments: Way.allCases)
    func start(_ way: Way) async throws {
        let bed = OAuthBed()
        try await bed.run(way) { client in
            let response = try await client.execute(uri: "/auth/one", method: .get)
            let field = try #require(response.headers[.setCookie])
            #expect(field.hasPrefix("__Host-oauth=") && field.hasSuffix("; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"))
            #expect(response.headers[.cacheControl] == "no-store")
            let (one, two) = (try await bed.start(client), try await bed.start(client))
            #expect(one.state != two.state && one.cookie != two.cookie)
            #expect(one.state.utf8.count == 43)
            #expect(bed.provider.requests.withLock { $0 } == ["discovery"])
            #expect(try await client.execute(uri: "/auth/three", method: .get).status == .notFound)
            bed.expectNoSecrets()
        }
    }

    @Test("only paths of this host are returned to", arguments: Way.allCases)
    func returnPaths(_ way: Way) async throws {
        let bed = OAuthBed()
        try await bed.run(way) { client in
            let bad = [
                "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/%09/evil.example",
                "/%2F/evil.example", "/%5cevil.example", "/%2fevil.example", "/%0d%0aX:y", "evil",
                "javascript:alert(1)", "/a//b", "///evil.example", "/.//evil.example", "/..//evil.example", "/a/../..//x", " /x", "/x y",
                "/x\r\nSet-Cookie: a=b",
                "/\u{e9}", "/\u{2215}/evil", "/" + String(repeating: "a", count: 512), "http:evil.example", "/\\/evil.example", "/x\u{0}",
                "?x", "#x", ".", "..",
                "/../x", "/%\u{0}",
            ]
            for path in bad {
                let before = bed.test.sink.events.count
                let response = try await client.execute(uri: "/auth/one?return=\(FormFields.escaped(path))", method: .get)
                #expect(response.status == .badRequest, "\(path)")
                #expect(response.headers[.location] == nil && response.headers[.setCookie] == nil)
                let events = bed.test.sink.events[before...]
                #expect(events.map(\.header.reason) == ["return_path_refused", "return_path_refused"], "\(path)")
            }
            for query in ["return=/a&return=/b", "return=%zz", "return=%ff", String(repeating: "a=b&", count: 40)] {
                #expect(try await client.execute(uri: "/auth/one?\(query)", method: .get).status == .badRequest, "\(query)")
            }
            for path in ["/", "/cart", "/a/b?c=//d#e", "/a;b=c", "/%2e%2e/x"] {
                let response = try await client.execute(uri: "/auth/one?return=\(FormFields.escaped(path))", method: .get)
                #expect(response.status == .seeOther, "\(path)")
            }
        }
    }

    @Test("a callback that does not answer this browser's own flow is refused, with its reason", arguments: Way.allCases)
    func callbacks(_ way: Way) async throws {
        let bed = OAuthBed()
        try await bed.run(way) { client in
            @Sendable func expect(
                _ reason: String, _ query: String, name: String = "one", cookie: String?,
                sourceLocation: SourceLocation = #_sourceLocation
            ) async throws {
                let before = bed.test.sink.events.count
                let response = try await bed.callback(client, query, name: name, cookie: cookie)
                #expect(response.status == .badRequest, "\(reason) \(query.prefix(60))", sourceLocation: sourceLocation)
                #expect(response.headers[.contentType] == "application/problem+json", sourceLocation: sourceLocation)
                let events = bed.test.sink.events[before...]
                #expect(events.map(\.header.type) == [.loginFailure, .httpRequest], sourceLocation: sourceLocation)
                #expect(events.first?.header.reason == reason, "\(query.prefix(60))", sourceLocation: sourceLocation)
                #expect(events.first?.body.details["factor"] == .string("oauth:\(name)"), sourceLocation: sourceLocation)
                #expect(response.headers[values: .setCookie].allSatisfy { !$0.contains("session") }, sourceLocation: sourceLocation)
            }
            let flow = try await bed.start(client)
            let other = try await bed.start(client)
            let (code, state, cookie) = (flow.code, flow.state, flow.cookie)
            let good = "code=\(code)&state=\(state)"
            // No flow in this browser, or none that is whole.
            for cookie in [
                nil, "a=b", "__Host-oauth=", "__Host-oauth=x", "oauth=\(cookie.dropFirst(13))", "\(cookie)A", String(cookie.dropLast()),
                cookie + "; " + cookie, "__Host-oauth=" + String(repeating: "A", count: 500),
                "__Host-oauth=" + String(repeating: "A", count: 10_000),
                "__Host-oauth=\"\(cookie.dropFirst(13))\"", "__Host-oauth=" + String(cookie.dropFirst(13).reversed()), "__Host-oauth=null",
                "__Host-oauth=" + Forge.part(#"{"p":"one","s":"x","n":"x","v":"x","r":"//evil","e":9999999999999999}"#),
            ] as [String?] { try await expect("state_missing", good, cookie: cookie) }
            // Another state than this browser's: a callback that somebody else was given.
            for state in [
                other.state, "", "x", String(state.dropLast()), state + "A", state.uppercased(), String(state.reversed()), "null", "%00",
                "%C3%A9",
                String(repeating: "A", count: 43), String(repeating: "A", count: 5000),
            ] { try await expect("state_mismatch", "code=\(code)&state=\(state)", cookie: cookie) }
            for query in [
                "code=\(code)", "", "state", "=\(state)", "State=\(state)&code=\(code)", "code=\(code)&%73tat%65x=\(state)",
                "error=access_denied",
            ] {
                try await expect("state_mismatch", query, cookie: cookie)
            }
            // Parameters that are none.
            for query in [
                "\(good)&state=\(state)", "\(good)&code=x", "state=\(other.state)&\(good)", "\(good)&iss=a&iss=b", "%zz&\(good)",
                "\(good)&x=%", "\(good)&x=%ff",
                "\(good)&x=" + String(repeating: "a", count: 9000), good + String(repeating: "&a", count: 40),
            ] { try await expect("malformed_callback", query, cookie: cookie) }
            // Mix-up: the answer of another provider than was asked.
            try await expect("provider_mismatch", good, name: "two", cookie: cookie)
            // None of it has spoilt the flow, or was told to the provider.
            #expect(!bed.provider.requests.withLock { $0.contains("token") })
            #expect(try await bed.callback(client, good, cookie: cookie).status == .seeOther)
            // A replay, and one with the same state and a new code.
            try await expect("state_reused", good, cookie: cookie)
            try await expect("state_reused", "code=new&state=\(state)", cookie: cookie)
            // Each of these spends its flow.
            for (query, reason) in [
                ("iss=https%3A%2F%2Fevil.example", "issuer_mismatch"), ("iss=", "issuer_mismatch"),
                ("error=access_denied", "provider_error"),
                ("error=SECRET%0aINJECTED", "provider_error"), ("error=", "provider_error"), ("code=", "malformed_callback"),
                ("", "malformed_callback"),
                ("code=%0d%0aHost:x", "malformed_callback"), ("code=%C3%A9", "malformed_callback"),
                ("code=\(String(repeating: "a", count: 2049))", "malformed_callback"),
                ("code=x", "exchange_failed"), ("code=%26client_id%3Dother", "exchange_failed"), ("code=\(other.code)", "exchange_failed"),
            ] {
                let flow = try await bed.start(client)
                try await expect(reason, "\(query)&state=\(flow.state)", cookie: flow.cookie)
            }
            let late = try await bed.start(client)
            bed.test.clock.advance(seconds: 600)
            try await expect("state_expired", "code=\(late.code)&state=\(late.state)", cookie: late.cookie)
            #expect(bed.test.sink.events(.loginFailure).contains { $0.body.details["provider_error"] == .string("access_denied") })
            #expect(!bed.test.sink.text.contains("INJECTED"))
            bed.expectNoSecrets()
        }
    }

    @Test("what the provider says wrongly is not believed", arguments: Way.allCases)
    func provider(_ way: Way) async throws {
        let bed = OAuthBed()
        typealias Change = @Sendable (inout FakeProvider.Behaviour) -> Void
        let cases: [(String, Int, String, Change)] = [
            ("nonce_mismatch", 400, "one", { $0.claims["nonce"] = "another" }), ("nonce_mismatch", 400, "one", { $0.dropped = ["nonce"] }),
            ("nonce_mismatch", 400, "one", { $0.claims["nonce"] = 7 }),
            ("issuer_mismatch", 400, "one", { $0.issuer = "https://evil.example" }),
            ("id_token_wrong_audience", 400, "one", { $0.audience = "client-2" }),
            ("id_token_missing", 400, "one", { $0.omitsIDToken = true }),
            ("id_token_bad_signature", 400, "one", { $0.secret = [UInt8](repeating: 6, count: 32) }),
            ("id_token_expired", 400, "one", { $0.claims["exp"] = 1 }), ("id_token_missing_claim", 400, "one", { $0.dropped = ["exp"] }),
            ("audience_mismatch", 400, "one", { $0.claims["azp"] = "client-2" }),
            ("audience_mismatch", 400, "one", { $0.claims["aud"] = ["client-1", "client-2"] }),
            ("id_token_bad_signature", 400, "one", { $0.claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }),
            ("no_identity", 502, "one", { $0.dropped = ["sub"] }), ("no_identity", 502, "one", { $0.claims["sub"] = "" }),
            ("no_identity", 502, "one", { $0.claims["sub"] = .string(String(repeating: "x", count: 256)) }),
            (
                "subject_mismatch", 400, "one",
                {
                    $0.dropped = ["email"]
                    $0.userAnswer = (200, #"{"sub":"user-2","email":"x@y.z"}"#)
                }
            ),
            (
                "provider_unavailable", 502, "one",
                {
                    $0.dropped = ["email"]
                    $0.userAnswer = (500, "{}")
                }
            ),
            ("not_admitted", 403, "one", { $0.claims["email"] = "blocked@example.org" }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (200, "no json") }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (200, "{}") }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (200, "[]") }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (500, "") }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (302, "") }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (200, String(repeating: "[", count: 60_000)) }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (200, "\"" + String(repeating: "a", count: 200_000) + "\"") }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (200, #"{"access_token":"a\r\nX: y","token_type":"Bearer"}"#) }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (200, #"{"access_token":"a","token_type":"mac"}"#) }),
            ("provider_unavailable", 502, "one", { $0.tokenAnswer = (200, #"{"access_token":"a","access_token":"b"}"#) }),
            ("exchange_failed", 400, "one", { $0.tokenAnswer = (404, "") }),
            ("exchange_failed", 502, "one", { $0.tokenAnswer = (401, #"{"error":"invalid_client"}"#) }),
            ("exchange_failed", 400, "two", { $0.tokenAnswer = (200, #"{"error":"bad_verification_code","error_description":"SECRET"}"#) }),
            ("provider_unavailable", 502, "two", { $0.userAnswer = (401, "{}") }),
            ("provider_unavailable", 502, "two", { $0.userAnswer = (200, "[]") }),
            ("no_identity", 502, "two", { $0.userAnswer = (200, "{}") }),
            ("no_identity", 502, "two", { $0.userAnswer = (200, #"{"id":null}"#) }),
            ("no_identity", 502, "two", { $0.userAnswer = (200, #"{"id":1.5}"#) }),
            ("no_identity", 502, "two", { $0.userAnswer = (200, #"{"id":{"a":1}}"#) }),
            ("provider_unavailable", 502, "two", { $0.userAnswer = (200, #"{"id":1,"id":2}"#) }),
        ]
        try await bed.run(way) { client in
            for (index, (reason, status, name, change)) in cases.enumerated() {
                bed.provider.adjust {
                    $0 = .init()
                    change(&$0)
                }
                let flow = try await bed.start(client, name)
                let before = bed.test.sink.events.count
                let response = try await bed.callback(client, "code=\(flow.code)&state=\(flow.state)", name: name, cookie: flow.cookie)
                #expect(response.status.code == status, "\(index) \(reason)")
                let events = bed.test.sink.events[before...]
                #expect(events.map(\.header.type) == [.loginFailure, .httpRequest], "\(index) \(reason)")
                #expect(events.first?.header.reason == reason, "\(index)")
            }
            #expect(bed.store.count == 0)
            bed.expectNoSecrets()
        }
    }

    @Test("an issuer that the callback must bear is looked for, and a right one passes", arguments: Way.allCases)
    func issuerParameter(_ way: Way) async throws {
        let bed = OAuthBed()
        bed.provider.adjust { $0.sendsIssuer = true }
        try await bed.run(way) { client in
            let without = try await bed.start(client)
            let response = try await bed.callback(client, "code=\(without.code)&state=\(without.state)", cookie: without.cookie)
            #expect(response.status == .badRequest)
            #expect(bed.test.sink.events(.loginFailure).map(\.header.reason) == ["issuer_mismatch"])
            let with = try await bed.start(client)
            let issuer = FormFields.escaped(bed.provider.issuer.withLock { $0 })
            let good = try await bed.callback(client, "code=\(with.code)&state=\(with.state)&iss=\(issuer)", cookie: with.cookie)
            #expect(good.status == .seeOther)
        }
    }

    @Test(
        "a discovery document that is another issuer's, or none, is not used",
        arguments: [
            "", "[]", "{}",
            #"{"issuer":"https://evil.example","authorization_endpoint":"https://evil.example/a","token_endpoint":"https://evil.example/t","jwks_uri":"https://evil.example/k"}"#,
            "ISSUER-http", "ISSUER-slash",
        ])
    func discovery(_ document: String) async throws {
        let bed = OAuthBed()
        try await bed.run(.router) { client in
            let issuer = bed.provider.issuer.withLock { $0 }
            let text =
                switch document {
                case "ISSUER-http":
                    #"{"issuer":"\#(issuer)","authorization_endpoint":"http://evil.example/a","token_endpoint":"\#(issuer)/t","jwks_uri":"\#(issuer)/k"}"#
                case "ISSUER-slash":
                    #"{"issuer":"\#(issuer)/","authorization_endpoint":"\#(issuer)/a","token_endpoint":"\#(issuer)/t","jwks_uri":"\#(issuer)/k"}"#
                default: document
                }
            bed.provider.adjust { $0.discovery = text }
            for _ in 0..<3 {
                let response = try await client.execute(uri: "/auth/one", method: .get)
                #expect(response.status == .badGateway)
            }
            #expect(bed.test.sink.events(.loginFailure).map(\.header.reason) == Array(repeating: "provider_unavailable", count: 3))
            // Asked once, and again after a while.
            #expect(bed.provider.requests.withLock { $0.count } == 1)
            bed.provider.adjust { $0.discovery = nil }
            bed.test.clock.advance(seconds: 6)
            let response = try await client.execute(uri: "/auth/one", method: .get)
            #expect(response.status == .seeOther)
        }
    }

    @Test("a configuration that cannot work is refused at the start")
    func configuration() {
        func refusal(_ change: (inout OAuthProvider, inout OAuthSignIn<TestContext>.Configuration) -> Void) -> String? {
            var provider = OAuthProvider.google(clientID: "c", clientSecret: "s")
            var configuration = OAuthSignIn<TestContext>.Configuration(
                publicURL: "https://shop.example", sealingKey: [UInt8](repeating: 1, count: 32))
            change(&provider, &configuration)
            do throws(OAuthConfigurationError) {
                _ = try OAuthSignIn<TestContext>(
                    providers: [provider, .github(clientID: "c", clientSecret: "s"), .facebook(clientID: "c", clientSecret: "s")],
                    sessions: Sessions(store: MemorySessionStore()), http: NoHTTP(),
                    idTokens: SharedKeyIDTokens(now: AuditClock.system.now),
                    configuration: configuration, onSignIn: { _, _ in nil })
                return nil
            } catch { return error.description }
        }
        #expect(refusal { _, _ in } == nil)
        for url in [
            "http://shop.example", "https://shop.example/", "https://shop.example/x", "shop.example", "", "https://a@b", "https://a?b",
        ] {
            #expect(refusal { $1.publicURL = url } != nil, "\(url)")
        }
        for name in ["", "Google", "a/b", "github", "é", String(repeating: "a", count: 33)] {
            #expect(refusal { provider, _ in provider.name = name } != nil)
        }
        #expect(refusal { $1.sealingKey = [1, 2, 3] } != nil)
        #expect(refusal { $1.defaultPath = "//evil" } != nil)
        #expect(refusal { provider, _ in provider.clientID = "" } != nil)
        #expect(refusal { provider, _ in provider.issuer = nil } != nil)
        #expect(refusal { provider, _ in provider.issuer = "http://accounts.google.com" } != nil)
        #expect(refusal { provider, _ in provider.endpoints = .fixed(.init(authorization: "http://x", token: "https://x")) } != nil)
    }

    struct NoHTTP: OutboundHTTP {
        func send(_ request: OutboundRequest) async throws(OutboundError) -> OutboundResponse { throw .refusedURL }
    }
}
