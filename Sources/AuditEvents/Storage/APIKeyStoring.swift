/// Keeps API keys. `AccountStoreConformance` of `AuditTesting` says what must hold.
public protocol APIKeyStoring: Sendable {
    /// Adds a key, unless its id is taken or its owner has `limit` keys that are neither revoked nor expired; says whether it did.
    ///
    /// Keys that were revoked or expired before `forgetting` go away, a few with every call.
    func insert(_ key: StoredAPIKey, limit: Int, at time: Timestamp, forgetting: Timestamp) async throws -> Bool
    /// The key of that id, whatever became of it, with what is known of its owner's account.
    func key(_ id: String) async throws -> StoredAPIKey?
    /// The owner's keys, the newest first.
    func keys(of owner: String) async throws -> [StoredAPIKey]
    /// Revokes a key of `owner`; false where there is none that was not.
    func revoke(_ id: String, of owner: String, at time: Timestamp) async throws -> Bool
    /// Notes a use, unless one within the minute before is noted.
    func touch(_ id: String, at time: Timestamp) async throws
}
