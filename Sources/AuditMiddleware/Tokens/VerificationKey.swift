public import Crypto

/// A key that verifies signatures of exactly one algorithm. A token that names another is refused, whatever its header says.
public struct VerificationKey: Sendable {
    enum Material: Sendable {
        case hmac256(SymmetricKey)
        case hmac384(SymmetricKey)
        case hmac512(SymmetricKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// The `kid` that tokens name it by; a key without one verifies tokens without one.
    public let id: String?
    public let algorithm: SigningAlgorithm
    let material: Material

    init(id: String?, algorithm: SigningAlgorithm, material: Material) {
        (self.id, self.algorithm, self.material) = (id, algorithm, material)
    }

    /// A shared secret for HS256, HS384 or HS512.
    /// - Throws: `KeyError` when it is shorter than the hash (32, 48, 64 bytes), or the algorithm is another.
    public static func hmac(_ secret: [UInt8], algorithm: SigningAlgorithm, id: String? = nil) throws(KeyError) -> VerificationKey {
        let key = SymmetricKey(data: secret)
        let (minimum, material): (Int, Material)
        switch algorithm {
        case .hs256: (minimum, material) = (32, .hmac256(key))
        case .hs384: (minimum, material) = (48, .hmac384(key))
        case .hs512: (minimum, material) = (64, .hmac512(key))
        default: throw .algorithmMismatch
        }
        guard secret.count >= minimum else { throw .tooShort(minimumBytes: minimum) }
        return VerificationKey(id: id, algorithm: algorithm, material: material)
    }

    /// A public key for ES256.
    public static func es256(_ key: P256.Signing.PublicKey, id: String? = nil) -> VerificationKey {
        VerificationKey(id: id, algorithm: .es256, material: .p256(key))
    }
    /// A public key for ES384.
    public static func es384(_ key: P384.Signing.PublicKey, id: String? = nil) -> VerificationKey {
        VerificationKey(id: id, algorithm: .es384, material: .p384(key))
    }
    /// A public key for ES512.
    public static func es512(_ key: P521.Signing.PublicKey, id: String? = nil) -> VerificationKey {
        VerificationKey(id: id, algorithm: .es512, material: .p521(key))
    }
    /// A public key for EdDSA.
    public static func ed25519(_ key: Curve25519.Signing.PublicKey, id: String? = nil) -> VerificationKey {
        VerificationKey(id: id, algorithm: .edDSA, material: .ed25519(key))
    }

    /// Whether `signature` is this key's over `message`. HMACs are compared in constant time; ECDSA signatures are r and s (RFC 7518 §3.4).
    func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        switch material {
        case .hmac256(let key): return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: message, using: key)
        case .hmac384(let key): return HMAC<SHA384>.isValidAuthenticationCode(signature, authenticating: message, using: key)
        case .hmac512(let key): return HMAC<SHA512>.isValidAuthenticationCode(signature, authenticating: message, using: key)
        case .p256(let key):
            guard signature.count == 64, let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else {
                return false
            }
            return key.isValidSignature(signature, for: message)
        case .p384(let key):
            guard signature.count == 96, let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else {
                return false
            }
            return key.isValidSignature(signature, for: message)
        case .p521(let key):
            guard signature.count == 132, let signature = try? P521.Signing.ECDSASignature(rawRepresentation: signature) else {
                return false
            }
            return key.isValidSignature(signature, for: message)
        case .ed25519(let key):
            return signature.count == 64 && key.isValidSignature(signature, for: message)
        }
    }
}
