import AuditEvents
import Crypto
import Testing

@testable import AuditMiddleware

/// Makes tokens that are wrong in one way.
struct Forge {
    static let secret = [UInt8](repeating: 9, count: 32)
    static let now: Int64 = 1_800_000_000
    static let claims = #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1800000600,"iat":1800000000,"jti":"j1"}"#
    static let header = #"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#

    static func token(header: String = header, claims: String = claims, secret: [UInt8] = secret) -> String {
        let text = part(header) + "." + part(claims)
        return text + "." + part(Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: secret))))
    }
    static func part(_ text: String) -> String { part(Array(text.utf8)) }
    static func part(_ bytes: [UInt8]) -> String { String(decoding: Base64URL.encode(bytes), as: UTF8.self) }

    static func verifier(
        keys: [VerificationKey]? = nil, types: [String] = ["at+jwt", "JWT"], requiresType: Bool = true, leeway: Int64 = 30
    ) throws -> TokenVerifier {
        try TokenVerifier(
            keys: keys ?? [.hmac(secret, algorithm: .hs256, id: "k1")],
            rules: .init(issuer: "https://issuer", audience: "shop", types: types, requiresType: requiresType, leewaySeconds: leeway),
            now: { Timestamp(microseconds: now * 1_000_000) })
    }

    static func reason(_ token: String, _ verifier: TokenVerifier) -> String? {
        do throws(TokenRejection) {
            _ = try verifier.verify(token)
            return nil
        } catch { return error.reason.code }
    }
}

@Suite struct TokenVerifierTests {
    @Test("a good token gives its claims")
    func good() throws {
        let token = try Forge.verifier().verify(Forge.token())
        #expect(token.issuer == "https://issuer")
        #expect(token.subject == "ann")
        #expect(token.audience == ["shop"])
        #expect(token.id == "j1")
        #expect(token.keyID == "k1")
        #expect(token.expires == Timestamp(microseconds: 1_800_000_600_000_000))
        #expect(token.claims["jti"] == .string("j1"))
    }

