import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@testable import Projections

@Suite("Events that cannot be folded")
struct QuarantineTests {
    private func failure(_ second: Int64, actor: String) -> AuditEvent {
        let time = Timestamp.now().advanced(bySeconds: second - 500)
        return AuditEvent(
            header: EventHeader(
                id: EventID(time: time), tenant: "acme", source: "app", type: EventType("authn_login_fail"), outcome: .failure,
                reason: "bad_password", actorKind: .user),
            body: EventBody(actor: .init(name: actor), client: .init(ip: "192.0.2.\(second % 200)")))
    }

    /// As the database's administrator.
    private func force(_ bed: WorkerBed, _ statement: String) async throws {
        let pool = bed.database.pool()
        try await pool.execute(SQL(statement))
        await pool.close()
    }

    private func actors(_ bed: WorkerBed) async throws -> [String] {
        let schema = try #require(try await bed.generations.all().first { $0.name == "failed_login" && $0.isLive }).schema
        return try await bed.pool.query(
            "select distinct subject from \(unsafe: schema).failed_login where kind = 'account' order by subject", as: String.self)
    }

    private func quarantined(_ bed: WorkerBed) async throws -> [String] {
        try await bed.pool.query("select projection || ' ' || index from audit.quarantine order by projection, index", as: String.self)
    }

    private func told(_ bed: WorkerBed) async throws -> Int64 {
        try await bed.pool.query("select count(*) as count from audit.event where type = 'audit_event_quarantined'")[0]
            .decode("count", as: Int64.self)
    }

    /// The table of failed logins refuses these names from now on.
    private func refuse(_ pattern: String, _ bed: WorkerBed) async throws {
        let schema = try #require(try await bed.generations.all().first { $0.name == "failed_login" && $0.isLive }).schema
        try await force(
            bed, "alter table \(schema).failed_login add constraint poison check (kind <> 'account' or subject not like '\(pattern)')")
    }

    @Test("what a view cannot take is set aside by that view alone, told once, and raises an alert", arguments: [1, 7, 2000])
    func view(batch: Int) async throws {
        try await withWorkerBed(shards: 1) { bed in
            try await bed.worker(batch: batch).runUntilIdle()
            try await refuse("poison%", bed)
            let poisoned: Set<Int64> = [3, 40, 41]
            try await bed.store((0..<100).map { failure($0, actor: poisoned.contains($0) ? "poison \($0)" : "user \($0 % 7)") })
            for _ in 0..<2 { try await bed.worker(batch: batch).runUntilIdle() }
            #expect(try await bed.isIdle())
            #expect(try await quarantined(bed).sorted() == ["failed_login 3", "failed_login 40", "failed_login 41"])
            #expect(try await told(bed) == 3)
            #expect(try await actors(bed) == (0..<7).map { "user \($0)" })
            let alerts = try await bed.pool.query(
                "select count::bigint from audit.alert where rule_title = 'Event that could not be folded'", as: Int64.self)
            #expect(alerts == [3])
        }
    }

    @Test("a row that is no event stops nothing")
    func unreadable() async throws {
        try await withWorkerBed(shards: 1) { bed in
            try await bed.store([failure(1, actor: "a")])
            // No append makes an id of version 4.
            try await force(
                bed,
                """
                insert into audit.event (id, time, shard, severity, privileged, tenant, source, type, outcome, actor_kind, body_hash)
                select gen_random_uuid(), time, shard, 1, false, tenant, 'elsewhere', 'authn_login_fail', 'failure', 'user', '\\x00' from audit.event
                """)
            try await bed.store([failure(2, actor: "b")])
            for _ in 0..<2 { try await bed.worker().runUntilIdle() }
            #expect(try await bed.isIdle())
            #expect(try await actors(bed) == ["a", "b"])
            #expect(try await quarantined(bed) == ["record 1"])
            #expect(try await told(bed) == 1)
        }
    }

    @Test("what failed in a view that is built anew is not told again")
    func rebuild() async throws {
        try await withWorkerBed(shards: 1) { bed in
            try await bed.worker().runUntilIdle()
            try await refuse("poison", bed)
            try await bed.store([failure(1, actor: "poison"), failure(2, actor: "b")])
            try await bed.worker().runUntilIdle()
            try await bed.catalog.rebuild("failed_login")
            try await bed.worker().runUntilIdle()
            // The new table takes it.
            #expect(try await actors(bed) == ["b", "poison"])
            #expect(try await told(bed) == 1)
        }
    }

    @Test("where nearly everything fails it is not the events: the view stops with an error, and nothing is passed over")
    func flood() async throws {
        try await withWorkerBed(shards: 1) { bed in
            try await bed.worker().runUntilIdle()
            try await refuse("%", bed)
            try await bed.store((0..<150).map { failure($0, actor: "user") })
            await #expect(throws: PostgresError.self) { try await bed.worker().runUntilIdle() }
            #expect(try await quarantined(bed).count == Int(Quarantine.mostAnHour))
            let schema = try #require(try await bed.generations.all().first { $0.name == "failed_login" && $0.isLive }).schema
            try await force(bed, "alter table \(schema).failed_login drop constraint poison")
            try await bed.worker().runUntilIdle()
            #expect(try await bed.isIdle())
            #expect(try await actors(bed) == ["user"])
        }
    }

    @Test("what another transaction or the server caused is no fault of an event")
    func transient() {
        for state in ["40001", "40P01", "53100", "55P03", "57014", "57P01", "08006", "42501", "42P01"] {
            #expect(!Quarantine.isForAnEvent(PostgresError(.server, sqlState: state, "x")), "\(state)")
        }
        for state in ["22P05", "22003", "23514", "54000"] { #expect(Quarantine.isForAnEvent(PostgresError(.server, sqlState: state, "x"))) }
        #expect(!Quarantine.isForAnEvent(StoreError(.fenced, "x")) && !Quarantine.isForAnEvent(CancellationError()))
        #expect(!Quarantine.isForAnEvent(PostgresError(.connection, "gone")))
    }
}
