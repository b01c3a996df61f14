import AuditEvents
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@Suite("Privileges")
struct PrivilegeTests {
    static let roles = ["cardea_writer", "cardea_worker", "cardea_reader", "cardea_responder", "cardea_admin"]

    private func tables(_ record: Record) async throws -> [String] {
        ["audit.event", "audit.log"] + (try await record.pool.query("select name::text from audit.partition order by 1", as: String.self))
    }

    /// What the server says to `statements` under `role`, each in a transaction that is undone.
    private func answers(_ record: Record, _ role: String?, _ statements: [String]) async throws -> [String: String] {
        struct Undone: Error {}
        var configuration = record.database.configuration(role: role)
        configuration.maximumConnections = 1
        return try await withPostgresConnection(configuration, logger: .quiet) { connection in
            var answers: [String: String] = [:]
            for statement in statements {
                do {
                    try await connection.withTransaction { inner in
                        try await inner.simple(statement)
                        throw Undone()
                    }
                } catch let error as PostgresError {
                    answers[statement] = error.sqlState ?? "\(error)"
                } catch is Undone {
                    answers[statement] = "done"
                }
            }
            return answers
        }
    }

    private func expectRefused(
        _ record: Record, _ role: String?, _ statements: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let answers = try await answers(record, role, statements)
        let others = answers.filter { $0.value != "42501" }
        #expect(others.isEmpty, "as \(role ?? "superuser")", sourceLocation: sourceLocation)
        #expect(answers.count == Set(statements).count, sourceLocation: sourceLocation)
    }

    private func expectDone(_ record: Record, _ role: String, _ statements: [String], sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let others = try await answers(record, role, statements).filter { $0.value != "done" }
        #expect(others.isEmpty, "as \(role)", sourceLocation: sourceLocation)
    }

    private func stored(shards: Int, _ body: (Record) async throws -> Void) async throws {
        try await withRecord(shards: shards) { record in
            try await record.appender.append(try record.spread(14))
            try await record.sealer.sealAll()
            try await body(record)
            #expect(try await record.logs().count == 14)
            #expect(try await record.count() == 14)
        }
    }

    @Test("no role changes, empties, alters or drops the record or any partition of it", arguments: roles, [1, 4])
    func record(role: String, shards: Int) async throws {
        try await stored(shards: shards) { record in
            let shard = shards - 1
            let statements = try await tables(record).flatMap { table in
                [
                    "update \(table) set time = time", "delete from \(table)", "truncate \(table)", "drop table \(table) cascade",
                    "alter table \(table) add column x integer", "alter table \(table) disable trigger all",
                    "drop trigger append_only on \(table)",
                    "create trigger t before insert on \(table) execute function audit.refuse_change()",
                    "create rule r as on insert to \(table) do instead nothing", "insert into \(table) select * from \(table)",
                    "comment on table \(table) is 'x'", "grant all on \(table) to public", "create index on \(table) (id)",
                ].filter { !$0.hasPrefix("grant") }
            }
            try await expectRefused(record, role, statements)
            try await expectRefused(
                record, role,
                [
                    "create table audit.x (i integer)", "drop function audit.seal(integer, integer) cascade",
                    "set role cardea_owner; select 1",
                    "create or replace function audit.refuse_change() returns trigger language plpgsql as 'begin return null; end'",
                    "update audit.head set next_index = 0", "delete from audit.tenant", "select key from audit.deployment",
                    "update audit.migration set version = 2", "select audit.seal_restored(\(shard))", "select audit.protect('audit.head')",
                ].filter { !$0.hasPrefix("set role") })
        }
    }

    @Test("not even the superuser or the owner changes the record by accident: the trigger refuses", arguments: [1, 4])
    func trigger(shards: Int) async throws {
        try await stored(shards: shards) { record in
            for table in try await tables(record) {
                for statement in ["update \(table) set time = time where false", "delete from \(table)", "truncate \(table)"] {
                    for prefix in ["", "set local role cardea_owner; "] {
                        do {
                            try await record.pool.withTransaction { try await $0.simple(prefix + statement) }
                            Issue.record("\(statement) was done")
                        } catch let error as PostgresError {
                            #expect(error.sqlState == "42501")
                            #expect(error.message.contains("append-only"))
                        }
                    }
                }
            }
        }
    }

    @Test("a partition made later is as protected as the first ones", arguments: [1, 4])
    func laterPartition(shards: Int) async throws {
        try await stored(shards: shards) { record in
            let old = try #require(Timestamp("2003-03-03T03:03:03Z"))
            try await record.appender.ensurePartitions(since: old, until: old)
            try await expectRefused(record, nil, ["delete from audit.event_2003", "truncate audit.event_2003"])
            for role in PrivilegeTests.roles { try await expectRefused(record, role, ["insert into audit.event_2003 default values"]) }
        }
    }

