public import AuditEvents

/// Who makes a request, as some authentication scheme found.
///
/// One reference: it is handed from layer to layer many times and hardly ever changed, and what is remembered of a token is many requests' at once,
/// on all threads, where each part would be a count that they contend for.
public struct Principal: Sendable {
    private struct Fields: Sendable {
        var id: String
        var name: String?
        var kind: ActorKind
        var roles: Set<String>
        var scopes: Set<String>
        var sessionID: String?
        var sessionFingerprint: String?
        var token: VerifiedToken?
    }

    private final class Box: Sendable {
        let fields: Fields
        init(_ fields: Fields) { self.fields = fields }
    }

    private var box: Box

    private mutating func change(_ change: (inout Fields) -> Void) {
        var fields = box.fields
        change(&fields)
        box = Box(fields)
    }

    /// The id that the issuer gave: a token's `sub`.
    public var id: String {
        get { box.fields.id }
        set { change { $0.id = newValue } }
    }
    public var name: String? {
        get { box.fields.name }
        set { change { $0.name = newValue } }
    }
    public var kind: ActorKind {
        get { box.fields.kind }
        set { change { $0.kind = newValue } }
    }
    public var roles: Set<String> {
        get { box.fields.roles }
        set { change { $0.roles = newValue } }
    }
    public var scopes: Set<String> {
        get { box.fields.scopes }
        set { change { $0.scopes = newValue } }
    }
    /// The session's id, where the credential names one. Never goes into an event; its fingerprint does.
    public var sessionID: String? {
        get { box.fields.sessionID }
        set { change { $0.sessionID = newValue } }
    }
    /// The fingerprint of `sessionID`, where it was made already.
    var sessionFingerprint: String? {
        get { box.fields.sessionFingerprint }
        set { change { $0.sessionFingerprint = newValue } }
    }
    /// The verified token, where the principal came with one.
    public var token: VerifiedToken? {
        get { box.fields.token }
        set { change { $0.token = newValue } }
    }

    public init(
        id: String, name: String? = nil, kind: ActorKind = .user, roles: Set<String> = [], scopes: Set<String> = [],
        sessionID: String? = nil,
        token: VerifiedToken? = nil
    ) {
        box = Box(Fields(id: id, name: name, kind: kind, roles: roles, scopes: scopes, sessionID: sessionID, token: token))
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
