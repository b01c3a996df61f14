import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@Suite("Accounts and failed sign-ins in PostgreSQL")
struct AccountStoreTests {
    private func withAccess(_ body: (Record, PostgresPool) async throws -> Void) async throws {
        try await withRecord(shards: 1) { record in
            let pool = record.database.pool(role: "cardea_access", maximumConnections: 12)
            let result: Result<Void, any Error>
            do { result = .success(try await body(record, pool)) } catch { result = .failure(error) }
            await pool.close()
            try result.get()
        }
    }

    @Test("the store of accounts and API keys keeps its promises")
    func accounts() async throws {
        try await withAccess { (_, pool) async throws in
            for check in AccountStoreConformance.checks {
                do { try await check.run(AccountStoreConformance(PostgresAccountStore(pool))) } catch { Issue.record("\(check): \(error)") }
            }
        }
    }

    @Test("the store of failed sign-ins keeps its promises, and nothing expired stays")
    func lockouts() async throws {
        try await withAccess { (record, pool) async throws in
            let store = PostgresLockoutStore(pool)
            for check in LockoutStoreConformance.checks {
                do { try await check.run(LockoutStoreConformance(store)) } catch { Issue.record("\(check): \(error)") }
            }
            let policy = LockoutPolicy.standard
            let late = Timestamp(microseconds: 1_900_000_000_000_000)
            for number in 0..<100 {
                let subjects = policy.subjects(account: "flood-\(number)", address: "192.0.2.\(number)")
                if try await store.begin(subjects, policy: policy, at: late) == .allowed {
                    _ = try await store.end(subjects, .released, policy: policy, at: late)
                }
            }
            #expect(try await record.count("audit_access.lockout") == 0)
        }
    }

    @Test("two instances share a limit")
    func instances() async throws {
        try await withAccess { (record, pool) async throws in
            let other = record.database.pool(role: "cardea_access", maximumConnections: 12)
            let policy = LockoutPolicy.standard
            let subjects = policy.subjects(account: "ann", address: "2001:db8::")
            let stores = [PostgresLockoutStore(pool), PostgresLockoutStore(other)]
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<60 {
                    group.addTask { try await stores[number % 2].begin(subjects, policy: policy, at: .now()) == .allowed }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == 3)
            await other.close()
        }
    }

    @Test("cardea_access may keep accounts, and other roles see nothing of them")
    func privileges() async throws {
        try await withAccess { (record, pool) async throws in
            let statements = [
                "select 1 from audit_access.account", "select 1 from audit_access.api_key", "select 1 from audit_access.lockout",
                "delete from audit_access.lockout", "update audit_access.account set roles = '{admin}'",
                "select * from audit_access.begin_sign_in('{}', '[]', 1, 1, false, 1)",
            ]
            for role in ["cardea_writer", "cardea_worker", "cardea_reader"] {
                let others = record.database.pool(role: role, maximumConnections: 1)
                for statement in statements {
                    #expect(try await refusal { _ = try await others.query("\(unsafe: statement)") } == "42501", "\(role): \(statement)")
                }
                await others.close()
            }
            // Counts are changed by the two functions alone.
            for statement in [
                "select 1 from audit_access.lockout", "delete from audit_access.lockout", "truncate audit_access.account",
                "drop table audit_access.account", "select 1 from audit.event", "create table audit_access.mine ()",
            ] {
                #expect(try await refusal { _ = try await pool.query("\(unsafe: statement)") } == "42501", "\(statement)")
            }
        }
    }

    @Test("names by which one reaches into the server are only names")
    func hostileNames() async throws {
        try await withAccess { (_, pool) async throws in
            let store = PostgresAccountStore(pool)
            for (number, name) in [
                "'; drop table audit_access.account; --", "\\'; select pg_sleep(10)", "$1", "{a,b}", "\u{202E}gnp", "a\nb", "NULL", "\"",
                "%s%n", "\u{1F600}",
            ].enumerated() {
                let account = StoredAccount(
                    id: "\(number)\(name)", username: name, passwordHash: name, roles: [name, "", "a,b", "{}", "\""],
                    created: Timestamp(microseconds: 1))
                #expect(try await store.create(account))
                #expect(try await store.account(named: name) == account)
            }
            await #expect(throws: PostgresError.self) {
                _ = try await store.create(StoredAccount(id: "x", username: "a\0b", passwordHash: "h", created: .now()))
            }
        }
    }
}
