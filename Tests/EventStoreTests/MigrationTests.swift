import AuditEvents
import DatabaseTesting
import EventStore
import Logging
import PostgreSQL
import Schema
import Testing

@Suite("Migration")
struct MigrationTests {
    private func migrator(_ database: TestDatabase) -> Migrator { Migrator(database.configuration(), logger: .quiet) }

    private func code(_ body: () async throws -> Void) async throws -> StoreError.Code? {
        do {
            try await body()
            return nil
        } catch let error as StoreError {
            return error.code
        }
    }

    @Test("the second run changes nothing", arguments: [1, 4])
    func idempotent(shards: Int) async throws {
        try await withTestDatabase { database in
            let pool = database.pool()
            #expect(try await SchemaVersion.installed(in: pool) == nil)
            #expect(try await code { try await SchemaVersion.check(pool) } == .schemaMissing)
            let first = try await migrator(database).migrate(shards: shards)
            #expect(first.changed)
            #expect(first.migrations == Schema.migrations.map(\.name))
            #expect(first.shards == shards)
            let second = try await migrator(database).migrate(shards: shards)
            #expect(!second.changed)
            #expect(second.version == Schema.version)
            try await SchemaVersion.check(pool)
            await pool.close()
        }
    }

    @Test("two at once on one database: one migrates, the other finds it done", arguments: [1, 4])
    func twoAtOnce(shards: Int) async throws {
        try await withTestDatabase { database in
            async let one = migrator(database).migrate(shards: shards)
            async let other = migrator(database).migrate(shards: shards)
            let reports = try await [one, other]
            #expect(reports.filter(\.changed).count == 1)
            #expect(reports.map(\.shards) == [shards, shards])
        }
    }

    @Test("two at once on two databases of one server", arguments: [1, 4])
    func twoDatabases(shards: Int) async throws {
        try await withTestDatabase { first in
            try await withTestDatabase { second in
                async let one = migrator(first).migrate(shards: shards)
                async let other = migrator(second).migrate(shards: shards)
                let reports = try await [one, other]
                #expect(reports.map(\.changed) == [true, true])
            }
        }
    }

