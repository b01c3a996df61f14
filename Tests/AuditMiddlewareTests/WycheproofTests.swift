import AuditEvents
import Testing

@testable import AuditMiddleware

/// C2SP's JWS and JWK vectors.
@Suite(.enabled(if: JoseData.isPresent, JoseData.absent)) struct WycheproofTests {
    static func accepts(_ token: String, _ jwk: JSONObject) -> Bool {
        guard let key = try? JSONWebKey(jwk).verificationKey(allowing: SigningAlgorithm.all),
            let verifier = try? SignatureVerifier(keys: [key])
        else { return false }
        return (try? verifier.verify(token)) != nil
    }

    /// The file's own slips; `slips()` proves each.
    static let slips: Set<Int64> = [346, 350, 367, 370, 372, 373]

    @Test("all 401 signature vectors are judged right")
    func signatures() throws {
        let vectors = try JoseData.vectors("json_web_signature_test.json")
        #expect(vectors.count == 401)
        var accepted = 0
        for vector in vectors {
            let isAccepted = Self.accepts(vector.token, vector.key)
            if isAccepted { accepted += 1 }
            #expect(
                isAccepted == (vector.isValid != Self.slips.contains(vector.number)), "vector \(vector.number): \(vector.comment)")
        }
        // 46 that are called valid, without four that are not, with two that are.
        #expect(accepted == 44)
    }

    /// What is wrong with six vectors, so that no verifier can agree with the file, or only one that breaks the RFC; and that each is judged as the
    /// file says once its slip is mended.
    @Test("six vectors are not what the file says that they are")
    func slips() throws {
        let all = Dictionary(
            uniqueKeysWithValues: try JoseData.vectors("json_web_signature_test.json").map { ($0.number, $0) })
        let valid = try #require(all[357])
        #expect(valid.isValid && Self.accepts(valid.token, valid.key))
        // Called invalid for a padding, they lost it on the way: byte for byte the valid 357. With the padding they are refused.
        for number in [367, 370] as [Int64] {
            let vector = try #require(all[number])
            #expect(!vector.isValid && vector.token == valid.token && vector.key == valid.key)
        }
        #expect(!Self.accepts(valid.token + "=", valid.key))
        let parts = valid.token.split(separator: ".")
        #expect(!Self.accepts("\(parts[0]).\(parts[1])==.\(parts[2])", valid.key))
        // Called valid with a `?` that base64url does not know (RFC 7515 §2 forbids additional characters) and that their MAC, 357's, does not cover.
        for number in [372, 373] as [Int64] {
            let vector = try #require(all[number])
            #expect(vector.isValid && vector.token.contains("?") && vector.key == valid.key)
            #expect(vector.token.filter { $0 != "?" } == valid.token)
        }
        // Called valid, but the key is one for PS256 and the token says PS384 (RFC 7517 §4.4, RFC 8725 §3.1: a key is for one algorithm).
        for number in [346, 350] as [Int64] {
            var vector = try #require(all[number])
            #expect(vector.isValid && vector.key["alg"] == "PS256")
            #expect(try TokenHeader(encoded: Array(vector.token.utf8.prefix { $0 != UInt8(ascii: ".") })[...]).algorithm == "PS384")
            vector.key["alg"] = "PS384"
            #expect(Self.accepts(vector.token, vector.key))
        }
    }

    @Test("all 26 key vectors are judged right")
    func keys() throws {
        let vectors = try JoseData.vectors("json_web_key_test.json")
        #expect(vectors.count == 26)
        for vector in vectors {
            let keys = try? JSONWebKeySet(vector.key).verificationKeys(allowing: SigningAlgorithm.all, onlyPublic: false)
            let verifier = keys.flatMap { try? SignatureVerifier(keys: $0) }
            let isAccepted = (try? verifier?.verify(vector.token)) != nil
            #expect(isAccepted == vector.isValid, "vector \(vector.number): \(vector.comment)")
        }
    }
}
