import AuditEvents
import AuditMiddleware
import AuditTesting
import DatabaseTesting
import Logging
import PostgreSQL
import Testing

@testable import EventStore

@Suite("Sessions, refresh tokens and revocations in PostgreSQL keep the promises")
struct AccessStoreTests {
    /// A migrated database, and connections of the role that applications have.
    static func withAccess(_ body: (TestDatabase, PostgresPool) async throws -> Void) async throws {
        try await withTestDatabase { (database) async throws in
            _ = try await Migrator(database.configuration(), logger: .quiet).migrate(shards: 1)
            let pool = database.pool(role: "cardea_access")
            try await body(database, pool)
            await pool.close()
        }
    }

    @Test("sessions")
    func sessions() async throws {
        try await Self.withAccess { _, pool in
            for check in SessionStoreConformance.checks {
                do { try await check.run(SessionStoreConformance(PostgresSessionStore(pool))) } catch { Issue.record("\(check): \(error)") }
            }
        }
    }

    @Test("families of refresh tokens")
    func families() async throws {
        try await Self.withAccess { _, pool in
            for check in TokenFamilyStoreConformance.checks {
                do {
                    try await check.run(TokenFamilyStoreConformance(PostgresTokenFamilyStore(pool)))
                } catch { Issue.record("\(check): \(error)") }
            }
        }
    }

    @Test("revocations")
    func revocations() async throws {
        try await Self.withAccess { _, pool in
            for check in RevocationStoreConformance.checks {
                do {
                    try await check.run(RevocationStoreConformance(PostgresRevocationStore(pool, logger: .quiet)))
                } catch { Issue.record("\(check): \(error)") }
            }
        }
    }

    @Test("a revocation whose transaction commits late is not passed over")
    func slowTransaction() async throws {
        try await Self.withAccess { _, pool in
            let store = PostgresRevocationStore(pool, logger: .quiet)
            let time = Timestamp(microseconds: 1_800_000_000_000_000)
            func one(_ name: String) -> Revocation {
                Revocation(key: Revocation.key(.token, issuer: "i", name), expires: time.advanced(bySeconds: 600))
            }
            let slow = one("slow")
            var cursor: RevocationCursor?
            try await pool.withTransaction { connection in
                try await connection.execute(
                    "insert into audit_access.revocation (key, expires_at) values (\(PostgresBytes(slow.key.bytes)), \(AccessRows.time(slow.expires)))"
                )
                // Others commit after it began, and are read.
                for number in 0..<5 { try await store.add([one("fast-\(number)")], at: time) }
                let read = try await store.revocations(since: nil, at: time, limit: 100)
                #expect(read.revocations.count == 5)
                cursor = read.cursor
            }
            let late = try await store.revocations(since: cursor, at: time, limit: 100)
            #expect(late.revocations == [slow])
            #expect(try await store.revocations(since: late.cursor, at: time, limit: 100).revocations.isEmpty)
        }
    }

    @Test("two instances: what one revokes the other refuses, told by NOTIFY alone or by polling alone", arguments: [true, false])
    func twoInstances(byNotification: Bool) async throws {
        try await Self.withAccess { database, pool in
            struct Deaf: RevocationStoring {
                let base: PostgresRevocationStore
                func add(_ revocations: [Revocation], at time: Timestamp) async throws { try await base.add(revocations, at: time) }
                func revocations(since cursor: RevocationCursor?, at time: Timestamp, limit: Int) async throws -> (
                    revocations: [Revocation], cursor: RevocationCursor
                ) { try await base.revocations(since: cursor, at: time, limit: limit) }
                func changes() -> AsyncThrowingStream<Void, any Error> { AsyncThrowingStream { $0.finish() } }
            }
            let other = database.pool(role: "cardea_access")
            let here = RevocationList(store: PostgresRevocationStore(pool, logger: .quiet), whenSilent: .serve, logger: .quiet)
            let base = PostgresRevocationStore(other, logger: .quiet)
            let there = RevocationList(
                store: byNotification ? base : Deaf(base: base), whenSilent: .serve, pollMilliseconds: byNotification ? 3_600_000 : 200,
                logger: .quiet)
            let running = Task { try await there.run() }
            defer { running.cancel() }
            for round in 0..<5 {
                let key = Revocation.key(.session, issuer: "i", "s\(round)")
                // In the first round the other one may not listen yet.
                let started = ContinuousClock.now
                try await here.revoke([Revocation(key: key, expires: AuditClock.system.now().advanced(bySeconds: 60))])
                #expect(try await eventually { there.count == round + 1 })
                if round > 0 { #expect(ContinuousClock.now - started < .seconds(1)) }
            }
            running.cancel()
            _ = await running.result
            await other.close()
        }
    }

    @Test("only the application's role may touch them, and no secret is in any row")
    func privileges() async throws {
        try await Self.withAccess { database, pool in
            for role in ["cardea_writer", "cardea_worker", "cardea_reader"] {
                for table in ["session", "token_family", "revocation"] {
                    let outsider = database.pool(role: role, maximumConnections: 1)
                    let state = try await refusal { _ = try await outsider.query("select 1 from audit_access.\(identifier: table)") }
                    #expect(state == "42501")
                    await outsider.close()
                }
            }
            for statement: SQL in ["select 1 from audit.event", "drop table audit_access.session"] {
                let state = try await refusal { _ = try await pool.query(statement) }
                #expect(state == "42501")
            }
        }
    }

    @Test("the queries of every request use an index")
    func plans() async throws {
        try await Self.withAccess { _, pool in
            try await pool.withConnection { connection in
                try await connection.simple("set enable_seqscan = off")
                for (sql, index) in [
                    ("select 1 from audit_access.session where id = '\\x00'", "session_pkey"),
                    ("select 1 from audit_access.token_family where lineage = '\\x00'", "token_family_lineage_key"),
                    ("select 1 from audit_access.revocation r where r.tx >= pg_snapshot_xmin(pg_current_snapshot())", "revocation_tx_idx"),
                ] {
                    let plan = try await connection.query("explain \(unsafe: sql)", as: String.self).joined(separator: "\n")
                    #expect(plan.contains(index), "\(plan)")
                }
            }
        }
    }
}
