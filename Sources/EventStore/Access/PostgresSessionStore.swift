public import AuditEvents
public import PostgreSQL

/// Sessions in PostgreSQL: `audit_access.session`.
public struct PostgresSessionStore: SessionStoring {
    private let pool: PostgresPool

    /// - Parameter pool: under a role that may use the schema `audit_access` (`cardea_access`).
    public init(_ pool: PostgresPool) { self.pool = pool }

    private static let columns: SQL = """
        id, handle, principal::text as principal, created_at, seen_at, idle_seconds, expires_at, ended_at, end_reason, keep_until, client_ip,
        user_agent
        """

    public func insert(_ session: StoredSession, limit: Int) async throws -> [StoredSession] {
        let most = Int32(clamping: limit)
        return try await rows(
            """
            select \(Self.columns) from audit_access.begin_session(
                \(PostgresBytes(session.id.bytes)), \(session.handle), \(session.principal.id), \(AccessRows.json(session.principal))::text::jsonb,
                \(AccessRows.time(session.created)), \(session.idleSeconds), \(AccessRows.time(session.expires)),
                \(AccessRows.time(session.keepUntil)), \(session.clientIP), \(session.userAgent), \(most))
            """)
    }

    public func session(_ id: SecretHash) async throws -> StoredSession? {
        try await rows("select \(Self.columns) from audit_access.session where id = \(PostgresBytes(id.bytes))").first
    }

    public func touch(_ id: SecretHash, at time: Timestamp) async throws {
        let at = AccessRows.time(time)
        try await pool.execute(
            """
            update audit_access.session set seen_at = \(at)
            where id = \(PostgresBytes(id.bytes)) and seen_at < \(at) and \(Self.isLive(time))
            """)
    }

    public func renew(_ handle: String, id: SecretHash, principal: StoredPrincipal, at time: Timestamp) async throws -> StoredSession? {
        try await rows(
            """
            update audit_access.session
            set id = \(PostgresBytes(id.bytes)), principal = \(AccessRows.json(principal))::text::jsonb,
                seen_at = greatest(seen_at, \(AccessRows.time(time)))
            where handle = \(handle) and account = \(principal.id) and \(Self.isLive(time))
            returning \(Self.columns)
            """
        ).first
    }

    public func end(_ id: SecretHash, reason: String, at time: Timestamp, keepUntil: Timestamp) async throws -> StoredSession? {
        try await rows(
            """
            update audit_access.session
            set ended_at = \(AccessRows.time(time)), end_reason = \(reason), keep_until = \(AccessRows.time(keepUntil))
            where id = \(PostgresBytes(id.bytes)) and ended_at is null
            returning \(Self.columns)
            """
        ).first
    }

    public func end(
        _ selection: SessionSelection, of account: String, reason: String, at time: Timestamp, keepUntil: Timestamp
    ) async throws -> [StoredSession] {
        try await rows(
            """
            update audit_access.session
            set ended_at = \(AccessRows.time(time)), end_reason = \(reason), keep_until = \(AccessRows.time(keepUntil))
            where account = \(account) and \(AccessRows.condition(selection, column: "handle")) and \(Self.isLive(time))
            returning \(Self.columns)
            """)
    }

    public func sessions(of account: String, at time: Timestamp) async throws -> [StoredSession] {
        try await rows(
            """
            select \(Self.columns) from audit_access.session where account = \(account) and \(Self.isLive(time))
            order by seen_at desc, handle
            """)
    }

    private static func isLive(_ time: Timestamp) -> SQL {
        let at = AccessRows.time(time)
        return "ended_at is null and expires_at > \(at) and seen_at + idle_seconds * interval '1 second' > \(at)"
    }

    private func rows(_ sql: SQL) async throws -> [StoredSession] { try await pool.query(sql).map(Self.session) }

    private static func session(_ row: PostgresRow) throws -> StoredSession {
        var session = StoredSession(
            id: try row.hash("id"), handle: try row.decode("handle"), principal: try AccessRows.principal(try row.decode("principal")),
            created: try row.time("created_at"), idleSeconds: try row.decode("idle_seconds"), expires: try row.time("expires_at"),
            keepUntil: try row.time("keep_until"), clientIP: try row.decode("client_ip"), userAgent: try row.decode("user_agent"))
        session.seen = try row.time("seen_at")
        session.ended = try row.optionalTime("ended_at")
        session.endReason = try row.decode("end_reason")
        return session
    }
}
