/// Keeps accounts. `AccountStoreConformance` of `AuditTesting` says what must hold.
///
/// Names and ids are compared by their UTF-8 bytes. Every change says whether there was something to change.
public protocol AccountStoring: Sendable {
    /// Adds an account; false where its name or id is taken.
    func create(_ account: StoredAccount) async throws -> Bool
    func account(named username: String) async throws -> StoredAccount?
    func account(id: String) async throws -> StoredAccount?
    /// Accounts in the order of their names' bytes, from the one after `username` on.
    func accounts(after username: String?, limit: Int) async throws -> [StoredAccount]
    /// Gives the account another hash. Where `former` is given, only in its place: an upgrade must not undo a change of the password made meanwhile.
    /// - Parameter time: when the password changed; nil where it is the same, hashed better.
    func setPasswordHash(_ hash: String, of id: String, replacing former: String?, at time: Timestamp?) async throws -> Bool
    func setRoles(_ roles: [String], of id: String) async throws -> Bool
    func setDisabled(_ since: Timestamp?, of id: String) async throws -> Bool
    func setSecondFactor(_ factor: StoredSecondFactor?, of id: String) async throws -> Bool
    /// Notes that the code of a time step was used. False where that or a later one already was: of two that come at once, one is let in.
    func useCode(counter: Int64, of id: String) async throws -> Bool
    /// Takes a recovery code away; false where it is not there, or no more.
    func useRecoveryCode(_ hash: [UInt8], of id: String) async throws -> Bool
    /// Removes the account and its API keys.
    func delete(_ id: String) async throws -> Bool
}
