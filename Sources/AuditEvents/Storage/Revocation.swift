/// A taken-back token, session or account, by a hash; kept until the last token that it concerns has expired.
public struct Revocation: Sendable, Hashable {
    /// The hash of what is revoked: `key(_:issuer:_:)`.
    public var key: SecretHash
    /// Concerns only tokens issued at or before this moment; nil: all.
    public var issuedUntil: Timestamp?
    /// When the tokens concerned have expired.
    public var expires: Timestamp

    public init(key: SecretHash, issuedUntil: Timestamp? = nil, expires: Timestamp) {
        (self.key, self.issuedUntil, self.expires) = (key, issuedUntil, expires)
    }

    /// What can be revoked.
    public enum Kind: String, Sendable, Hashable {
        /// One token, by its `jti`.
        case token = "jti"
        /// All tokens of one sign-in, by their `sid`.
        case session = "sid"
        /// All tokens of an account so far, by their `sub`.
        case account = "sub"
    }

    public static func key(_ kind: Kind, issuer: String, _ value: String) -> SecretHash {
        SecretHash(of: "\(kind.rawValue)\0\(issuer)\0\(value)")
    }

    /// What both say together.
    public func merged(with other: Revocation) -> Revocation {
        var issued: Timestamp?
        if let a = issuedUntil, let b = other.issuedUntil { issued = max(a, b) }
        return Revocation(key: key, issuedUntil: issued, expires: max(expires, other.expires))
    }
}

/// Up to where a reader of revocations has read; what is in it is the store's affair.
public struct RevocationCursor: Sendable, Hashable {
    public let text: String
    public init(_ text: String) { self.text = text }
}
