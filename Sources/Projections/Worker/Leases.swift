import EventStore
import PostgreSQL

/// The lease table: taking, renewing, giving back, and the check that fences a sleeper off.
struct Leases {
    let pool: PostgresPool
    let worker: String
    let duration: Duration

    private var seconds: Double { Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18 }

    /// Says that this worker lives, and what it should do.
    func plan(holding: Set<Int32>) async throws -> LeasePlan {
        try await pool.execute(
            """
            insert into audit.worker (id) values (\(worker))
            on conflict (id) do update set seen_at = clock_timestamp()
            """)
        try await pool.execute("delete from audit.worker where seen_at < clock_timestamp() - interval '1 hour'")
        let alive = try await pool.query(
            "select id from audit.worker where seen_at > clock_timestamp() - make_interval(secs => \(seconds))"
        ).map { try $0.decode("id", as: String.self) }
        let leases = try await pool.query(
            "select shard, owner, expires_at < clock_timestamp() as expired from audit.lease order by shard"
        ).map { row in
            LeasePlan.Lease(
                shard: try row.decode("shard", as: Int32.self), owner: try row.decode("owner", as: String?.self),
                isExpired: try row.decode("expired", as: Bool.self))
        }
        return LeasePlan(worker: worker, alive: Set(alive), leases: leases, holding: holding)
    }

    /// Takes the lease of `shard` if it is free or its holder has not renewed; returns the new token.
    func acquire(_ shard: Int32) async throws -> Int64? {
        try await pool.query(
            """
            update audit.lease
            set owner = \(worker), token = token + 1, expires_at = clock_timestamp() + make_interval(secs => \(seconds))
            where shard = \(shard) and (owner is null or owner = \(worker) or expires_at < clock_timestamp())
            returning token
            """
        ).first.map { try $0.decode("token", as: Int64.self) }
    }

    /// Renews the leases of `tokens` (by shard); returns the shards that are still this worker's.
    func renew(_ tokens: [Int32: Int64]) async throws -> Set<Int32> {
        let held = tokens.sorted { $0.key < $1.key }
        return Set(
            try await pool.query(
                """
                update audit.lease l set expires_at = clock_timestamp() + make_interval(secs => \(seconds))
                from unnest(\(held.map(\.key)), \(held.map(\.value))) as h (shard, token)
                where l.shard = h.shard and l.token = h.token and l.owner = \(worker)
                returning l.shard
                """
            ).map { try $0.decode("shard", as: Int32.self) })
    }

    /// Gives leases back, so that others take them at once.
    func release(_ tokens: [Int32: Int64]) async throws {
        for (shard, token) in tokens {
            try await pool.execute(
                """
                update audit.lease set owner = null, expires_at = '-infinity'
                where shard = \(shard) and token = \(token) and owner = \(worker)
                """)
        }
        try await announce()
    }

    /// Gives every lease back that is this worker's, also one of which it never heard because it was cancelled while it asked.
    func leave() async throws {
        try await pool.execute("update audit.lease set owner = null, expires_at = '-infinity' where owner = \(worker)")
        try await pool.execute("delete from audit.worker where id = \(worker)")
        try await announce()
    }

    private func announce() async throws {
        _ = try await pool.query("select pg_notify('audit_lease', '')")
    }

    /// Makes sure, last in a transaction, that the lease is still this worker's; whoever takes it over waits for the commit.
    ///
    /// - Throws: `StoreError` with `.fenced`.
    static func fence(shard: Int32, token: Int64, in connection: PostgresConnection) async throws {
        let held = try await connection.query("select 1 from audit.lease where shard = \(shard) and token = \(token) for share")
        guard !held.isEmpty else { throw StoreError(.fenced, "the lease of shard \(shard) was taken over") }
    }
}