    @Test(
        "the header must be exactly what is expected",
        arguments: [
            (#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#, nil), (#"{"alg":"HS256","typ":"application/at+JWT","kid":"k1"}"#, nil),
            (#"{"alg":"none","typ":"JWT","kid":"k1"}"#, "algorithm_none"), (#"{"alg":"nOnE","typ":"JWT"}"#, "algorithm_none"),
            (#"{"alg":"HS512","typ":"JWT","kid":"k1"}"#, "algorithm_not_allowed"),
            (#"{"alg":"hs256","typ":"JWT","kid":"k1"}"#, "algorithm_not_allowed"),
            (#"{"alg":"ES256","typ":"JWT","kid":"k1"}"#, "algorithm_not_allowed"),
            (#"{"alg":"","typ":"JWT","kid":"k1"}"#, "algorithm_not_allowed"),
            (#"{"alg":"RS256","typ":"JWT","kid":"k1"}"#, "algorithm_not_allowed"),
            (#"{"typ":"JWT","kid":"k1"}"#, "malformed"), (#"{"alg":5,"typ":"JWT","kid":"k1"}"#, "malformed"),
            (#"{"alg":["HS256"],"typ":"JWT","kid":"k1"}"#, "malformed"),
            (#"{"alg":"HS256","alg":"HS256","typ":"JWT","kid":"k1"}"#, "malformed"),
            (#"{"alg":"HS256","\u0061lg":"none","typ":"JWT","kid":"k1"}"#, "malformed"),
            (#"{"alg":"HS256","typ":"JWT","kid":"k2"}"#, "unknown_key"), (#"{"alg":"HS256","typ":"JWT","kid":"K1"}"#, "unknown_key"),
            (#"{"alg":"HS256","typ":"JWT","kid":""}"#, "unknown_key"), (#"{"alg":"HS256","typ":"JWT","kid":7}"#, "malformed"),
            (#"{"alg":"HS256","typ":"JWT","kid":null}"#, "malformed"), (#"{"alg":"HS256","typ":"JWT"}"#, nil),
            (#"{"alg":"HS256","typ":"JWT","kid":"../../k1"}"#, "unknown_key"),
            (#"{"alg":"HS256","typ":"JWT","kid":"k1","crit":["exp"]}"#, "unsupported_extension"),
            (#"{"alg":"HS256","typ":"JWT","kid":"k1","crit":[]}"#, "unsupported_extension"),
            (#"{"alg":"HS256","typ":"JWT","kid":"k1","crit":null}"#, "unsupported_extension"),
            (#"{"alg":"HS256","typ":"JWT","kid":"k1","b64":false,"crit":["b64"]}"#, "unsupported_extension"),
            (#"{"alg":"HS256","typ":"JWT","kid":"k1","b64":true}"#, "unsupported_extension"),
            (#"{"alg":"HS256","typ":"dpop+jwt","kid":"k1"}"#, "wrong_type"), (#"{"alg":"HS256","kid":"k1"}"#, "wrong_type"),
            (#"{"alg":"HS256","typ":null,"kid":"k1"}"#, "malformed"), (#"[]"#, "malformed"), (#""x""#, "malformed"), ("", "malformed"),
            (#"{"alg":"HS256","typ":"JWT","kid":"k1"}{}"#, "malformed"), ("{", "malformed"),
            (#"{"alg":"HS256","typ":"JWT","kid":"k1","jwk":{"kty":"oct","k":"AAAA"}}"#, nil),
        ] as [(String, String?)])
    func header(_ header: String, _ reason: String?) throws {
        #expect(Forge.reason(Forge.token(header: header), try Forge.verifier()) == reason)
    }

    @Test(
        "the claims must be exactly what is expected",
        arguments: [
            (#"{"iss":"https://issuer","aud":"shop","exp":1800000600}"#, nil),
            (#"{"iss":"https://issuer","aud":["x","shop"],"exp":1800000600}"#, nil),
            (#"{"iss":"https://issuer","aud":"shop","exp":1800000600.5}"#, nil),
            (#"{"iss":"https://issuer","aud":"shop","exp":1.8000006e9}"#, nil),
            (#"{"aud":"shop","exp":1800000600}"#, "missing_claim"), (#"{"iss":"https://issuer","exp":1800000600}"#, "missing_claim"),
            (#"{"iss":"https://issuer","aud":"shop"}"#, "missing_claim"),
            (#"{"iss":"https://issuer/","aud":"shop","exp":1800000600}"#, "wrong_issuer"),
            (#"{"iss":["https://issuer"],"aud":"shop","exp":1800000600}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shops","exp":1800000600}"#, "wrong_audience"),
            (#"{"iss":"https://issuer","aud":[],"exp":1800000600}"#, "wrong_audience"),
            (#"{"iss":"https://issuer","aud":["shop",7],"exp":1800000600}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":{"shop":1},"exp":1800000600}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":null,"exp":1800000600}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1799999971}"#, nil),
            (#"{"iss":"https://issuer","aud":"shop","exp":1799999970}"#, "expired"),
            (#"{"iss":"https://issuer","aud":"shop","exp":0}"#, "expired"),
            (#"{"iss":"https://issuer","aud":"shop","exp":-1}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":"1800000600"}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":true}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":null}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1e300}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1e999}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":99999999999999999999}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":253402300799}"#, nil),
            (#"{"iss":"https://issuer","aud":"shop","exp":253402300800}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1800000600,"nbf":1800000030}"#, nil),
            (#"{"iss":"https://issuer","aud":"shop","exp":1800000600,"nbf":1800000031}"#, "not_yet_valid"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1800000600,"iat":1800000031}"#, "not_yet_valid"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1800000600,"nbf":"x"}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1800000600,"sub":7}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1800000600,"jti":[]}"#, "malformed"),
            (#"{"iss":"https://issuer","aud":"shop","exp":1799999000,"exp":1800000600}"#, "malformed"), ("[]", "malformed"),
            ("", "malformed"),
            (
                #"{"iss":"https://issuer","aud":"shop","exp":1800000600,"deep":"#
                    + String(repeating: "[", count: 200) + String(repeating: "]", count: 200) + "}", "malformed"
            ),
        ] as [(String, String?)])
    func claims(_ claims: String, _ reason: String?) throws {
        #expect(Forge.reason(Forge.token(claims: claims), try Forge.verifier()) == reason)
    }

    @Test("the form must be three parts of strict base64url")
    func form() throws {
        let verifier = try Forge.verifier()
        let token = Forge.token()
        let parts = token.split(separator: ".").map(String.init)
        for bad in [
            "", ".", "..", "...", parts[0], parts[0] + "." + parts[1], token + ".", token + "." + parts[2], "." + token, token + "=",
            token + " ",
            " " + token, token + "\n", parts[0] + "=." + parts[1] + "." + parts[2], parts[0] + ".." + parts[2],
            #"{"payload":"\#(parts[1])","protected":"\#(parts[0])","signature":"\#(parts[2])"}"#,
        ] {
            let reason = Forge.reason(bad, verifier)
            #expect(reason == "malformed" || reason == "bad_signature", "\(bad): \(reason ?? "accepted")")
        }
        #expect(Forge.reason(parts[0] + "." + parts[1] + ".", verifier) == "bad_signature")
        #expect(Forge.reason(String(repeating: "a", count: 8193), verifier) == "too_large")
        #expect(Forge.reason(String(repeating: ".", count: 8192), verifier) == "malformed")
    }

    @Test("a token with any one bit changed is refused")
    func bits() throws {
        let verifier = try Forge.verifier()
        let token = Array(Forge.token().utf8)
        for index in token.indices {
            for bit in 0..<7 {
                var changed = token
                changed[index] ^= 1 << UInt8(bit)
                #expect(Forge.reason(String(decoding: changed, as: UTF8.self), verifier) != nil)
            }
        }
    }

    @Test("of several keys the exact id decides, and without one none does")
    func several() throws {
        let other = [UInt8](repeating: 8, count: 32)
        let elliptic = P256.Signing.PrivateKey()
        let verifier = try Forge.verifier(keys: [
            .hmac(Forge.secret, algorithm: .hs256, id: "k1"), .hmac(other, algorithm: .hs256, id: "k2"),
            .es256(elliptic.publicKey, id: "e1"),
        ])
        #expect(Forge.reason(Forge.token(), verifier) == nil)
        #expect(Forge.reason(Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"k2"}"#, secret: other), verifier) == nil)
        #expect(Forge.reason(Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"k2"}"#), verifier) == "bad_signature")
        #expect(Forge.reason(Forge.token(header: #"{"alg":"HS256","typ":"JWT"}"#), verifier) == "unknown_key")
        // The public key's bytes as an HMAC secret: the classic confusion.
        let confused = Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"e1"}"#, secret: Array(elliptic.publicKey.x963Representation))
        #expect(Forge.reason(confused, verifier) == "algorithm_not_allowed")
    }

    @Test("canonically equivalent ids are different ids")
    func unicodeIDs() throws {
        let verifier = try Forge.verifier(keys: [.hmac(Forge.secret, algorithm: .hs256, id: "caf\u{e9}")])
        #expect(Forge.reason(Forge.token(header: "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"caf\u{e9}\"}"), verifier) == nil)
        #expect(Forge.reason(Forge.token(header: "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"cafe\u{301}\"}"), verifier) == "unknown_key")
    }

    @Test("keys that cannot be told apart or are too short are refused at once")
    func keys() throws {
        #expect(throws: KeyError.noKeys) { try SignatureVerifier(keys: []) }
        let a = try VerificationKey.hmac(Forge.secret, algorithm: .hs256, id: "a")
        #expect(throws: KeyError.ambiguousIDs) { try SignatureVerifier(keys: [a, a]) }
        #expect(throws: KeyError.ambiguousIDs) {
            try SignatureVerifier(keys: [a, try VerificationKey.hmac(Forge.secret, algorithm: .hs256)])
        }
        for (algorithm, size) in [(SigningAlgorithm.hs256, 32), (.hs384, 48), (.hs512, 64)] {
            #expect(throws: KeyError.tooShort(minimumBytes: size)) {
                try VerificationKey.hmac([UInt8](repeating: 1, count: size - 1), algorithm: algorithm)
            }
            _ = try VerificationKey.hmac([UInt8](repeating: 1, count: size), algorithm: algorithm)
        }
        #expect(throws: KeyError.algorithmMismatch) { try VerificationKey.hmac(Forge.secret, algorithm: .es256) }
    }

    @Test("what is issued is verified, with every kind of key")
    func issue() throws {
        let now: @Sendable () -> Timestamp = { Timestamp(microseconds: Forge.now * 1_000_000) }
        for key in [
            try SigningKey.hs256(Forge.secret, id: "h"), .es256(P256.Signing.PrivateKey(), id: "e"),
            .ed25519(Curve25519.Signing.PrivateKey(), id: "d"),
            .ed25519(Curve25519.Signing.PrivateKey()),
        ] {
            let issuer = TokenIssuer(key: key, issuer: "https://issuer", audience: "shop", now: now)
            let token = try issuer.issue(subject: "ann", lifetimeSeconds: 60, claims: ["roles": ["editor"], "sub": "eve", "scope": "a b"])
            let verified = try Forge.verifier(keys: [key.verificationKey]).verify(token)
            #expect(verified.subject == "ann")
            #expect(verified.algorithm == key.algorithm)
            #expect(verified.keyID == key.id)
            #expect(verified.id?.utf8.count == 32)
            let principal = try #require(Principal(token: verified))
            #expect(principal.roles == ["editor"])
            #expect(principal.scopes == ["a", "b"])
        }
        for (key, algorithm) in [(P384.Signing.PrivateKey(), "ES384")] {
            let text = Forge.part(#"{"alg":"\#(algorithm)"}"#) + "." + Forge.part("x")
            let token = text + "." + Forge.part(Array(try key.signature(for: Array(text.utf8)).rawRepresentation))
            #expect(try SignatureVerifier(keys: [.es384(key.publicKey)]).verify(token).payload == Array("x".utf8))
        }
    }
}
