public import AuditEvents

/// A JWT whose signature and claims hold.
public struct VerifiedToken: Sendable {
    public var issuer: String
    public var subject: String?
    public var audience: [String]
    public var expires: Timestamp
    public var issued: Timestamp?
    /// The `jti`.
    public var id: String?
    public var keyID: String?
    public var algorithm: SigningAlgorithm
    /// All claims, those above included.
    public var claims: JSONObject
}
