import AuditEvents
import DatabaseTesting
import PostgreSQL
import Testing

@testable import EventStore

@Suite("Who may do what")
struct PrivilegeTests {
    private func attempt(_ statement: String, role: String?, _ store: StoreFixture) async throws -> String? {
        try await store.superuser.withConnection { (connection) async throws in
            try await sqlState {
                try await connection.withTransaction {
                    if let role { try await $0.simple("set local role \(role)") }
                    try await $0.simple(statement)
                }
            }
        }
    }

    private func tables(_ store: StoreFixture) async throws -> [String] {
        try await store.superuser.query("select name::text from audit.partition", as: String.self) + ["audit.event", "audit.log"]
    }

    @Test("UPDATE, DELETE, TRUNCATE, ALTER and DROP are refused to every role, on the record, each partition and the log")
    func roles() async throws {
        try await withStore { (store) async throws in
            try await store.appender.append(try encoded(events(3)))
            try await store.sealer.sealAll()
            for table in try await tables(store) {
                let column = table == "audit.log" ? "index" : "severity"
                for role in ["cardea_writer", "cardea_worker", "cardea_reader", "cardea_admin"] {
                    for statement in [
                        "update \(table) set \(column) = 0", "delete from \(table)", "truncate \(table)",
                        "alter table \(table) add column x int", "alter table \(table) disable trigger all", "drop table \(table)",
                        "insert into \(table) default values", "create index on \(table) (time)",
                        "merge into \(table) t using (values (1)) v on true when matched then delete",
                    ] {
                        #expect(try await attempt(statement, role: role, store) == "42501", "\(role): \(statement)")
                    }
                }
            }
            #expect(try await store.count() == 3)
        }
    }

    @Test("not even the owner or a superuser changes or empties the record")
    func owner() async throws {
        try await withStore { (store) async throws in
            try await store.appender.append(try encoded(events(3)))
            try await store.sealer.sealAll()
            // Partitions that are made later are armed as well.
            try await store.appender.append(try encoded(events(1, end: .epoch.advanced(bySeconds: 1))))
            for table in try await tables(store) {
                let column = table == "audit.log" ? "index" : "severity"
                for role in ["cardea_owner", nil] {
                    for statement in [
                        "update \(table) set \(column) = 0", "delete from \(table)", "truncate \(table)", "truncate \(table) cascade",
                    ] {
                        #expect(try await attempt(statement, role: role, store) == "42501", "\(role ?? "superuser"): \(statement)")
                    }
                }
            }
            let canLogIn = try await store.superuser.query(
                "select bool_or(rolcanlogin or rolsuper) as b from pg_roles where rolname like 'cardea\\_%' and rolname in ('cardea_owner', 'cardea_writer', 'cardea_worker', 'cardea_reader', 'cardea_admin')"
            )[0]
            .decode("b", as: Bool.self)
            #expect(!canLogIn)
        }
    }

    @Test("the writer appends, and can do nothing else")
    func writer() async throws {
        try await withStore { (store) async throws in
            let functions = try await store.superuser.query(
                """
                select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                where n.nspname = 'audit' and has_function_privilege('cardea_writer', p.oid, 'execute') order by 1
                """, as: String.self)
            #expect(functions == ["append", "deployment_key", "ensure_partitions", "shard_of"])
            let readable = try await store.superuser.query(
                """
                select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'audit' and c.relkind in ('r', 'p', 'v') and has_table_privilege('cardea_writer', c.oid, 'select')
                """, as: String.self)
            #expect(readable == ["migration"])
            let writer = store.database.pool(role: "cardea_writer")
            #expect(try await Appender(writer).append(try encoded(events(3, tenant: "w"))) == 3)
            await writer.close()
        }
    }

    @Test("a reader neither appends nor seals, and nobody outside reads the key")
    func reader() async throws {
        try await withStore { (store) async throws in
            for statement in [
                "select audit.seal(0)", "select audit.shard_of('x')", "select audit.deployment_key()", "select * from audit.deployment",
            ] {
                #expect(try await attempt(statement, role: "cardea_reader", store) == "42501", "\(statement)")
            }
            for role in ["cardea_writer", "cardea_worker", "cardea_admin"] {
                #expect(try await attempt("select * from audit.deployment", role: role, store) == "42501")
            }
            #expect(try await attempt("select audit.seal(0)", role: "cardea_writer", store) == "42501")
            #expect(try await attempt("update audit.head set next_index = 0", role: "cardea_admin", store) == "42501")
            #expect(try await attempt("update audit.head set next_index = 0", role: "cardea_worker", store) == "42501")
        }
    }
}
