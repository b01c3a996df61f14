public import AuditEvents
public import PostgreSQL

/// Accounts and API keys in PostgreSQL, `audit_access.account` and `audit_access.api_key`.
public struct PostgresAccountStore: AccountStoring {
    let pool: PostgresPool

    /// - Parameter pool: under a role that may use the schema `audit_access` (`cardea_access`).
    public init(_ pool: PostgresPool) { self.pool = pool }

    public func create(_ account: StoredAccount) async throws -> Bool {
        let factor = account.secondFactor
        return try await pool.execute(
            """
            insert into audit_access.account (
                id, username, password_hash, roles, factor, factor_counter, recovery_codes, created_at, password_changed_at, disabled_at)
            values (
                \(account.id), \(account.username), \(account.passwordHash), \(account.roles), \(factor.map { PostgresBytes($0.sealed) }),
                \(factor?.lastCounter ?? -1), \((factor?.recoveryCodes ?? []).map { PostgresBytes($0) }), \(account.created.postgres),
                \(account.passwordChanged.postgres), \(account.disabled?.postgres))
            on conflict do nothing
            """) == 1
    }

    public func account(named username: String) async throws -> StoredAccount? {
        // What the database cannot hold is nobody's name.
        guard !username.utf8.contains(0) else { return nil }
        return try await pool.query("\(Self.selection) where username = \(username)").first.map(Self.account)
    }

    public func account(id: String) async throws -> StoredAccount? {
        guard !id.utf8.contains(0) else { return nil }
        return try await pool.query("\(Self.selection) where id = \(id)").first.map(Self.account)
    }

    public func accounts(after username: String?, limit: Int) async throws -> [StoredAccount] {
        try await pool.query(
            "\(Self.selection) where username > \(username ?? "") order by username limit \(Int64(max(0, limit)))"
        ).map(Self.account)
    }

    public func setPasswordHash(_ hash: String, of id: String, replacing former: String?, at time: Timestamp?) async throws -> Bool {
        try await pool.execute(
            """
            update audit_access.account set password_hash = \(hash), password_changed_at = coalesce(\(time?.postgres), password_changed_at)
            where id = \(id) and password_hash = coalesce(\(former), password_hash)
            """) == 1
    }

    public func setRoles(_ roles: [String], of id: String) async throws -> Bool {
        try await pool.execute("update audit_access.account set roles = \(roles) where id = \(id)") == 1
    }

    public func setDisabled(_ since: Timestamp?, of id: String) async throws -> Bool {
        try await pool.execute("update audit_access.account set disabled_at = \(since?.postgres) where id = \(id)") == 1
    }

    public func setSecondFactor(_ factor: StoredSecondFactor?, of id: String) async throws -> Bool {
        try await pool.execute(
            """
            update audit_access.account set factor = \(factor.map { PostgresBytes($0.sealed) }), factor_counter = \(factor?.lastCounter ?? -1),
                recovery_codes = \((factor?.recoveryCodes ?? []).map { PostgresBytes($0) })
            where id = \(id)
            """) == 1
    }

    public func useCode(counter: Int64, of id: String) async throws -> Bool {
        try await pool.execute(
            """
            update audit_access.account set factor_counter = \(counter)
            where id = \(id) and factor is not null and factor_counter < \(counter)
            """) == 1
    }

    public func useRecoveryCode(_ hash: [UInt8], of id: String) async throws -> Bool {
        try await pool.execute(
            """
            update audit_access.account set recovery_codes = array_remove(recovery_codes, \(PostgresBytes(hash)))
            where id = \(id) and factor is not null and \(PostgresBytes(hash)) = any (recovery_codes)
            """) == 1
    }

    public func delete(_ id: String) async throws -> Bool {
        try await pool.query(
            """
            with keys as (delete from audit_access.api_key where owner = \(id)),
                gone as (delete from audit_access.account where id = \(id) returning 1)
            select count(*) from gone
            """, as: Int64.self) == [1]
    }

    private static let selection: SQL = """
        select id, username, password_hash, roles, factor, factor_counter, recovery_codes, created_at, password_changed_at, disabled_at
        from audit_access.account
        """

    private static func account(_ row: PostgresRow) throws -> StoredAccount {
        let (id, username, hash, roles, factor, counter, codes, created, changed, disabled) = try row.decode(
            as: (
                String, String, String, [String], PostgresBytes?, Int64, [PostgresBytes], PostgresTimestamp, PostgresTimestamp,
                PostgresTimestamp?
            ).self)
        return StoredAccount(
            id: id, username: username, passwordHash: hash, roles: roles,
            secondFactor: factor.map { StoredSecondFactor(sealed: $0.bytes, lastCounter: counter, recoveryCodes: codes.map(\.bytes)) },
            created: Timestamp(created), passwordChanged: Timestamp(changed), disabled: disabled.map(Timestamp.init))
    }
}

extension Timestamp {
    var postgres: PostgresTimestamp { PostgresTimestamp(microseconds: microseconds) }
    init(_ time: PostgresTimestamp) { self.init(microseconds: time.microseconds) }
}
