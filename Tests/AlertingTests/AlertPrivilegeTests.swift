import AuditEvents
import DatabaseTesting
import Detection
import EventStore
import PostgreSQL
import Testing

@testable import Alerting

@Suite("Who may change alerts")
struct AlertPrivilegeTests {
    /// What the server says to `statement` under `role`, in a transaction that is undone.
    private func answer(_ bed: AlertBed, _ role: String, _ statement: String) async throws -> String {
        struct Undone: Error {}
        let pool = bed.database.pool(role: role, maximumConnections: 1)
        var answer = "done"
        do {
            try await pool.withTransaction { connection in
                try await connection.simple(statement)
                throw Undone()
            }
        } catch let error as PostgresError { answer = error.sqlState ?? "\(error)" } catch is Undone {}
        await pool.close()
        return answer
    }

    static let tables = ["audit.alert", "audit.alert_change", "audit.alert_event", "audit.rule_version", "audit.silence"]
    static let call =
        """
        select audit.change_alert(0, gen_random_uuid(), 0, 'noted', 'open', null, null, null, null, null, 'ann', 'x', gen_random_uuid(), now(), \
        '{}', '\\x00', '\\x00')
        """
    static let create =
        """
        select audit.create_silence('x', array['rule=x'], now(), now() + interval '1 hour', 'a', 'c', 't', \
        gen_random_uuid(), now(), '{}', '\\x00', '\\x00')
        """

