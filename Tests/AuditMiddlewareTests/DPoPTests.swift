import AuditEvents
import AuditTesting
import Crypto
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import AuditMiddleware

/// A client that signs proofs, rightly or wrong in one way.
struct ProofMaker: Sendable {
    var key = SigningKey.es256(P256.Signing.PrivateKey())
    var thumbprint: String { key.verificationKey.thumbprint ?? "" }

    func jwk() -> JSONObject {
        var jwk = key.verificationKey.jsonWebKey ?? [:]
        for member in ["alg", "use", "kid"] { jwk[member] = nil }
        return jwk
    }

    func make(
        token: String? = nil, method: String = "GET", url: String = "https://shop.example/me", time: Int64 = Forge.now, id: String,
        header: (inout JSONObject) -> Void = { _ in }, claims: (inout JSONObject) -> Void = { _ in }
    ) throws -> String {
        var head: JSONObject = ["typ": "dpop+jwt", "alg": .string(key.algorithm.name), "jwk": .object(jwk())]
        var body: JSONObject = ["jti": .string(id), "htm": .string(method), "htu": .string(url), "iat": .int(time)]
        if let token { body["ath"] = .string(Forge.part(Array(SHA256.hash(data: Array(token.utf8))))) }
        header(&head)
        claims(&body)
        let text = Forge.part(CanonicalJSON.encode(.object(head))) + "." + Forge.part(CanonicalJSON.encode(.object(body)))
        return text + "." + Forge.part(try key.signature(over: Array(text.utf8)))
    }
}

@Suite struct DPoPTests {
    static let now: @Sendable () -> Timestamp = { Timestamp(microseconds: Forge.now * 1_000_000) }

    static func verifier(_ nonces: ProofNonces? = nil, now: @escaping @Sendable () -> Timestamp = now) throws -> DPoPVerifier {
        try DPoPVerifier(.init(publicBase: "https://shop.example", nonces: nonces), now: now)
    }

    /// A token bound to a key's thumbprint.
    static func token(_ thumbprint: String?, subject: String = "ann") throws -> String {
        try TokenIssuer(key: .hs256(Forge.secret, id: "k1"), issuer: "https://issuer", audience: "shop", now: now)
            .issue(subject: subject, lifetimeSeconds: 600, boundTo: thumbprint)
    }

    static func authenticator(
        _ replays: any ProofReplayStoring = MemoryProofReplayStore(), nonces: ProofNonces? = nil, clock: TestClock? = nil
    ) throws -> DPoPAuthenticator {
        var time = now
        if let clock { time = { clock.now } }
        return DPoPAuthenticator(
            verifier: try Forge.verifier(), proofs: try verifier(nonces, now: time), replays: replays, realm: "shop")
    }

    static func router(_ dpop: DPoPAuthenticator) throws -> Router<TestContext> {
        let router = TestApplication.router()
        let group = router.group().add(
            middleware: Authentication(dpop, BearerAuthenticator(verifier: try Forge.verifier(), realm: "shop")))
        group.get("me") { _, context in context.principal?.id ?? "nobody" }
        group.group().add(middleware: RequireProof(dpop)).get("vault") { _, _ in "gold" }
        return router
    }

    static func headers(_ token: String, _ proof: String?) -> HTTPFields {
        var headers: HTTPFields = [.authorization: "DPoP \(token)"]
        headers[.dpop] = proof
        return headers
    }

    static func reason(_ proof: String, token: String? = nil, method: HTTPRequest.Method = .get, path: String = "/me") throws -> String? {
        let verifier = try verifier()
        do throws(TokenRejection) {
            _ = try verifier.verify(proof, method: method, path: path, token: token)
            return nil
        } catch { return error.reason.code }
    }

    @Test("a proof holds for its method, its URL and its time, whatever the algorithm of its key")
    func good() throws {
        for key in [
            SigningKey.es256(P256.Signing.PrivateKey()), .es384(P384.Signing.PrivateKey()), .es512(P521.Signing.PrivateKey()),
            .ed25519(Curve25519.Signing.PrivateKey()), try .rsa(try #require(JSONWebKeyTests.rsa), algorithm: .ps256),
        ] {
            let client = ProofMaker(key: key)
            let proof = try Self.verifier().verify(
                try client.make(token: "t", id: "1"), method: .get, path: "/me", token: "t")
            #expect(proof.thumbprint == client.thumbprint)
            #expect(proof.newNonce == nil)
        }
        // At the token endpoint there is no token yet.
        #expect(
            try Self.reason(ProofMaker().make(method: "POST", url: "https://shop.example/token", id: "1"), method: .post, path: "/token")
                == nil)
    }

