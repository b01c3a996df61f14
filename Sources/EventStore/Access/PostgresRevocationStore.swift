public import AuditEvents
public import Logging
public import PostgreSQL

/// Revocations in PostgreSQL, `audit_access.revocation`, announced by NOTIFY on `cardea_revocation`.
public struct PostgresRevocationStore: RevocationStoring {
    private let pool: PostgresPool
    private let logger: Logger

    /// - Parameter pool: under a role that may use the schema `audit_access` (`cardea_access`). Listening takes a connection of its own.
    public init(_ pool: PostgresPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    static let channel = "cardea_revocation"

    public func add(_ revocations: [Revocation], at time: Timestamp) async throws {
        guard !revocations.isEmpty else { return }
        var merged: [SecretHash: Revocation] = [:]
        for revocation in revocations { merged[revocation.key] = merged[revocation.key]?.merged(with: revocation) ?? revocation }
        // By key, so that two instances that revoke the same cannot deadlock.
        let all = merged.values.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
        let swept = Int64(all.count + 32)
        try await pool.execute(
            """
            with gone as (
                delete from audit_access.revocation where key in (
                    select r.key from audit_access.revocation r where r.expires_at <= \(AccessRows.time(time))
                    and r.key <> all (\(all.map { PostgresBytes($0.key.bytes) }))
                    order by r.expires_at limit \(swept) for update skip locked)
            ), added as (
                insert into audit_access.revocation as r (key, issued_until, expires_at)
                select * from unnest(
                    \(all.map { PostgresBytes($0.key.bytes) }), \(all.map { $0.issuedUntil.map(AccessRows.time) }),
                    \(all.map { AccessRows.time($0.expires) }))
                on conflict (key) do update set
                    issued_until = case when r.issued_until is null or excluded.issued_until is null then null
                        else greatest(r.issued_until, excluded.issued_until) end,
                    expires_at = greatest(r.expires_at, excluded.expires_at), tx = pg_current_xact_id()
                returning 1
            )
            select pg_notify(\(Self.channel), '') from (select count(*) from added) n
            """)
    }

    public func revocations(
        since cursor: RevocationCursor?, at time: Timestamp, limit: Int
    ) async throws -> (revocations: [Revocation], cursor: RevocationCursor) {
        // What this snapshot sees and the last one did not; sequences and clocks would pass over a slow transaction's rows.
        let new: SQL =
            if let cursor {
                """
                r.tx >= pg_snapshot_xmin(\(cursor.text)::text::pg_snapshot) and not pg_visible_in_snapshot(r.tx, \(cursor.text)::text::pg_snapshot)
                """
            } else { "true" }
        let rows = try await pool.query(
            """
            select s.snapshot::text as snapshot, r.key, r.issued_until, r.expires_at
            from (select pg_current_snapshot() as snapshot) s left join lateral (
                select * from audit_access.revocation r where r.expires_at > \(AccessRows.time(time)) and \(new) limit \(Int64(limit))
            ) r on true
            """)
        var revocations: [Revocation] = []
        for row in rows {
            guard let key = try row.decode("key", as: PostgresBytes?.self) else { continue }
            revocations.append(
                Revocation(
                    key: try AccessRows.hash(key.bytes), issuedUntil: try row.optionalTime("issued_until"),
                    expires: try row.time("expires_at")))
        }
        guard let first = rows.first else { throw StoreError(.record, "the server gave no snapshot") }
        return (revocations, RevocationCursor(try first.decode("snapshot")))
    }

    public func changes() -> AsyncThrowingStream<Void, any Error> {
        let listener = PostgresListener(pool.configuration, channels: [Self.channel], logger: logger)
        let (stream, continuation) = AsyncThrowingStream<Void, any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let task = Task {
            do {
                for try await _ in listener { continuation.yield() }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }
}
