public import Crypto
public import CryptoExtras

/// A key that verifies signatures of exactly one algorithm. A token that names another is refused, whatever its header says.
public struct VerificationKey: Sendable {
    enum Material: Sendable {
        case hmac(SymmetricKey)
        case rsa(_RSA.Signing.PublicKey)
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
        let minimum: Int
        switch algorithm {
        case .hs256: minimum = 32
        case .hs384: minimum = 48
        case .hs512: minimum = 64
        default: throw .algorithmMismatch
        }
        guard secret.count >= minimum else { throw .tooShort(minimumBytes: minimum) }
        return VerificationKey(id: id, algorithm: algorithm, material: .hmac(SymmetricKey(data: secret)))
    }

    /// A public key for one of RS256 to PS512.
    /// - Throws: `KeyError.algorithmMismatch`; `.weak` for a modulus below 2048 or above 8192 bits, a bad exponent, primes that can be guessed.
    public static func rsa(_ key: _RSA.Signing.PublicKey, algorithm: SigningAlgorithm, id: String? = nil) throws(KeyError)
        -> VerificationKey
    {
        guard algorithm.isRSA else { throw .algorithmMismatch }
        guard let numbers = try? key.getKeyPrimitives() else { throw .malformed("n") }
        try RSAKeyRules.check(modulus: Array(numbers.modulus), exponent: Array(numbers.publicExponent))
        return VerificationKey(id: id, algorithm: algorithm, material: .rsa(key))
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
    func isValid(_ signature: [UInt8], over message: ArraySlice<UInt8>) -> Bool {
        switch material {
        case .hmac(let key):
            switch algorithm.kind {
            case .hs384: return HMAC<SHA384>.isValidAuthenticationCode(signature, authenticating: message, using: key)
            case .hs512: return HMAC<SHA512>.isValidAuthenticationCode(signature, authenticating: message, using: key)
            default: return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: message, using: key)
            }
        case .rsa(let key):
            // RFC 8017 §8.1.2, §8.2.2: exactly as long as the modulus.
            guard signature.count == (key.keySizeInBits + 7) / 8 else { return false }
            let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
            switch algorithm.kind {
            case .rs256: return key.isValidSignature(signature, for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5)
            case .rs384: return key.isValidSignature(signature, for: SHA384.hash(data: message), padding: .insecurePKCS1v1_5)
            case .rs512: return key.isValidSignature(signature, for: SHA512.hash(data: message), padding: .insecurePKCS1v1_5)
            case .ps256: return key.isValidSignature(signature, for: SHA256.hash(data: message), padding: .PSS)
            case .ps384: return key.isValidSignature(signature, for: SHA384.hash(data: message), padding: .PSS)
            case .ps512: return key.isValidSignature(signature, for: SHA512.hash(data: message), padding: .PSS)
            default: return false
            }
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