    @Test("a proof that is wrong in one way is refused for it")
    func bad() throws {
        let client = ProofMaker()
        let other = ProofMaker()
        typealias Change = (inout JSONObject) -> Void
        let heads: [(Change, String)] = [
            ({ $0["typ"] = "JWT" }, "proof_malformed"), ({ $0["typ"] = nil }, "proof_malformed"), ({ $0["typ"] = 1 }, "proof_malformed"),
            ({ $0["jwk"] = nil }, "proof_malformed"), ({ $0["jwk"] = "x" }, "proof_malformed"),
            ({ $0["jwk"] = [:] }, "proof_key_not_allowed"),
            ({ $0["jwk"] = .object(other.jwk()) }, "proof_bad_signature"), ({ $0["alg"] = "none" }, "algorithm_none"),
            ({ $0["alg"] = "HS256" }, "proof_key_not_allowed"), ({ $0["alg"] = "ES384" }, "proof_key_not_allowed"),
            ({ $0["alg"] = "RS384" }, "proof_key_not_allowed"), ({ $0["alg"] = nil }, "proof_malformed"),
            ({ $0["crit"] = ["x"] }, "unsupported_extension"), ({ $0["b64"] = false }, "unsupported_extension"),
            (
                { head in
                    head["alg"] = "HS256"
                    head["jwk"] = .object(["kty": "oct", "k": .string(Forge.part(Forge.secret))])
                }, "proof_key_not_allowed"
            ),
            (
                { head in
                    var jwk = client.jwk()
                    jwk["d"] = "AAAA"
                    head["jwk"] = .object(jwk)
                }, "proof_key_not_allowed"
            ),
            (
                { head in
                    var jwk = client.jwk()
                    jwk["use"] = "enc"
                    head["jwk"] = .object(jwk)
                }, "proof_key_not_allowed"
            ),
            (
                { head in
                    var jwk = client.jwk()
                    jwk["alg"] = "ES384"
                    head["jwk"] = .object(jwk)
                }, "proof_key_not_allowed"
            ),
        ]
        for (index, (change, reason)) in heads.enumerated() {
            #expect(try Self.reason(client.make(token: "t", id: "1", header: change), token: "t") == reason, "header \(index)")
        }
        let bodies: [(Change, String)] = [
            ({ $0["htm"] = "POST" }, "proof_wrong_target"), ({ $0["htm"] = "get" }, "proof_wrong_target"),
            ({ $0["htm"] = nil }, "proof_malformed"),
            ({ $0["htu"] = nil }, "proof_malformed"), ({ $0["htu"] = "https://shop.example/you" }, "proof_wrong_target"),
            ({ $0["htu"] = "http://shop.example/me" }, "proof_wrong_target"),
            ({ $0["htu"] = "https://evil.example/me" }, "proof_wrong_target"),
            ({ $0["htu"] = "https://shop.example:444/me" }, "proof_wrong_target"), ({ $0["htu"] = "/me" }, "proof_wrong_target"),
            ({ $0["htu"] = "https://shop.example/me/" }, "proof_wrong_target"),
            ({ $0["htu"] = "https://a@shop.example/me" }, "proof_wrong_target"),
            ({ $0["iat"] = .int(Forge.now - 60) }, "proof_out_of_time"), ({ $0["iat"] = .int(Forge.now + 11) }, "proof_out_of_time"),
            ({ $0["iat"] = nil }, "proof_malformed"), ({ $0["iat"] = "now" }, "proof_malformed"),
            ({ $0["iat"] = .double(1e300) }, "proof_malformed"),
            ({ $0["jti"] = nil }, "proof_malformed"), ({ $0["jti"] = "" }, "proof_malformed"), ({ $0["jti"] = 1 }, "proof_malformed"),
            ({ $0["jti"] = .string(String(repeating: "j", count: 257)) }, "proof_malformed"),
            ({ $0["ath"] = nil }, "proof_wrong_token"), ({ $0["ath"] = "AAAA" }, "proof_wrong_token"),
            ({ $0["ath"] = 1 }, "proof_wrong_token"),
        ]
        for (index, (change, reason)) in bodies.enumerated() {
            #expect(try Self.reason(client.make(token: "t", id: "1", claims: change), token: "t") == reason, "claims \(index)")
        }
        for text in ["", "..", "a.b.c", "x", String(repeating: "a", count: 5000), String(repeating: "a.", count: 1000)] {
            #expect(try Self.reason(text, token: "t") == "proof_malformed")
        }
        #expect(try Self.reason(client.make(token: "t", time: Forge.now - 59, id: "1"), token: "t") == nil)
        #expect(try Self.reason(client.make(token: "t", time: Forge.now + 10, id: "1"), token: "t") == nil)
    }

