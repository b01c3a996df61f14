public import AuditEvents

/// Who makes a request, as some authentication scheme found.
public struct Principal: Sendable {
    /// The id that the issuer gave: a token's `sub`.
    public var id: String
    public var name: String?
    public var kind: ActorKind
    public var roles: Set<String>
    public var scopes: Set<String>
    /// The session's id, where the credential names one. Never goes into an event; its fingerprint does.
    public var sessionID: String?
    /// The fingerprint of `sessionID`, where it was made already.
    var sessionFingerprint: String?
    /// The verified token, where the principal came with one.
    public var token: VerifiedToken?

    public init(
        id: String, name: String? = nil, kind: ActorKind = .user, roles: Set<String> = [], scopes: Set<String> = [],
        sessionID: String? = nil,
        token: VerifiedToken? = nil
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.roles = roles
        self.scopes = scopes
        self.sessionID = sessionID
        self.token = token
    }

    /// The principal that a verified token speaks for: `sub`, `name`, `roles`, `scope` (RFC 8693 §4.2, RFC 9068 §2.2.3.1) and `sid`.
    public init?(token: VerifiedToken) {
        guard let subject = token.subject else { return nil }
        let scope = token.claims["scope"]?.string ?? ""
        self.init(
            id: subject, name: token.claims["name"]?.string, roles: Set((token.claims["roles"]?.array ?? []).compactMap(\.string)),
            scopes: Set(scope.split(separator: " ").map(String.init)), sessionID: token.claims["sid"]?.string, token: token)
    }
}
