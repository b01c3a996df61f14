/// A JWS signature algorithm by its registered name (RFC 7518 §3.1, RFC 8037 §3.1).
public struct SigningAlgorithm: Sendable, Hashable, CustomStringConvertible {
    enum Kind: String, Sendable, CaseIterable {
        case hs256 = "HS256"
        case hs384 = "HS384"
        case hs512 = "HS512"
        case rs256 = "RS256"
        case rs384 = "RS384"
        case rs512 = "RS512"
        case ps256 = "PS256"
        case ps384 = "PS384"
        case ps512 = "PS512"
        case es256 = "ES256"
        case es384 = "ES384"
        case es512 = "ES512"
        case edDSA = "EdDSA"
    }

    let kind: Kind
    private init(_ kind: Kind) { self.kind = kind }

    /// The algorithm of this registered name, which is case-sensitive; nil for another.
    public init?(name: some StringProtocol) {
        guard let kind = Kind.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name.utf8) }) else { return nil }
        self.kind = kind
    }

    public var name: String { kind.rawValue }
    public var description: String { name }

    public static let hs256 = SigningAlgorithm(.hs256)
    public static let hs384 = SigningAlgorithm(.hs384)
    public static let hs512 = SigningAlgorithm(.hs512)
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    public static let rs256 = SigningAlgorithm(.rs256)
    public static let rs384 = SigningAlgorithm(.rs384)
    public static let rs512 = SigningAlgorithm(.rs512)
    /// RSASSA-PSS with SHA-256 and a salt of its length.
    public static let ps256 = SigningAlgorithm(.ps256)
    public static let ps384 = SigningAlgorithm(.ps384)
    public static let ps512 = SigningAlgorithm(.ps512)
    public static let es256 = SigningAlgorithm(.es256)
    public static let es384 = SigningAlgorithm(.es384)
    public static let es512 = SigningAlgorithm(.es512)
    /// EdDSA with Ed25519.
    public static let edDSA = SigningAlgorithm(.edDSA)

    /// Whether who verifies can also sign.
    public var isSymmetric: Bool { [.hs256, .hs384, .hs512].contains(kind) }
    var isRSA: Bool { [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512].contains(kind) }

    /// All that do not share a secret, those first that are best.
    public static let asymmetric: [SigningAlgorithm] = [
        .edDSA, .es256, .es384, .es512, .ps256, .ps384, .ps512, .rs256, .rs384, .rs512,
    ]
}

/// Why a key, or a set of keys, cannot be used.
public enum KeyError: Error, Sendable, Hashable {
    /// An HMAC key shorter than its hash (RFC 7518 §3.2).
    case tooShort(minimumBytes: Int)
    /// The algorithm is not one of this kind of key, or not among those allowed.
    case algorithmMismatch
    /// No key at all.
    case noKeys
    /// Two keys of one id, or several of which one has none: nothing says which is meant.
    case ambiguousIDs
    /// Not a JWK or a set of them; or a member, named here, is missing or not what RFC 7518 §6 says.
    case malformed(String)
    /// A kind of key, curve or algorithm that is not known here.
    case unsupported
    /// `use` or `key_ops` say that it is for something else.
    case wrongUse
    /// An RSA modulus below 2048 or above 8192 bits, an even or too small exponent, or primes that can be guessed (CVE-2017-15361).
    case weak
    /// Shared secrets and public keys in one set: who reads the set could sign.
    case mixedKinds
    /// A private or a shared key, where only public ones belong.
    case exposed
    /// More keys than are looked at.
    case tooMany
}