    @Test(
        "URLs are compared as RFC 3986 normalizes them, without query and fragment",
        arguments: [
            ("https://shop.example/me", "HTTPS://SHOP.example:443/me", true),
            ("https://shop.example/me", "https://shop.example/me?a=1#b", true),
            ("https://shop.example/%7eann/%2f", "https://shop.example/~ann/%2F", true),
            ("https://shop.example", "https://shop.example/", true),
            ("http://shop.example:80/", "http://shop.example/", true), ("https://shop.example/ME", "https://shop.example/me", false),
            ("https://shop.example/a/../me", "https://shop.example/me", false),
            ("https://shop.example/%2e", "https://shop.example/.", true),
            ("https://shop.example/a%2fb", "https://shop.example/a/b", false),
            ("https://shop.example:8443/", "https://shop.example/", false),
            ("https://shop.example//me", "https://shop.example/me", false), ("https://shop.example:/me", "https://shop.example/me", true),
        ])
    func targets(_ one: String, _ other: String, _ areSame: Bool) throws {
        #expect((try #require(ProofTarget(one)) == ProofTarget(other)) == areSame)
    }

    @Test(
        "what is no URL is none",
        arguments: [
            "", "shop.example/me", "ftp://shop.example/", "https://", "https:///me", "https://a b/", "https://shop.example/%zz",
            "https://shop.example/%2", "https://é.example/", "https:\\\\shop.example/", "https://u:p@shop.example/", "javascript://x/",
            "https://" + String(repeating: "a", count: 3000),
        ])
    func noTargets(_ text: String) {
        #expect(ProofTarget(text) == nil)
        #expect(throws: DPoPVerifier.InvalidPublicBase()) { try DPoPVerifier(.init(publicBase: text)) }
    }

