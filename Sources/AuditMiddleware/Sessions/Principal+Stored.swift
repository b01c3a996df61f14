import AuditEvents

extension Principal {
    /// What is stored of it: everything but the credential it came with.
    var stored: StoredPrincipal { StoredPrincipal(id: id, name: name, kind: kind, roles: roles, scopes: scopes) }

    init(_ stored: StoredPrincipal, sessionID: String?) {
        self.init(
            id: stored.id, name: stored.name, kind: stored.kind, roles: Set(stored.roles), scopes: Set(stored.scopes), sessionID: sessionID)
    }
}

/// A principal that cannot be stored: its id is empty or longer than 256 bytes, a text has a NUL, or all of it is longer than 16 KiB.
public struct UnstorablePrincipal: Error, Sendable, CustomStringConvertible {
    public var description: String { "the principal cannot be stored" }
}
