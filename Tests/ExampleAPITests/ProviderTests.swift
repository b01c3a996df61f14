import AsyncHTTPClient
import AuditEvents
import AuditMiddleware
import AuditTesting
import Configuration
import Crypto
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import Testing

/// Sign-in at an identity provider that speaks OpenID Connect, and its access tokens: against one over HTTP, with its own keys.
@Suite struct ProviderTests {
    /// A provider with discovery, keys, token endpoint.
    private final class Provider: Sendable {
        let key = P256.Signing.PrivateKey()
        let clock: TestClock
        let issuer = Mutex("")
        let nonce = Mutex("")

        init(_ clock: TestClock) { self.clock = clock }

        func token(_ claims: JSONObject, type: String) throws -> String {
            let signer = TokenIssuer(
                key: .es256(key, id: "p1"), issuer: issuer.withLock { $0 }, audience: claims["aud"]?.string ?? "", type: type,
                now: { self.clock.now })
            return try signer.issue(subject: "4711", lifetimeSeconds: 60, claims: claims)
        }

        func application() -> some ApplicationProtocol {
            let router = Router()
            @Sendable func json(_ value: JSONValue) -> Response {
                Response(
                    status: .ok, headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: ByteBuffer(bytes: CanonicalJSON.encode(value))))
            }
            router.get(".well-known/openid-configuration") { _, _ in
                let issuer = self.issuer.withLock { $0 }
                return json([
                    "issuer": .string(issuer), "authorization_endpoint": .string("\(issuer)/authorize"),
                    "token_endpoint": .string("\(issuer)/token"),
                    "jwks_uri": .string("\(issuer)/keys"),
                ])
            }
            router.get("keys") { _, _ in
                let point = self.key.publicKey.rawRepresentation
                func text(_ bytes: some Sequence<UInt8>) -> JSONValue { .string(OrderTests.base64url(bytes)) }
                return json([
                    "keys": [
                        [
                            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "p1", "x": text(point.prefix(32)),
                            "y": text(point.suffix(32)),
                        ]
                    ]
                ])
            }
            router.post("token") { _, _ in
                json([
                    "access_token": "opaque", "token_type": "Bearer",
                    "id_token": .string(
                        try self.token(["aud": "shop", "nonce": .string(self.nonce.withLock { $0 }), "name": "Ann"], type: "JWT")),
                ])
            }
            return Application(router: router)
        }
    }

    private func run(_ way: Way, _ body: @escaping @Sendable (ExampleServer, Provider, any TestClientProtocol) async throws -> Void)
        async throws
    {
        let server = ExampleServer()
        let provider = Provider(server.clock)
        let http = HTTPClient(configuration: OutboundClient.configuration)
        let outcome: Result<Void, any Error>
        do {
            try await provider.application().test(.live) { inner in
                let issuer = "http://127.0.0.1:\(try #require(inner.port))"
                provider.issuer.withLock { $0 = issuer }
                let reader = ConfigReader(
                    provider: InMemoryProvider(values: [
                        "publicURL": "https://shop.example.com", "oauth.oidc.clientId": "shop", "oauth.oidc.clientSecret": "s3cret",
                        "oauth.oidc.issuer": .init(stringLiteral: issuer), "identity.issuer": .init(stringLiteral: issuer),
                    ]))
                let read = try ExampleAPI.Configuration(reader: reader)
                let configure: (inout ExampleAPI.Configuration) -> Void = {
                    ($0.publicURL, $0.providers, $0.otherIssuer) = (read.publicURL, read.providers, read.otherIssuer)
                }
                try await server.run(way, http: OutboundClient(http), configure: configure) { server, client in
                    try await body(server, provider, client)
                }
            }
            outcome = .success(())
        } catch { outcome = .failure(error) }
        try await http.shutdown()
        try outcome.get()
    }

    @Test("somebody whom the provider knows reads books, by a session of this site", arguments: Way.allCases)
    func signIn(_ way: Way) async throws {
        try await run(way) { server, provider, client in
            let start = try await client.execute(uri: "/auth/oidc?return=/books", method: .get)
            #expect(start.status == .seeOther)
            let location = try #require(start.headers[.location])
            func parameter(_ name: String) -> String {
                location.split(separator: "&").first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) } ?? ""
            }
            provider.nonce.withLock { $0 = parameter("nonce") }
            let flow = String(try #require(start.headers[.setCookie]).prefix { $0 != ";" })
            let back = "/auth/oidc/callback?code=c0de&state=\(parameter("state"))"
            #expect(try await client.execute(uri: back, method: .get).status == .badRequest)
            let callback = try await client.execute(uri: back, method: .get, headers: [.cookie: flow])
            #expect(callback.status == .seeOther)
            #expect(callback.headers[.location] == "/books")
            let session = try #require(callback.headers[values: .setCookie].first { $0.hasPrefix("__Host-session=") }).prefix { $0 != ";" }
            let books = try await client.execute(uri: "/books", method: .get, headers: [.cookie: String(session)])
            #expect(books.status == .ok)
            #expect(server.sink.requests.last?.body.actor == .init(id: "oidc:4711", name: "Ann"))
            #expect(try await client.execute(uri: back, method: .get, headers: [.cookie: flow]).status == .badRequest)
            #expect(server.sink.events(.loginSuccess).count == 1 && server.sink.events(.loginFailure).count == 2)
            #expect(!server.sink.text.contains("c0de") && !server.sink.text.contains("s3cret"))
        }
    }

    @Test("the provider's access tokens for this audience are taken, and no other's", arguments: Way.allCases)
    func accessTokens(_ way: Way) async throws {
        try await run(way) { server, provider, client in
            func status(_ claims: JSONObject) async throws -> Int {
                try await server.send(client, .get, "/books", token: try provider.token(claims, type: "at+jwt")).status.code
            }
            let own = try await server.logIn(client, "bob").access
            let (taken, refused) = (try await status(["aud": "example"]), try await status(["aud": "elsewhere"]))
            #expect(taken == 200 && refused == 401)
            let issuer = provider.issuer.withLock { $0 }
            #expect(server.sink.requests.dropFirst().first?.body.token?.issuer == issuer)
            #expect(server.sink.events(.tokenRejected).last?.header.reason == "wrong_audience")
            // What belongs to an account of the same name stays closed.
            let stranger = try provider.token(["aud": "example"], type: "at+jwt")
            for uri in ["/me", "/api-keys"] {
                #expect(try await server.send(client, .get, uri, token: stranger).status == .unauthorized)
            }
            // One's own still are.
            #expect(try await server.send(client, .get, "/books", token: own).status == .ok)
        }
    }
}
