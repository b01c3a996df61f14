public import Crypto
public import CryptoExtras

/// A key that signs, for tokens of one's own.
public struct SigningKey: Sendable {
    enum Material: Sendable {
        case hmac(SymmetricKey)
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case p521(P521.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
    }

    let material: Material
    /// What verifies the signatures, under the same id.
    public let verificationKey: VerificationKey
    public var id: String? { verificationKey.id }
    public var algorithm: SigningAlgorithm { verificationKey.algorithm }

    /// A shared secret for HS256, of 32 bytes or more.
    /// - Throws: `KeyError.tooShort`.
    public static func hs256(_ secret: [UInt8], id: String? = nil) throws(KeyError) -> SigningKey {
        try hmac(secret, algorithm: .hs256, id: id)
    }
    /// A shared secret for HS256, HS384 or HS512.
    /// - Throws: `KeyError` as `VerificationKey.hmac` does.
    public static func hmac(_ secret: [UInt8], algorithm: SigningAlgorithm, id: String? = nil) throws(KeyError) -> SigningKey {
        SigningKey(
            material: .hmac(SymmetricKey(data: secret)), verificationKey: try VerificationKey.hmac(secret, algorithm: algorithm, id: id))
    }
    /// A private key for one of RS256 to PS512.
    /// - Throws: `KeyError` as `VerificationKey.rsa` does.
    public static func rsa(_ key: _RSA.Signing.PrivateKey, algorithm: SigningAlgorithm, id: String? = nil) throws(KeyError) -> SigningKey {
        SigningKey(material: .rsa(key), verificationKey: try VerificationKey.rsa(key.publicKey, algorithm: algorithm, id: id))
    }
    /// A private key for ES256.
    public static func es256(_ key: P256.Signing.PrivateKey, id: String? = nil) -> SigningKey {
        SigningKey(material: .p256(key), verificationKey: .es256(key.publicKey, id: id))
    }
    /// A private key for ES384.
    public static func es384(_ key: P384.Signing.PrivateKey, id: String? = nil) -> SigningKey {
        SigningKey(material: .p384(key), verificationKey: .es384(key.publicKey, id: id))
    }
    /// A private key for ES512.
    public static func es512(_ key: P521.Signing.PrivateKey, id: String? = nil) -> SigningKey {
        SigningKey(material: .p521(key), verificationKey: .es512(key.publicKey, id: id))
    }
    /// A private key for EdDSA.
    public static func ed25519(_ key: Curve25519.Signing.PrivateKey, id: String? = nil) -> SigningKey {
        SigningKey(material: .ed25519(key), verificationKey: .ed25519(key.publicKey, id: id))
    }

    func signature(over message: [UInt8]) throws -> [UInt8] {
        switch material {
        case .hmac(let key):
            switch algorithm.kind {
            case .hs384: Array(HMAC<SHA384>.authenticationCode(for: message, using: key))
            case .hs512: Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
            default: Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
            }
        case .rsa(let key):
            switch algorithm.kind {
            case .rs256: Array(try key.signature(for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5).rawRepresentation)
            case .rs384: Array(try key.signature(for: SHA384.hash(data: message), padding: .insecurePKCS1v1_5).rawRepresentation)
            case .rs512: Array(try key.signature(for: SHA512.hash(data: message), padding: .insecurePKCS1v1_5).rawRepresentation)
            case .ps384: Array(try key.signature(for: SHA384.hash(data: message), padding: .PSS).rawRepresentation)
            case .ps512: Array(try key.signature(for: SHA512.hash(data: message), padding: .PSS).rawRepresentation)
            default: Array(try key.signature(for: SHA256.hash(data: message), padding: .PSS).rawRepresentation)
            }
        case .p256(let key): Array(try key.signature(for: message).rawRepresentation)
        case .p384(let key): Array(try key.signature(for: message).rawRepresentation)
        case .p521(let key): Array(try key.signature(for: message).rawRepresentation)
        case .ed25519(let key): Array(try key.signature(for: message))
        }
    }
}
