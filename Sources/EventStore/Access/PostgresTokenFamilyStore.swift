public import AuditEvents
public import PostgreSQL

/// Families of refresh tokens in PostgreSQL: `audit_access.token_family`.
public struct PostgresTokenFamilyStore: TokenFamilyStoring {
    private let pool: PostgresPool

    /// - Parameter pool: under a role that may use the schema `audit_access` (`cardea_access`).
    public init(_ pool: PostgresPool) { self.pool = pool }

    private static let columns: SQL = """
        id, lineage, current, previous, rotated_at, generation, principal::text as principal, created_at, expires_at, deadline, ended_at,
        end_reason
        """

    public func insert(_ family: StoredTokenFamily, limit: Int) async throws -> [StoredTokenFamily] {
        let most = Int32(clamping: limit)
        return try await rows(
            """
            select \(Self.columns) from audit_access.begin_token_family(
                \(family.id), \(PostgresBytes(family.lineage.bytes)), \(PostgresBytes(family.current.flatMap(\.bytes))),
                \(family.principal.id), \(AccessRows.json(family.principal))::text::jsonb, \(AccessRows.time(family.created)),
                \(AccessRows.time(family.expires)), \(AccessRows.time(family.deadline)), \(most))
            """)
    }

    public func family(lineage: SecretHash) async throws -> StoredTokenFamily? {
        try await rows("select \(Self.columns) from audit_access.token_family where lineage = \(PostgresBytes(lineage.bytes))").first
    }

    public func advance(_ family: StoredTokenFamily) async throws -> Bool {
        try await pool.execute(
            """
            update audit_access.token_family
            set current = \(PostgresBytes(family.current.flatMap(\.bytes))), previous = \(family.previous.map { PostgresBytes($0.bytes) }),
                rotated_at = \(AccessRows.time(family.rotated)), generation = \(family.generation),
                principal = \(AccessRows.json(family.principal))::text::jsonb, expires_at = \(AccessRows.time(family.expires))
            where id = \(family.id) and generation = \(family.generation - 1) and ended_at is null
            """) == 1
    }

    public func end(
        _ selection: SessionSelection, of account: String, reason: String, at time: Timestamp
    ) async throws -> [StoredTokenFamily] {
        try await rows(
            """
            update audit_access.token_family set ended_at = \(AccessRows.time(time)), end_reason = \(reason), generation = generation + 1
            where account = \(account) and \(AccessRows.condition(selection, column: "id")) and \(Self.isLive(time))
            returning \(Self.columns)
            """)
    }

    public func families(of account: String, at time: Timestamp) async throws -> [StoredTokenFamily] {
        try await rows(
            """
            select \(Self.columns) from audit_access.token_family where account = \(account) and \(Self.isLive(time))
            order by rotated_at desc, id
            """)
    }

    private static func isLive(_ time: Timestamp) -> SQL { "ended_at is null and expires_at > \(AccessRows.time(time))" }

    private func rows(_ sql: SQL) async throws -> [StoredTokenFamily] { try await pool.query(sql).map(Self.family) }

    private static func family(_ row: PostgresRow) throws -> StoredTokenFamily {
        let current = try row.decode("current", as: PostgresBytes.self).bytes
        let halves = try stride(from: 0, to: current.count, by: 32).map {
            try AccessRows.hash(Array(current[$0..<min($0 + 32, current.count)]))
        }
        guard let first = halves.first else { throw StoreError(.record, "a stored family has no token") }
        var family = StoredTokenFamily(
            id: try row.decode("id"), lineage: try row.hash("lineage"), current: first,
            principal: try AccessRows.principal(try row.decode("principal")), created: try row.time("created_at"),
            expires: try row.time("expires_at"), deadline: try row.time("deadline"))
        family.current = halves
        family.previous = try row.decode("previous", as: PostgresBytes?.self).map { try AccessRows.hash($0.bytes) }
        family.rotated = try row.time("rotated_at")
        family.generation = try row.decode("generation")
        family.ended = try row.optionalTime("ended_at")
        family.endReason = try row.decode("end_reason")
        return family
    }
}
