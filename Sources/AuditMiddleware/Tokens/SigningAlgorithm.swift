/// A JWS signature algorithm by its registered name (RFC 7518 §3.1, RFC 8037 §3.1).
public struct SigningAlgorithm: Sendable, Hashable, CustomStringConvertible {
    public let name: String
    private init(_ name: String) { self.name = name }
    public var description: String { name }

    public static let hs256 = SigningAlgorithm("HS256")
    public static let hs384 = SigningAlgorithm("HS384")
    public static let hs512 = SigningAlgorithm("HS512")
    public static let es256 = SigningAlgorithm("ES256")
    public static let es384 = SigningAlgorithm("ES384")
    public static let es512 = SigningAlgorithm("ES512")
    /// EdDSA with Ed25519.
    public static let edDSA = SigningAlgorithm("EdDSA")
}

/// Why a key cannot be used.
public enum KeyError: Error, Sendable, Hashable {
    /// An HMAC key shorter than its hash (RFC 7518 §3.2).
    case tooShort(minimumBytes: Int)
    /// The algorithm is not one of this kind of key.
    case algorithmMismatch
    /// No key at all.
    case noKeys
    /// Two keys of one id, or several of which one has none: nothing says which is meant.
    case ambiguousIDs
}
