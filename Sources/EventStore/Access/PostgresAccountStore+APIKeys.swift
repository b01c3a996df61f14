public import AuditEvents
import PostgreSQL

extension PostgresAccountStore: APIKeyStoring {
    public func insert(_ key: StoredAPIKey, limit: Int, at time: Timestamp, forgetting: Timestamp) async throws -> Bool {
        try await pool.withTransaction { connection in
            // Two that come at once must see each other's key.
            _ = try await connection.query("select pg_advisory_xact_lock(hashtextextended('cardea.api_key/' || \(key.owner), 0))")
            _ = try await connection.execute(
                """
                delete from audit_access.api_key d using (
                    select id from audit_access.api_key where least(expires_at, revoked_at) < \(forgetting.postgres)
                    limit 8 for update skip locked
                ) e where d.id = e.id
                """)
            return try await connection.execute(
                """
                insert into audit_access.api_key (
                    id, prefix, hash, owner, label, kind, roles, scopes, created_at, expires_at, revoked_at, last_used_at)
                select \(key.id), \(key.prefix), \(PostgresBytes(key.hash)), \(key.owner), \(key.label), \(key.kind.rawValue), \(key.roles),
                    \(key.scopes), \(key.created.postgres), \(key.expires?.postgres), \(key.revoked?.postgres), \(key.lastUsed?.postgres)
                where (
                    select count(*) from audit_access.api_key
                    where owner = \(key.owner) and revoked_at is null and (expires_at is null or expires_at > \(time.postgres))
                ) < \(Int64(limit))
                on conflict do nothing
                """) == 1
        }
    }

    public func key(_ id: String) async throws -> StoredAPIKey? {
        guard !id.utf8.contains(0) else { return nil }
        let rows = try await pool.query(
            """
            select k.id, k.prefix, k.hash, k.owner, k.label, k.kind, k.roles, k.scopes, k.created_at, k.expires_at, k.revoked_at,
                k.last_used_at, a.username, a.roles as account_roles, a.disabled_at is not null as is_disabled
            from audit_access.api_key k left join audit_access.account a on a.id = k.owner
            where k.id = \(id)
            """)
        guard let row = rows.first else { return nil }
        var key = try Self.key(row)
        if let username = try row.decode("username", as: String?.self) {
            key.account = StoredAPIKey.Owner(
                username: username, roles: try row.decode("account_roles", as: [String].self),
                isDisabled: try row.decode("is_disabled", as: Bool.self))
        }
        return key
    }

    public func keys(of owner: String) async throws -> [StoredAPIKey] {
        try await pool.query(
            """
            select id, prefix, hash, owner, label, kind, roles, scopes, created_at, expires_at, revoked_at, last_used_at
            from audit_access.api_key where owner = \(owner) order by created_at desc, id collate "C" desc
            """
        ).map(Self.key)
    }

    public func revoke(_ id: String, of owner: String, at time: Timestamp) async throws -> Bool {
        guard !id.utf8.contains(0) else { return false }
        return try await pool.execute(
            """
            update audit_access.api_key set revoked_at = \(time.postgres)
            where id = \(id) and owner = \(owner) and revoked_at is null
            """) == 1
    }

    public func touch(_ id: String, at time: Timestamp) async throws {
        try await pool.execute(
            """
            update audit_access.api_key set last_used_at = \(time.postgres)
            where id = \(id) and (last_used_at is null or last_used_at <= \(time.advanced(bySeconds: -60).postgres))
            """)
    }

    private static func key(_ row: PostgresRow) throws -> StoredAPIKey {
        let (id, prefix, hash, owner, label, kind, roles, scopes, created, expires, revoked, used) = try row.decode(
            as: (
                String, String, PostgresBytes, String, String, String, [String], [String], PostgresTimestamp, PostgresTimestamp?,
                PostgresTimestamp?, PostgresTimestamp?
            ).self)
        return StoredAPIKey(
            id: id, prefix: prefix, hash: hash.bytes, owner: owner, label: label, kind: ActorKind(rawValue: kind) ?? .service, roles: roles,
            scopes: scopes, created: Timestamp(created), expires: expires.map(Timestamp.init), revoked: revoked.map(Timestamp.init),
            lastUsed: used.map(Timestamp.init))
    }
}