    @Test("the writer appends and does nothing else", arguments: [1, 4])
    func writer(shards: Int) async throws {
        try await stored(shards: shards) { record in
            try await expectRefused(
                record, "cardea_writer",
                [
                    "select 1 from audit.event", "select 1 from audit.log", "select 1 from audit.head", "select 1 from audit.tenant",
                    "select 1 from audit.alert", "select 1 from audit.checkpoint", "select audit.seal(\(shards - 1))",
                    "select audit.add_shards(9)",
                    "insert into audit.tenant values ('x', 0)",
                ])
            try await expectDone(
                record, "cardea_writer",
                ["select audit.shard_of('acme')", "select audit.deployment_key()", "select audit.ensure_partitions(now(), now())"])
        }
    }

    @Test("the reader reads and does nothing else", arguments: [1, 4])
    func reader(shards: Int) async throws {
        try await stored(shards: shards) { record in
            try await expectDone(
                record, "cardea_reader",
                ["event", "log", "head", "tenant", "alert", "alert_event", "projection", "checkpoint"].map { "select 1 from audit.\($0)" })
            try await expectRefused(
                record, "cardea_reader",
                [
                    "select audit.seal(\(shards - 1))", "select audit.shard_of('acme')", "select audit.ensure_partitions(now(), now())",
                    "select audit.deployment_key()", "select audit.add_shards(9)", "delete from audit.alert",
                    "update audit.lease set owner = 'me'",
                ])
            let shard = try await record.shard()
            let event = try record.events(1)
            let state = try await refusal {
                try await record.database.pool(role: "cardea_reader").withConnection {
                    _ = try await Appender.append(event, shard: shard, in: $0)
                }
            }
            #expect(state == "42501")
        }
    }

    @Test("the worker seals, reads and keeps its books; the administrator grows shards and asks for rebuilds", arguments: [1, 4])
    func workerAndAdministrator(shards: Int) async throws {
        try await stored(shards: shards) { record in
            try await expectDone(
                record, "cardea_worker",
                [
                    "select audit.seal(\(shards - 1))", "select 1 from audit.event", "update audit.lease set owner = 'me'",
                    "insert into audit.worker (id) values ('w')", "delete from audit.detection_state",
                ])
            try await expectRefused(
                record, "cardea_worker", ["select audit.add_shards(9)", "delete from audit.alert", "insert into audit.lease values (9)"])
            try await expectDone(
                record, "cardea_admin",
                [
                    "select audit.add_shards(\(shards + 2))", "select 1 from audit.event", "select audit.seal(\(shards - 1))",
                    "select audit.shard_of('acme')",
                    "insert into audit.projection (name, generation, version, state) values ('x', 1, 1, 'building')",
                ])
            try await expectRefused(
                record, "cardea_admin",
                [
                    "insert into audit.alert_event values (0)", "update audit.projection set version = 2",
                    "update audit.lease set owner = 'me'",
                ])
        }
    }

    @Test("no role can sign in, and the public may do nothing", arguments: [1, 4])
    func signIn(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let able = try await record.pool.query(
                #"select rolname::text from pg_roles where rolname in ('cardea_owner', 'cardea_writer', 'cardea_access', 'cardea_worker', 'cardea_reader', 'cardea_responder', 'cardea_admin') and (rolcanlogin or rolsuper or rolcreaterole or rolbypassrls)"#,
                as: String.self)
            #expect(able == [])
            let open = try await record.pool.query(
                """
                select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'audit'::regnamespace
                    and has_function_privilege('public', p.oid, 'execute')
                """, as: String.self)
            #expect(open == [])
            #expect(try await record.pool.query("select has_schema_privilege('public', 'audit', 'usage')", as: Bool.self) == [false])
        }
    }

    @Test(
        "a type in the caller's temporary schema is not taken for one of the server's by the owner's functions", arguments: roles, [1, 4])
    func temporaryTypes(role: String, shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let shard = shards - 1
            try await withPostgresConnection(record.database.configuration(role: role), logger: .quiet) { connection in
                try await connection.simple(
                    """
                    create function pg_temp.spy() returns boolean language plpgsql as $$
                    begin
                        if current_user = 'cardea_owner' then raise exception 'ran as the owner' using errcode = 'P0666'; end if;
                        return true;
                    end $$;
                    create domain pg_temp.text as pg_catalog.text check (pg_temp.spy());
                    create domain pg_temp.timestamptz as pg_catalog.timestamptz check (pg_temp.spy());
                    create domain pg_temp.xid8 as pg_catalog.xid8 check (pg_temp.spy());
                    create domain pg_temp.uuid as pg_catalog.uuid check (pg_temp.spy());
                    """)
                let calls = [
                    "select audit.shard_of('acme'::pg_catalog.text)",
                    "select audit.ensure_partitions(now(), now() + interval '1 day')", "select audit.seal(\(shard))",
                    "select audit.deployment_key()",
                    "select audit.add_shards(\(shards + 1))",
                    """
                    select audit.append(\(shard), null::pg_catalog.uuid[], null, null, null, null, null, null, null, null, null, null, null, null,
                        null, null, null, null, null, null, null, null, null)
                    """,
                ]
                for call in calls {
                    let state = try await refusal { try await connection.simple(call) }
                    #expect(state == nil || state == "42501", "\(call)")
                }
            }
        }
    }
}