    @Test("nobody but the worker writes an alert's row, and nobody changes or removes what was done", arguments: [1, 4])
    func tables(shards: Int) async throws {
        try await withAlertBed(shards: shards) { bed in
            try await bed.apply(.open(bed.alert()))
            for role in ["cardea_writer", "cardea_reader", "cardea_responder", "cardea_admin", "cardea_worker", "cardea_access"] {
                for table in Self.tables {
                    for statement in ["delete from \(table)", "truncate \(table)", "drop table \(table)"] {
                        let isTheWorkers = role == "cardea_worker" && statement == "delete from audit.alert_event"
                        #expect(try await answer(bed, role, statement) == (isTheWorkers ? "done" : "42501"), "\(role): \(statement)")
                    }
                }
                for statement in [
                    "update audit.alert_change set reason = 'x'", "update audit.silence set ends_at = now()",
                    "update audit.rule_version set source = 'x'", "insert into audit.silence default values",
                ] { #expect(try await answer(bed, role, statement) == "42501", "\(role): \(statement)") }
                if role == "cardea_worker" { continue }
                for statement in [
                    "update audit.alert set state = 'resolved'", "update audit.alert set count = 0",
                    "insert into audit.alert_change default values",
                    "insert into audit.rule_version default values",
                ] { #expect(try await answer(bed, role, statement) == "42501", "\(role): \(statement)") }
            }
        }
    }

    @Test("the responder and the administrator change alerts through the functions, others do not; the responder sees and appends no event")
    func functions() async throws {
        try await withAlertBed { (bed) async throws in
            for role in ["cardea_responder", "cardea_admin"] {
                #expect(try await answer(bed, role, Self.call) == "done", "\(role)")
                #expect(try await answer(bed, role, "select 1 from audit.alert, audit.alert_change, audit.silence") == "done", "\(role)")
            }
            for role in ["cardea_writer", "cardea_reader", "cardea_worker", "cardea_access"] {
                #expect(try await answer(bed, role, Self.call) == "42501", "\(role)")
                #expect(try await answer(bed, role, Self.create) == "42501", "\(role)")
            }
            let own = "select audit.append_own(0, 't', 'audit_x', null, 1::smallint, gen_random_uuid(), now(), '{}', '\\x00', '\\x00', 'a')"
            for role in ["cardea_writer", "cardea_reader", "cardea_worker", "cardea_responder", "cardea_admin"] {
                #expect(try await answer(bed, role, own) == "42501", "\(role)")
            }
            for statement in [
                "select 1 from audit.event", "select 1 from audit.log", "select audit.seal(0)", "select audit.shard_of('x')",
                "select audit.add_shards(9)", "select audit.deployment_key()", "update audit.lease set owner = 'me'",
            ] { #expect(try await answer(bed, "cardea_responder", statement) == "42501", "\(statement)") }
        }
    }

    @Test("the function takes no kind that is detection's, nobody's change, and no other time than now")
    func function() async throws {
        try await withAlertBed { bed in
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            let seen = try await bed.stored(alert.id)
            for (kind, state, actor, offset) in [
                ("opened", "open", "ann", Int64(0)), ("merged", "merged", "ann", 0), ("acknowledged", "merged", "ann", 0),
                ("noted", "open", "", 0),
                ("acknowledged", "acknowledged", "ann", -3600), ("acknowledged", "nonsense", "ann", 0), ("resolved", "resolved", "ann", 0),
            ] {
                let time = Timestamp.now().advanced(bySeconds: offset)
                let id = EventID(time: time)
                let error = await #expect(throws: PostgresError.self) {
                    try await bed.responder.execute(
                        """
                        select audit.change_alert(
                            \(bed.shard), \(PostgresUUID(seen.id)), \(seen.revision), \(kind), \(state), null, null, null, null, null, \(actor), null,
                            \(PostgresUUID(id)), \(PostgresTimestamp(microseconds: time.microseconds)), '{}', '\\x00', '\\x00')
                        """)
                }
                #expect(error?.sqlState == "23514", "\(kind) \(state)")
            }
            #expect(try await bed.stored(alert.id) == seen)
            #expect(try await bed.told().count == 1)
        }
    }
}

@Suite("Silences as they are stored")
struct SilenceStoreTests {
    private func all(_ bed: AlertBed) async throws -> [Silence] {
        try await bed.responder.withConnection { try await SilenceStore().all($0) }
    }

    @Test("a silence is stored with an event on the record, holds, and is ended before its time once", arguments: [1, 4])
    func life(shards: Int) async throws {
        try await withAlertBed(shards: shards) { bed in
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            let matchers = [try AlertMatcher("client_ip=~192\\.0\\.2\\..*"), try AlertMatcher("tenant=acme")]
            let silence = try await bed.desk.silence(matchers, seconds: 3600, by: "ann", comment: "the yearly test")
            #expect(try await all(bed) == [silence])
            #expect(silence.endsAt == silence.startsAt.advanced(bySeconds: 3600))
            func verdict() async throws -> AlertSuppression.Verdict {
                let suppression = try await bed.responder.withConnection { try await SilenceStore().suppression($0) }
                return suppression.verdict(for: AlertFacts(try await bed.stored(alert.id)), at: .now())
            }
            #expect(try await verdict() == .silenced(by: silence.id))
            try await bed.desk.expire(silence.id, by: "bob")
            #expect(try await verdict() == .deliver)
            #expect(try await all(bed).first?.expiredBy == "bob")
            let error = await #expect(throws: AlertingError.self) { try await bed.desk.expire(silence.id, by: "bob") }
            #expect(error?.code == .unknown)
            await #expect(throws: AlertingError.self) { try await bed.desk.expire("nosuch", by: "bob") }
            let told = try await bed.told().dropFirst()
            #expect(told.map(\.type) == ["audit_alert_silence_created", "audit_alert_silence_expired"])
            #expect(told.map(\.actor) == ["ann", "bob"] && told.allSatisfy { $0.target == "silence/\(silence.id)" })
            let tenants = try await bed.worker.query(
                "select distinct tenant from audit.event where type like 'audit\\_alert\\_silence%'", as: String.self)
            #expect(tenants == ["acme"])
        }
    }

    @Test("no tenant comes into being by being silenced; what says nothing is refused")
    func bounds() async throws {
        try await withAlertBed { bed in
            _ = try await bed.desk.silence([try AlertMatcher("tenant=nobody")], seconds: 60, by: "ann", comment: "x")
            let tenants = try await bed.worker.query("select tenant from audit.tenant order by 1", as: String.self)
            #expect(tenants == ["acme", "default"])
            let matcher = try AlertMatcher("rule=x")
            await #expect(throws: AlertingError.self) { try await bed.desk.silence([], seconds: 60, by: "ann", comment: "x") }
            await #expect(throws: AlertingError.self) { try await bed.desk.silence([matcher], seconds: 0, by: "ann", comment: "x") }
            await #expect(throws: AlertingError.self) { try await bed.desk.silence([matcher], seconds: 60, by: "", comment: "x") }
            await #expect(throws: AlertingError.self) { try await bed.desk.silence([matcher], seconds: 60, by: "ann", comment: " ") }
            await #expect(throws: AlertingError.self) {
                try await bed.desk.silence([matcher], from: Timestamp("2026-01-01T00:00:00Z"), seconds: 60, by: "ann", comment: "x")
            }
        }
    }

    @Test("silences that ended 90 days ago are forgotten when the next one begins; one that cannot be read silences nothing")
    func forgotten() async throws {
        try await withAlertBed { bed in
            let owner = bed.database.pool(maximumConnections: 1)
            try await owner.execute(
                """
                insert into audit.silence (id, matchers, starts_at, ends_at, author, comment, created_at) values
                ('old', array['rule=x'], now() - interval '92 days', now() - interval '91 days', 'a', 'c', now()),
                ('odd', array['rule=~('], now(), now() + interval '1 day', 'a', 'c', now())
                """)
            await owner.close()
            #expect(try await all(bed).map(\.id) == ["old"])
            let new = try await bed.desk.silence([try AlertMatcher("rule=x")], seconds: 60, by: "ann", comment: "x")
            #expect(try await all(bed).map(\.id) == [new.id])
        }
    }
}
