/// Keeps sessions. `SessionStoreConformance` of `AuditTesting` says what must hold.
///
/// Times are the caller's; no store looks at a clock of its own. Accounts are compared by their UTF-8 bytes.
public protocol SessionStoring: Sendable {
    /// Adds a session, and ends those of its account that were used longest ago with the reason `session_limit`, so that at most `limit` are live.
    /// A few rows beyond their `keepUntil` go away with every call, more than can be added.
    /// - Returns: the sessions that gave way.
    func insert(_ session: StoredSession, limit: Int) async throws -> [StoredSession]
    /// The session with that id, live or not; nil where there is none (any more).
    func session(_ id: SecretHash) async throws -> StoredSession?
    /// Notes a use. Never moves `seen` back, never revives.
    func touch(_ id: SecretHash, at time: Timestamp) async throws
    /// Gives a live session another id and principal; the former id is unknown from then on.
    /// - Returns: the session as it is now; nil where there is no live one of that account and handle.
    func renew(_ handle: String, id: SecretHash, principal: StoredPrincipal, at time: Timestamp) async throws -> StoredSession?
    /// Ends a session that has not ended yet, live or expired, and keeps its row until `keepUntil`.
    /// - Returns: the session; nil where there was none to end, also where somebody else was faster.
    func end(_ id: SecretHash, reason: String, at time: Timestamp, keepUntil: Timestamp) async throws -> StoredSession?
    /// Ends the account's live sessions that are meant, and returns them.
    func end(
        _ selection: SessionSelection, of account: String, reason: String, at time: Timestamp, keepUntil: Timestamp
    ) async throws -> [StoredSession]
    /// The account's live sessions, the one used last first.
    func sessions(of account: String, at time: Timestamp) async throws -> [StoredSession]
}
