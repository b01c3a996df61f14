/// An API key as a store keeps it: everything but the secret.
public struct StoredAPIKey: Sendable, Hashable {
    /// Names the key in the open: in the key's own text, in listings, in events.
    public var id: String
    /// What the key's text begins with.
    public var prefix: String
    /// The SHA-256 of the secret, which is random and of 256 bits, so that neither salt nor stretching would add anything.
    public var hash: [UInt8]
    /// Who acts with it: an account's id, or the name of a service.
    public var owner: String
    /// What its owner calls it.
    public var label: String
    public var kind: ActorKind
    public var roles: [String]
    public var scopes: [String]
    public var created: Timestamp
    public var expires: Timestamp?
    public var revoked: Timestamp?
    /// To the minute.
    public var lastUsed: Timestamp?
    /// The owner's account, where the owner is one; a store fills it in and does not keep it.
    public var account: Owner?

    public struct Owner: Sendable, Hashable {
        public var username: String
        public var roles: [String]
        public var isDisabled: Bool

        public init(username: String, roles: [String], isDisabled: Bool) {
            (self.username, self.roles, self.isDisabled) = (username, roles, isDisabled)
        }
    }

    public init(
        id: String, prefix: String, hash: [UInt8], owner: String, label: String = "", kind: ActorKind = .service, roles: [String] = [],
        scopes: [String] = [], created: Timestamp, expires: Timestamp? = nil, revoked: Timestamp? = nil, lastUsed: Timestamp? = nil,
        account: Owner? = nil
    ) {
        (self.id, self.prefix, self.hash, self.owner, self.label, self.kind) = (id, prefix, hash, owner, label, kind)
        (self.roles, self.scopes, self.created, self.expires) = (roles, scopes, created, expires)
        (self.revoked, self.lastUsed, self.account) = (revoked, lastUsed, account)
    }
}
