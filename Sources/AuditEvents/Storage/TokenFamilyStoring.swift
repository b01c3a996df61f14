/// Keeps families of refresh tokens. `TokenFamilyStoreConformance` of `AuditTesting` says what must hold.
///
/// Times are the caller's. Accounts are compared by their UTF-8 bytes.
public protocol TokenFamilyStoring: Sendable {
    /// Adds a family, and ends those of its account that were refreshed longest ago with the reason `session_limit`, so that at most `limit` are
    /// live. Some rows past their `deadline` go away with every call, more than can be added.
    /// - Returns: the families that gave way.
    func insert(_ family: StoredTokenFamily, limit: Int) async throws -> [StoredTokenFamily]
    /// The family with that lineage, live or not.
    func family(lineage: SecretHash) async throws -> StoredTokenFamily?
    /// Stores `family` where the stored one has the generation before it and has not ended: compare-and-set.
    /// - Returns: whether it was stored.
    func advance(_ family: StoredTokenFamily) async throws -> Bool
    /// Ends the account's families that are meant and have not ended, and returns those that were live.
    func end(_ selection: SessionSelection, of account: String, reason: String, at time: Timestamp) async throws -> [StoredTokenFamily]
    /// The account's live families, the one refreshed last first.
    func families(of account: String, at time: Timestamp) async throws -> [StoredTokenFamily]
}
