public import AuditEvents
import HTTPTypes

/// Issues, lists and revokes API keys, each act with its event.
public struct APIKeys: Sendable {
    let store: any APIKeyStoring
    let prefix: String
    let limit: Int
    let clock: AuditClock

    /// - Parameters:
    ///   - prefix: what the keys begin with, so that people and secret scanners know them: 1 to 16 lower-case letters and digits.
    ///   - limit: how many live keys one owner may have.
    /// - Returns: nil where the prefix is not that.
    public init?(store: any APIKeyStoring, prefix: String, limit: Int = 50, clock: AuditClock = .system) {
        guard APIKey.isPrefix(prefix) else { return nil }
        (self.store, self.prefix, self.limit, self.clock) = (store, prefix, limit, clock)
    }

    /// Issues a key.
    ///
    /// - Parameters:
    ///   - owner: the id of the account, or the name of the service, that acts with it. Of an account's roles the key has those that both have, as
    ///     they are when it is used.
    ///   - label: what its owner calls it, at most 100 bytes.
    /// - Returns: the key's text, which is shown now and never again, and what is kept.
    /// - Throws: `Problem` 409 where the owner has as many keys as may be, 400 where the label is too long.
    public func issue(
        owner: String, label: String, kind: ActorKind = .service, roles: [String] = [], scopes: [String] = [], expires: Timestamp? = nil,
        in audit: AuditContext? = nil
    ) async throws -> (text: String, key: StoredAPIKey) {
        guard (1...256).contains(owner.utf8.count), label.utf8.count <= 100, !label.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }),
            roles.count + scopes.count <= 100, (roles + scopes).allSatisfy({ (1...100).contains($0.utf8.count) && !$0.utf8.contains(0) })
        else { throw Problem(.badRequest, detail: "A label has at most 100 bytes and no control characters.") }
        let now = clock.now()
        let key = APIKey(prefix: prefix)
        let stored = StoredAPIKey(
            id: key.id, prefix: prefix, hash: key.hash, owner: owner, label: label, kind: kind, roles: roles, scopes: scopes, created: now,
            expires: expires)
        guard try await store.insert(stored, limit: limit, at: now, forgetting: now.advanced(bySeconds: -90 * 86_400)) else {
            throw Problem(.conflict, detail: "There are as many API keys as may be.")
        }
        try await audit?.emit(.tokenCreated, outcome: .success) { facts in
            facts.target = key.name
            facts.details["kind"] = "api_key"
            facts.details["owner"] = .string(owner)
            facts.details["scopes"] = .array(scopes.map { .string($0) })
        }
        return (key.text, stored)
    }

    /// The owner's keys, the newest first.
    public func keys(of owner: String) async throws -> [StoredAPIKey] { try await store.keys(of: owner) }

    /// Revokes a key of `owner`: within a second no instance accepts it. False where there is none that was not revoked.
    public func revoke(_ id: String, of owner: String, in audit: AuditContext? = nil) async throws -> Bool {
        guard id.utf8.count == 16, try await store.revoke(id, of: owner, at: clock.now()) else { return false }
        try await audit?.emit(.tokenRevoked, outcome: .success) { facts in
            facts.target = "\(prefix)_\(id)"
            facts.details["kind"] = "api_key"
            facts.details["owner"] = .string(owner)
        }
        return true
    }
}
