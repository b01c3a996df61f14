public import Crypto

/// A key that signs, for tokens of one's own.
public struct SigningKey: Sendable {
    enum Material: Sendable {
        case hmac256(SymmetricKey)
        case p256(P256.Signing.PrivateKey)
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
        SigningKey(
            material: .hmac256(SymmetricKey(data: secret)), verificationKey: try VerificationKey.hmac(secret, algorithm: .hs256, id: id))
    }
    /// A private key for ES256.
    public static func es256(_ key: P256.Signing.PrivateKey, id: String? = nil) -> SigningKey {
        SigningKey(material: .p256(key), verificationKey: .es256(key.publicKey, id: id))
    }
    /// A private key for EdDSA.
    public static func ed25519(_ key: Curve25519.Signing.PrivateKey, id: String? = nil) -> SigningKey {
        SigningKey(material: .ed25519(key), verificationKey: .ed25519(key.publicKey, id: id))
    }

    func signature(over message: [UInt8]) throws -> [UInt8] {
        switch material {
        case .hmac256(let key): Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        case .p256(let key): Array(try key.signature(for: message).rawRepresentation)
        case .ed25519(let key): Array(try key.signature(for: message))
        }
    }
}
