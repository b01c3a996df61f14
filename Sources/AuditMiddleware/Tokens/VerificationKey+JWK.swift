public import AuditEvents
import Crypto
import CryptoExtras

extension VerificationKey {
    /// The key's own members, as a JWK has them; nil for a shared secret, which nothing here ever writes out.
    private var publicMembers: JSONObject? {
        func text(_ bytes: some Collection<UInt8>) -> JSONValue { .string(String(decoding: Base64URL.encode(bytes), as: UTF8.self)) }
        func curve(_ name: String, _ point: [UInt8]) -> JSONObject {
            let size = point.count / 2
            return ["kty": "EC", "crv": .string(name), "x": text(point[..<size]), "y": text(point[size...])]
        }
        switch material {
        case .hmac: return nil
        case .rsa(let key):
            guard let numbers = try? key.getKeyPrimitives() else { return nil }
            return ["kty": "RSA", "n": text(Array(numbers.modulus)), "e": text(Array(numbers.publicExponent))]
        case .p256(let key): return curve("P-256", Array(key.rawRepresentation))
        case .p384(let key): return curve("P-384", Array(key.rawRepresentation))
        case .p521(let key): return curve("P-521", Array(key.rawRepresentation))
        case .ed25519(let key): return ["kty": "OKP", "crv": "Ed25519", "x": text(Array(key.rawRepresentation))]
        }
    }

    /// The public key as a JWK, with `alg`, `use` and `kid`; nil for a shared secret.
    public var jsonWebKey: JSONObject? {
        guard var json = publicMembers else { return nil }
        json["alg"] = .string(algorithm.name)
        json["use"] = "sig"
        if let id { json["kid"] = .string(id) }
        return json
    }

    /// The SHA-256 thumbprint of the public key in base64url (RFC 7638); nil for a shared secret.
    public var thumbprint: String? {
        guard let publicMembers else { return nil }
        return String(decoding: Base64URL.encode(Array(SHA256.hash(data: CanonicalJSON.encode(.object(publicMembers))))), as: UTF8.self)
    }
}
