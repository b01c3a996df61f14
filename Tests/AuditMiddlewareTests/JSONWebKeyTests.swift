import AuditEvents
import Crypto
import CryptoExtras
import Testing

@testable import AuditMiddleware

@Suite struct JSONWebKeyTests {
    static let rsa: _RSA.Signing.PrivateKey? = try? _RSA.Signing.PrivateKey(keySize: .bits2048)

    static func error(_ json: JSONObject, allowing: [SigningAlgorithm] = SigningAlgorithm.all) -> KeyError? {
        do throws(KeyError) {
            _ = try JSONWebKey(json).verificationKey(allowing: allowing)
            return nil
        } catch { return error }
    }

    static let ec: JSONObject = VerificationKey.es256(P256.Signing.PrivateKey().publicKey, id: "e").jsonWebKey ?? [:]
    static let okp: JSONObject = VerificationKey.ed25519(Curve25519.Signing.PrivateKey().publicKey, id: "o").jsonWebKey ?? [:]
    static let oct: JSONObject = ["kty": "oct", "alg": "HS256", "k": .string(Forge.part(Forge.secret))]

    @Test("a key must be exactly what RFC 7517 and 7518 say")
    func strict() throws {
        func changed(_ json: JSONObject, _ member: String, _ value: JSONValue?) -> JSONObject {
            var json = json
            json[member] = value
            return json
        }
        #expect(Self.error(Self.ec) == nil && Self.error(Self.okp) == nil && Self.error(Self.oct) == nil)
        let x = try #require(Self.ec["x"]?.string)
        let cases: [(JSONObject, KeyError)] = [
            ([:], .malformed("kty")), (changed(Self.ec, "kty", 1), .malformed("kty")), (changed(Self.ec, "kty", "ec"), .unsupported),
            (changed(Self.ec, "kty", "OKP"), .unsupported), (changed(Self.ec, "crv", "P-384"), .malformed("x")),
            (changed(Self.ec, "crv", "secp256k1"), .unsupported), (changed(Self.ec, "crv", nil), .malformed("crv")),
            (changed(Self.ec, "x", .string(x + "AA")), .malformed("x")), (changed(Self.ec, "x", .string(x + "=")), .malformed("x")),
            (changed(Self.ec, "x", nil), .malformed("x")), (changed(Self.ec, "x", 7), .malformed("x")),
            (changed(Self.ec, "y", .string(x)), .malformed("x")), (changed(Self.ec, "alg", "ES384"), .algorithmMismatch),
            (changed(Self.ec, "alg", "HS256"), .algorithmMismatch), (changed(Self.ec, "alg", "es256"), .unsupported),
            (changed(Self.ec, "alg", "none"), .unsupported), (changed(Self.ec, "alg", "ES521"), .unsupported),
            (changed(Self.ec, "alg", .null), .malformed("alg")), (changed(Self.ec, "use", "enc"), .wrongUse),
            (changed(Self.ec, "use", "SIG"), .wrongUse), (changed(Self.ec, "use", ["sig"]), .malformed("use")),
            (changed(Self.ec, "key_ops", ["sign"]), .wrongUse), (changed(Self.ec, "key_ops", []), .wrongUse),
            (changed(Self.ec, "key_ops", "verify"), .malformed("key_ops")),
            (changed(Self.ec, "key_ops", ["verify", "verify"]), .malformed("key_ops")),
            (changed(Self.ec, "key_ops", ["verify", 1]), .malformed("key_ops")), (changed(Self.ec, "kid", 1), .malformed("kid")),
            (changed(Self.ec, "kid", .string(String(repeating: "k", count: 257))), .malformed("kid")),
            (changed(Self.okp, "crv", "X25519"), .unsupported), (changed(Self.okp, "crv", "Ed448"), .unsupported),
            (changed(Self.okp, "x", .string(x + "AA")), .malformed("x")), (changed(Self.okp, "alg", "ES256"), .algorithmMismatch),
            (changed(Self.oct, "k", ""), .tooShort(minimumBytes: 32)), (changed(Self.oct, "k", nil), .malformed("k")),
            (changed(Self.oct, "alg", "HS384"), .tooShort(minimumBytes: 48)), (changed(Self.oct, "alg", "RS256"), .algorithmMismatch),
            (changed(Self.oct, "k", .string(String(repeating: "A", count: 4096))), .malformed("k")),
        ]
        for (json, expected) in cases { #expect(Self.error(json) == expected, "\(json)") }
        #expect(Self.error(changed(Self.ec, "key_ops", ["verify"])) == nil)
        #expect(Self.error(changed(Self.ec, "x5c", [1])) == nil)
        #expect(Self.error(Self.ec, allowing: [.rs256]) == .algorithmMismatch)
        #expect(Self.error(changed(Self.ec, "alg", nil), allowing: [.es256]) == nil)
    }

    @Test("an RSA key must have 2048 to 8192 bits and a sane exponent, and gets its algorithm from the list alone")
    func rsa() throws {
        let key = try VerificationKey.rsa(try #require(Self.rsa).publicKey, algorithm: .rs256, id: "r")
        var json = try #require(key.jsonWebKey)
        #expect(Self.error(json) == nil)
        for (e, expected) in [
            ("AQ", KeyError.weak), ("Ag", .weak), ("AAEAAQ", .malformed("e")), ("", .malformed("e")), ("AQAAAAE", .weak), ("AQAA", .weak),
        ] {
            var changed = json
            changed["e"] = .string(e)
            #expect(Self.error(changed) == expected, "\(e)")
        }
        for size in [0, 1, 128, 255, 1025] {
            var changed = json
            changed["n"] = .string(Forge.part([UInt8](repeating: 0xff, count: size)))
            #expect(Self.error(changed) == (size == 0 ? .malformed("n") : .weak), "\(size)")
        }
        var even = json
        even["n"] = .string(Forge.part([UInt8](repeating: 0xfe, count: 256)))
        #expect(Self.error(even) == .weak)
        json["alg"] = nil
        #expect(try JSONWebKey(json).verificationKey(allowing: [.es256, .ps384, .rs256]).algorithm == .ps384)
        #expect(Self.error(json, allowing: [.es256]) == .algorithmMismatch)
        json["alg"] = "RS512"
        #expect(Self.error(json, allowing: [.rs256]) == .algorithmMismatch)
        #expect(!RSAKeyRules.hasGuessablePrimes(Array(try #require(Self.rsa).publicKey.getKeyPrimitives().modulus)))
    }

    @Test("every RSA algorithm signs what it verifies, and none what another does")
    func rsaAlgorithms() throws {
        let rsa = try #require(Self.rsa)
        let algorithms: [SigningAlgorithm] = [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
        let text = Array("header.payload".utf8)
        for one in algorithms {
            let signature = try SigningKey.rsa(rsa, algorithm: one).signature(over: text)
            for other in algorithms {
                #expect(try VerificationKey.rsa(rsa.publicKey, algorithm: other).isValid(signature, over: text[...]) == (one == other))
            }
            #expect(try !VerificationKey.rsa(rsa.publicKey, algorithm: one).isValid([0] + signature, over: text[...]))
            #expect(try !VerificationKey.rsa(rsa.publicKey, algorithm: one).isValid([], over: text[...]))
        }
        #expect(throws: KeyError.algorithmMismatch) { try VerificationKey.rsa(rsa.publicKey, algorithm: .es256) }
    }

    @Test("a set passes over what it cannot use, and never guesses which of two keys is meant")
    func sets() throws {
        func ids(_ keys: [JSONObject], onlyPublic: Bool = false) -> Result<[String?], KeyError> {
            Result { () throws(KeyError) in
                try JSONWebKeySet(["keys": .array(keys.map { .object($0) })])
                    .verificationKeys(allowing: SigningAlgorithm.all, onlyPublic: onlyPublic).map(\.id)
            }
        }
        var (second, nameless) = (Self.okp, Self.ec)
        second["kid"] = "e"
        nameless["kid"] = nil
        #expect(ids([Self.ec, Self.okp]) == .success(["e", "o"]))
        #expect(ids([Self.ec, Self.okp, ["kty": "what"]]) == .success(["e", "o"]))
        #expect(ids([Self.ec, second]) == .failure(.ambiguousIDs))
        #expect(ids([Self.ec, second, Self.okp]) == .success(["o"]))
        #expect(ids([nameless]) == .success([nil]))
        #expect(ids([nameless, Self.okp]) == .success(["o"]))
        #expect(ids([Self.ec, Self.oct]) == .failure(.mixedKinds))
        #expect(ids([Self.ec, Self.oct], onlyPublic: true) == .success(["e"]))
        #expect(ids([Self.oct], onlyPublic: true) == .failure(.noKeys))
        #expect(ids([]) == .failure(.noKeys))
        #expect(ids(Array(repeating: Self.ec, count: 65)) == .failure(.tooMany))
    }

    @Test("the thumbprint is RFC 7638's")
    func thumbprint() throws {
        // The example of RFC 7638 §3.1.
        let json: JSONObject = [
            "kty": "RSA",
            "n":
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        ]
        #expect(
            try JSONWebKey(json).verificationKey(allowing: [.rs256]).thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        #expect(try VerificationKey.hmac(Forge.secret, algorithm: .hs256).thumbprint == nil)
    }
}
