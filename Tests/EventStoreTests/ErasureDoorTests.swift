import AuditEvents
import DatabaseTesting
import PostgreSQL
import Testing

@testable import EventStore

@Suite("The door for erasure")
struct ErasureDoorTests {
    static let roles = ["cardea_writer", "cardea_worker", "cardea_reader", "cardea_responder", "cardea_admin", "cardea_access"]

    /// What the server says to `statement` under `role`, in a transaction that is undone.
    private func answer(_ record: Record, _ role: String?, _ statement: String) async throws -> String {
        struct Undone: Error {}
        var configuration = record.database.configuration(role: role)
        configuration.maximumConnections = 1
        return try await withPostgresConnection(configuration, logger: .quiet) { connection in
            do {
                try await connection.withTransaction { inner in
                    try await inner.simple(statement)
                    throw Undone()
                }
            } catch let error as PostgresError { return error.sqlState ?? "\(error)" } catch is Undone {}
            return "done"
        }
    }

    private func begun(_ record: Record) async throws {
        let event = AuditEvent(
            header: EventHeader(id: EventID(time: .now()), source: "api", type: .loginFailure, outcome: .failure),
            body: EventBody(actor: .init(name: "ann")))
        try await record.appender.append([try EventEncoder().encode(event, now: .now())])
        let admins = record.database.pool(role: "cardea_admin", maximumConnections: 1)
        try await admins.execute("select audit.begin_erasure('ann', 'default', 'x', 'root')")
        await admins.close()
    }

    @Test("nobody opens it by hand, whatever they set, while an erasure is under way")
    func byHand() async throws {
        try await withRecord(shards: 1) { record in
            try await begun(record)
            let tables =
                ["audit.event", "audit.log"] + (try await record.pool.query("select name::text from audit.partition", as: String.self))
            for role in Self.roles {
                for statement in [
                    "update audit.erasure set door = pg_current_xact_id()", "insert into audit.erasure default values",
                    "insert into audit.erased_event values (0, gen_random_uuid(), now(), 1)", "delete from audit.erased_event",
                    "select 1 from audit.erasure_value", "delete from audit.hold", "delete from audit.retention",
                    "delete from audit.dropped_partition",
                    "select audit.erase_clear(e) from audit.erasure e", "select audit.erase_told(e) from audit.erasure e",
                    "select audit.empty_events(e, 'audit.event', '{}') from audit.erasure e",
                ] { #expect(try await answer(record, role, statement) == "42501", "\(role): \(statement)") }
                for table in tables {
                    for statement in ["update \(table) set body = null", "delete from \(table)", "truncate \(table)"]
                    where table != "audit.log" {
                        let settings = "set local audit.door = '1'; set local audit.erasing = 'on'; "
                        #expect(try await answer(record, role, settings + statement) == "42501", "\(role): \(statement)")
                    }
                }
                guard role != "cardea_admin" else { continue }
                for statement in [
                    "select audit.erase(1)", "select audit.begin_erasure('ann', 'default', 'x', 'me')", "select audit.drop_detached()",
                    "select audit.detach_partition('audit.event'::regclass, 'default', 'me', gen_random_uuid(), now(), '{}', '\\x', '\\x')",
                    "select audit.set_hold('x', 'x', null, null, null, null, 'x', gen_random_uuid(), now(), '{}', '\\x', '\\x')",
                    "select audit.fingerprint('ann')",
                ] { #expect(try await answer(record, role, statement) == "42501", "\(role): \(statement)") }
            }
        }
    }

    @Test("through it an event is emptied and nothing else: not even for the owner who opened it")
    func narrow() async throws {
        try await withRecord(shards: 1) { record in
            try await begun(record)
            let open = "set local role cardea_owner; update audit.erasure set door = pg_current_xact_id(); "
            for statement in [
                "update audit.event set type = 'x'", "update audit.event set body = '{}'", "update audit.event set body_hash = '\\x00'",
                "update audit.event set body = null", "delete from audit.event", "truncate audit.event", "update audit.log set index = 7",
                "delete from audit.log",
            ] { #expect(try await answer(record, nil, open + statement) == "42501", "\(statement)") }
            #expect(
                try await answer(
                    record, nil,
                    open + "update audit.event set body = null, salt = null, actor = null, client_ip = null, session = null, token = null")
                    == "done")
            #expect(
                try await answer(
                    record, nil, "set local role cardea_owner; update audit.event set body = null, salt = null") == "42501")
        }
    }

    @Test("a finished erasure opens nothing; one that has not come to its end is not finished")
    func finished() async throws {
        try await withRecord(shards: 1) { record in
            try await begun(record)
            let finish = "select audit.finish_erasure(1, gen_random_uuid(), now(), '{}', '\\x00', '\\x00', 'root')"
            #expect(try await answer(record, "cardea_admin", finish) == "55000")
            let admins = record.database.pool(role: "cardea_admin", maximumConnections: 1)
            let report = try await SubjectErasure(admins).erase("ann", tenant: "default", reason: "x", by: "root")
            #expect(report.id == 1 && report.events == 1)
            #expect(try await answer(record, "cardea_admin", "select audit.erase(1)") == "P0002")
            await admins.close()
        }
    }

    @Test(
        "the database and the application make the same fingerprint",
        arguments: ["ann", "", "Ö \u{1f512}", String(repeating: "x", count: 300)])
    func fingerprint(value: String) async throws {
        try await withRecord(shards: 1) { record in
            let key = try await record.appender.deploymentKey()
            let made = try await record.pool.query("select audit.fingerprint(\(value))", as: String.self)
            #expect(made == [Fingerprinter(key: key).fingerprint(value, purpose: .subject)])
        }
    }

    @Test("a value is found as a word of its own, and replaced there alone")
    func words() async throws {
        try await withRecord(shards: 1) { (record) async throws in
            for (words, value, expected) in [
                ("ann failed", "ann", true), ("planned", "ann", false), ("ann.", "ann", true), ("annex ann", "ann", true),
                ("", "ann", false),
                ("by a+b@c.d!", "a+b@c.d", true), ("x/ann/y", "ann", true), ("_ann", "ann", false), ("10.0.0.1", "10.0.0.11", false),
                ("10.0.0.11", "10.0.0.1", false), ("(.*)", ".*", true),
            ] {
                #expect(
                    try await record.pool.query("select audit.names(\(words), \(value))", as: Bool.self) == [expected], "\(words) \(value)")
            }
        }
    }

    @Test("which tenant is meant: the one named, the one it is in, the only one; of several somebody must choose")
    func plan() {
        func decision(_ asked: String?, _ running: [String], _ present: [String], _ known: [String]) -> ErasurePlan.Decision {
            ErasurePlan(asked: asked, running: running, present: present, known: known).decision
        }
        #expect(decision("a", [], ["b"], ["a"]) == .erase(tenant: "a"))
        #expect(decision(nil, [], ["b"], ["a", "b"]) == .erase(tenant: "b"))
        #expect(decision(nil, ["b"], [], ["a", "b"]) == .erase(tenant: "b"))
        #expect(decision(nil, ["b"], ["b"], ["a", "b"]) == .erase(tenant: "b"))
        #expect(decision(nil, ["b"], ["a"], ["a", "b"]) == .ambiguous(tenants: ["a", "b"]))
        #expect(decision(nil, [], [], ["a"]) == .erase(tenant: "a"))
        #expect(decision(nil, [], [], ["a", "b"]) == .nothing)
    }
}