    @Test("with its proof a bound token lets in, once for each proof; without, or as a plain bearer, it does not", arguments: Way.allCases)
    func middleware(_ way: Way) async throws {
        let test = TestApplication()
        let (client, thief) = (ProofMaker(), ProofMaker())
        let token = try Self.token(client.thumbprint)
        let dpop = try Self.authenticator()
        try await test.application(try Self.router(dpop)).test(way.setup) { (http) async throws in
            func get(_ headers: HTTPFields, _ uri: String = "/me?x=1") async throws -> (Int, String?, String?) {
                let before = test.sink.events.count
                let response = try await http.execute(uri: uri, method: .get, headers: headers)
                return (Int(response.status.code), test.sink.events[before].header.reason, response.headers[.wwwAuthenticate])
            }
            let proof = try client.make(token: token, id: "one")
            #expect(try await get(Self.headers(token, proof)).0 == 200)
            let replay = try await get(Self.headers(token, proof))
            #expect(replay.0 == 401 && replay.1 == "proof_replayed")
            #expect(
                replay.2?.hasPrefix(#"DPoP realm="shop", algs="ES256 EdDSA ES384 ES512 PS256 RS256", error="invalid_dpop_proof""#) == true)
            #expect(test.sink.events(.tokenRejected).last?.header.severity == .high)
            #expect(try await get(Self.headers(token, try client.make(token: token, id: "two"))).0 == 200)
            #expect(try await get(Self.headers(token, nil)).1 == "proof_missing")
            #expect(try await get(Self.headers(token, try thief.make(token: token, id: "three"))).1 == "proof_wrong_token")
            #expect(try await get(Self.headers(token, try client.make(token: "other", id: "four"))).1 == "proof_wrong_token")
            var twice = Self.headers(token, try client.make(token: token, id: "five"))
            twice.append(HTTPField(name: .dpop, value: try client.make(token: token, id: "six")))
            #expect(try await get(twice).1 == "proof_malformed")
            // Bound, but as if it were not; not bound, but as if it were.
            let plain = try await get([.authorization: "Bearer \(token)"])
            #expect(plain.0 == 401 && plain.1 == "bound_token")
            let unbound = try Self.token(nil)
            #expect(try await get(Self.headers(unbound, try client.make(token: unbound, id: "seven"))).1 == "proof_wrong_token")
            #expect(try await get([.authorization: "Bearer \(unbound)"]).0 == 200)
            // The vault asks for a proof.
            let vault = try await get([.authorization: "Bearer \(unbound)"], "/vault")
            #expect(vault.0 == 401 && vault.1 == "proof_missing" && vault.2?.hasPrefix("DPoP ") == true)
            let key = try client.make(token: token, url: "https://shop.example/vault", id: "eight")
            #expect(try await get(Self.headers(token, key), "/vault").0 == 200)
            #expect(!test.sink.text.contains(token) && !test.sink.text.contains(proof))
        }
    }

    @Test(
        "a token bound to something that is not understood is accepted by nobody",
        arguments: [#"{}"#, #""x""#, #"{"x5t#S256":"x"}"#, #"{"jkt":1}"#, "null", #"{"jkt":"x","x":1}"#])
    func otherBindings(_ cnf: String) async throws {
        let test = TestApplication()
        let token = Forge.token(
            claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1800000600,"cnf":\#(cnf)}"#)
        try await test.application(try Self.router(try Self.authenticator())).test(.router) { (http) async throws in
            for _ in 0..<2 {
                let plain = try await http.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer \(token)"])
                #expect(plain.status == .unauthorized)
                let proof = try ProofMaker().make(token: token, id: "1")
                #expect(try await http.execute(uri: "/me", method: .get, headers: Self.headers(token, proof)).status == .unauthorized)
            }
        }
    }

    @Test(
        "a server that asks for nonces says so, takes the present and the previous one, and gives out the new one", arguments: Way.allCases)
    func nonces(_ way: Way) async throws {
        let test = TestApplication()
        let client = ProofMaker()
        let token = try Self.token(client.thumbprint)
        let nonces = ProofNonces(spanSeconds: 20)
        let dpop = try Self.authenticator(nonces: nonces, clock: test.clock)
        try await test.application(try Self.router(dpop)).test(way.setup) { (http) async throws in
            func get(_ id: String, _ nonce: String?) async throws -> (Int, String?, String?) {
                let time = test.clock.now.microseconds / 1_000_000
                let proof = try client.make(token: token, time: time, id: id) { _ in
                } claims: {
                    $0["nonce"] = nonce.map { .string($0) }
                }
                let response = try await http.execute(uri: "/me", method: .get, headers: Self.headers(token, proof))
                return (Int(response.status.code), response.headers[.dpopNonce], response.headers[.wwwAuthenticate])
            }
            let first = try await get("1", nil)
            #expect(first.0 == 401 && first.2?.contains(#"error="use_dpop_nonce""#) == true)
            let nonce = try #require(first.1)
            #expect(test.sink.events(.tokenRejected).last?.header.reason == "proof_nonce")
            let second = try await get("2", nonce)
            #expect(second.0 == 200 && second.1 == nil)
            test.clock.advance(seconds: 20)
            let third = try await get("3", nonce)
            #expect(third.0 == 200)
            let newer = try #require(third.1)
            #expect(newer != nonce)
            test.clock.advance(seconds: 20)
            #expect(try await get("4", nonce).0 == 401)
            #expect(try await get("5", newer).0 == 200)
            #expect(try await get("6", "forged").0 == 401)
        }
    }

    @Test("where proofs cannot be remembered the request ends with 503, and is nobody's", arguments: Way.allCases)
    func storeAway(_ way: Way) async throws {
        struct Away: ProofReplayStoring {
            struct Gone: Error {}
            func claim(_ key: [UInt8], expires: Timestamp, at time: Timestamp) async throws -> Bool { throw Gone() }
        }
        let test = TestApplication()
        let client = ProofMaker()
        let token = try Self.token(client.thumbprint)
        try await test.application(try Self.router(try Self.authenticator(Away()))).test(way.setup) { (http) async throws in
            let response = try await http.execute(
                uri: "/me", method: .get, headers: Self.headers(token, try client.make(token: token, id: "1")))
            #expect(response.status == .serviceUnavailable)
            #expect(test.sink.events(.authenticationUnavailable).first?.header.reason == "proof_store_unavailable")
        }
    }

    @Test("the store in memory does what every store must")
    func conformance() async throws {
        #expect(try await ProofReplayConformance().violations(of: MemoryProofReplayStore()) == [])
    }

    @Test("under a flood of proofs memory is bounded, and what was forgotten is refused rather than taken twice")
    func flood() async throws {
        let store = MemoryProofReplayStore(capacity: 100)
        let start = Self.now()
        func key(_ number: Int) -> [UInt8] { Array(SHA256.hash(data: Array("\(number)".utf8))) }
        var taken: Set<Int> = []
        for number in 0..<2000 {
            let time = start.advanced(bySeconds: Int64(number / 50))
            if try await store.claim(key(number), expires: time.advanced(bySeconds: 60), at: time) { taken.insert(number) }
            #expect(store.count <= 100)
        }
        #expect(taken.count == 2000)
        let end = start.advanced(bySeconds: 39)
        for number in 0..<2000 {
            #expect(try await !store.claim(key(number), expires: start.advanced(bySeconds: Int64(number / 50) + 60), at: end))
        }
        #expect(try await store.claim(key(5000), expires: end.advanced(bySeconds: 61), at: end))
    }
}
