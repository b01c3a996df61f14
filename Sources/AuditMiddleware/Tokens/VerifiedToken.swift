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

extension VerifiedToken {
    /// What a token is bound to (RFC 7800 §3.1).
    public enum Binding: Sendable, Hashable {
        /// To nothing: who has it may use it.
        case none
        /// To the key of this thumbprint (`jkt`, RFC 9449 §6.1).
        case key(thumbprint: String)
        /// To something that is not understood here, such as a client certificate.
        case other
    }

    public var binding: Binding { Binding(confirmation: claims["cnf"]) }
}

extension VerifiedToken.Binding {
    /// - Parameter confirmation: the claim `cnf`.
    init(confirmation: JSONValue?) {
        guard let confirmation else {
            self = .none
            return
        }
        guard let members = confirmation.object, members.count == 1, let thumbprint = members["jkt"]?.string else {
            self = .other
            return
        }
        self = .key(thumbprint: thumbprint)
    }
}
