import AuditEvents
import Foundation
import Testing

@testable import AuditMiddleware

/// The worked examples of RFC 7520, RFC 8037 and RFC 7797.
@Suite(.enabled(if: JoseData.isPresent, JoseData.absent)) struct CookbookTests {
    struct Example {
        var key: JSONObject
        var payload: String
        var output: JSONObject
        var protected: String
        var isReproducible: Bool

        init(_ name: String) throws {
            let json = try JoseData.read(name)
            let input = try #require(json["input"]?.object)
            key = try #require(input["key"]?.object)
            payload = try #require(input["payload"]?.string)
            output = try #require(json["output"]?.object)
            protected = json["signing"]?.object?["protected_b64u"]?.string ?? ""
            isReproducible = json["reproducible"] == true
        }
    }

    @Test(
        "what the cookbook signed is verified, and signed again by its key gives the same or is verified",
        arguments: [
            ("jws/4_1.rsa_v15_signature.json", "RS256"), ("jws/4_2.rsa-pss_signature.json", "PS384"),
            ("jws/4_3.ecdsa_signature.json", "ES512"), ("jws/4_4.hmac-sha2_integrity_protection.json", "HS256"),
            ("jws/4_5.signature_with_detached_content.json", "HS256"), ("curve25519/jws.json", "EdDSA"),
        ])
    func roundTrip(_ name: String, _ algorithm: String) throws {
        let example = try Example(name)
        let algorithm = try #require(SigningAlgorithm(name: algorithm))
        let compact = try #require(example.output["compact"]?.string)
        let jwk = try JSONWebKey(example.key)
        let verifier = try SignatureVerifier(keys: [jwk.verificationKey(allowing: [algorithm])])
        // Content that was detached is put back (RFC 7515 appendix F).
        let middle = Forge.part(example.payload)
        let token = compact.replacing("..", with: "." + middle + ".")
        #expect(try verifier.verify(token).payload == Array(example.payload.utf8))
        let key = try jwk.signingKey(algorithm: algorithm)
        let text = example.protected + "." + middle
        let again = text + "." + Forge.part(try key.signature(over: Array(text.utf8)))
        #expect(try verifier.verify(again).payload == Array(example.payload.utf8))
        if example.isReproducible { #expect(again == token) }
    }

    @Test("what is not in compact serialization, unprotected or of an extension is refused")
    func refusals() throws {
        for name in ["jws/4_6.protecting_specific_header_fields.json", "jws/4_7.protecting_content_only.json"] {
            let example = try Example(name)
            let verifier = try SignatureVerifier(keys: [JSONWebKey(example.key).verificationKey(allowing: SigningAlgorithm.all)])
            for member in ["json", "json_flat"] {
                let text = String(decoding: CanonicalJSON.encode(try #require(example.output[member])), as: UTF8.self)
                #expect(throws: TokenRejection(.malformed)) { try verifier.verify(text) }
            }
        }
        let unencoded = try Example("rfc7797/hmac-sha2_b64_false.json")
        let verifier = try SignatureVerifier(keys: [JSONWebKey(unencoded.key).verificationKey(allowing: [.hs256])])
        let token = try #require(unencoded.output["compact"]?.string ?? "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..x")
        #expect((try? verifier.verify(token)) == nil)
    }

    @Test("keys of the cookbook are read, written out without their private part, and read again")
    func keys() throws {
        for (name, isPrivate) in [
            ("3_1.ec_public_key", false), ("3_2.ec_private_key", true), ("3_3.rsa_public_key", false), ("3_4.rsa_private_key", true),
        ] {
            let json = try JoseData.read("jwk/\(name).json")
            let jwk = try JSONWebKey(json)
            #expect(jwk.isPrivate == isPrivate)
            let key = try jwk.verificationKey(allowing: SigningAlgorithm.asymmetric)
            let written = try #require(key.jsonWebKey)
            #expect(Set(written.members.map(\.key)).isDisjoint(with: ["d", "p", "q", "dp", "dq", "qi", "k"]))
            for member in ["kty", "crv", "x", "y", "n", "e", "kid"] { #expect(written[member] == json[member]) }
            #expect(try JSONWebKey(written).verificationKey(allowing: SigningAlgorithm.asymmetric).thumbprint == key.thumbprint)
            if isPrivate { #expect(try jwk.signingKey().verificationKey.thumbprint == key.thumbprint) }
        }
        let mac = try JSONWebKey(try JoseData.read("jwk/3_5.symmetric_key_mac_computation.json"))
        #expect(mac.isSymmetric && mac.isPrivate)
        #expect(try mac.signingKey().verificationKey.jsonWebKey == nil)
        // For AES: an encryption key is none of ours.
        #expect(throws: KeyError.unsupported) { try JSONWebKey(try JoseData.read("jwk/3_6.symmetric_key_encryption.json")) }
    }
}