    @Test("a database newer than the binary is refused, an older one named", arguments: [1, 4])
    func newer(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            try await record.pool.execute("insert into audit.migration (version, name, sha256) values (99, 'future', 'x')")
            #expect(try await code { _ = try await migrator(record.database).migrate() } == .schemaNewer)
            #expect(try await code { try await SchemaVersion.check(record.writers) } == .schemaNewer)
            try await record.pool.execute("delete from audit.migration")
            try await record.pool.execute("insert into audit.migration (version, name, sha256) values (0, 'past', 'x')")
            #expect(try await code { try await SchemaVersion.check(record.writers) } == .schemaOlder)
        }
    }

    @Test("a migration that is not the one that ran is detected, and nothing is changed", arguments: [1, 4])
    func changedMigration(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            try await record.pool.execute("update audit.migration set sha256 = 'another' where version = 1")
            #expect(try await code { _ = try await migrator(record.database).migrate(shards: 7) } == .migrationChanged)
            #expect(try await record.sealer.shards() == Array(0..<Int32(shards)))
        }
    }

    @Test("a function or privilege that was changed is brought back, and only it", arguments: [1, 4])
    func changedObjects(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            for name in ["functions/seal", Schema.privileges.name] {
                try await record.pool.execute("update audit.object set sha256 = 'another' where name = \(name)")
                try await record.pool.execute("grant select on audit.event to cardea_writer")
                let report = try await migrator(record.database).migrate()
                #expect(Set(report.objects) == [name, Schema.privileges.name])
                #expect(try await refusal { _ = try await record.writers.query("select 1 from audit.event") } == "42501")
            }
        }
    }

    @Test(
        "growing the shards is a change, leaves tenants and their order where they are, and none is ever taken away",
        arguments: zip([1, 4], [4, 8]))
    func growing(from: Int, to: Int) async throws {
        try await withRecord(shards: from) { record in
            let tenants = (0..<20).map { "tenant\($0)" }
            func shards(of tenants: [String]) async throws -> [Int32] {
                let appender = record.appender  // remembers nothing yet
                var shards: [Int32] = []
                for tenant in tenants { shards.append(try await appender.shard(of: tenant)) }
                return shards
            }
            try await record.appender.append(try tenants.map { try record.event($0) })
            let before = try await shards(of: tenants)
            #expect(Set(before) == Set(0..<Int32(from)))
            let report = try await migrator(record.database).migrate(shards: to)
            #expect(report.changed)
            #expect(report.shards == to)
            #expect(report.addedShards == to - from)
            #expect(try await shards(of: tenants) == before)
            let new = (0..<80).map { "new\($0)" }
            try await record.appender.append(try (tenants + new).map { try record.event($0) })
            #expect(try await Set(shards(of: new)) == Set(0..<Int32(to)))
            try await record.sealer.sealAll()
            #expect(try await record.logs().count == 120)
            #expect(try await migrator(record.database).migrate(shards: from).shards == to)
            #expect(try await migrator(record.database).migrate().shards == to)
        }
    }

    /// A login role of a test's own and the database as it sees it; both are removed.
    private func withUser(_ attributes: String, _ body: (TestDatabase, PostgresConfiguration, String) async throws -> Void) async throws {
        try await withTestDatabase { around in
            let user = "cardea_test_user_\(UInt64.random(in: 0..<(1 << 40)))"
            let pool = around.pool(maximumConnections: 1)
            try await pool.execute("create role \(identifier: user) login \(unsafe: attributes)")
            let result: Result<Void, any Error>
            do {
                try await withTestDatabase { database in
                    // The server may let nobody but the superuser in: who then becomes the user, before the first statement.
                    let url =
                        database.url.contains("://")
                        ? "\(database.url)\(database.url.contains("?") ? "&" : "?")options=-crole%3D\(user)"
                        : "\(database.url) options=-crole=\(user)"
                    try await body(database, PostgresConfiguration(url: url), user)
                }
                result = .success(())
            } catch { result = .failure(error) }
            try await pool.execute("drop role \(identifier: user)")
            await pool.close()
            try result.get()
        }
    }

    @Test("an owner of the database with CREATEROLE migrates, appends and seals without being superuser", arguments: [1, 4])
    func owner(shards: Int) async throws {
        try await withUser("createrole") { database, configuration, user in
            let superuser = database.pool(maximumConnections: 1)
            try await superuser.execute("alter database \(identifier: database.name) owner to \(identifier: user)")
            await superuser.close()
            let migrator = Migrator(configuration, logger: .quiet)
            #expect(try await migrator.migrate(shards: shards).changed)
            #expect(try await migrator.migrate(shards: shards).changed == false)
            for role in ["cardea_admin", nil] {
                var configuration = configuration
                configuration.role = role
                let pool = PostgresPool(configuration, logger: .quiet)
                let header = EventHeader(id: EventID(time: .now()), source: "s", type: .httpRequest, outcome: .success)
                let event = try EventEncoder().encode(AuditEvent(header: header), now: .now())
                #expect(try await Appender(pool).append([event]) == 1)
                #expect(try await Sealer(pool).sealAll() == 1)
                await pool.close()
            }
        }
    }

    @Test("a user without rights is told which ones are missing", arguments: [1, 4])
    func withoutRights(shards: Int) async throws {
        try await withUser("") { database, configuration, _ in
            let pool = PostgresPool(configuration, logger: .quiet)
            #expect(try await code { _ = try await Migrator(configuration, logger: .quiet).migrate(shards: shards) } == .privileges)
            _ = try await Migrator(database.configuration(), logger: .quiet).migrate(shards: shards)
            #expect(try await code { _ = try await Migrator(configuration, logger: .quiet).migrate(shards: shards) } == .privileges)
            #expect(try await code { try await SchemaVersion.check(pool) } == .privileges)
            await pool.close()
        }
    }
}
