import AuditEvents
import DatabaseTesting
import PostgreSQL
import Testing

@testable import EventStore

@Suite("Migrating")
struct MigratorTests {
    /// The same database, as somebody else.
    private func configuration(_ database: TestDatabase, as role: String) -> PostgresConfiguration {
        let separator = database.url.contains("?") ? "&" : "?"
        let url =
            database.url.contains("://")
            ? database.url + separator + "options=-c%20role%3D\(role)" : database.url + " options='-c role=\(role)'"
        return PostgresConfiguration(url: url)
    }

    @Test("a second migration changes nothing")
    func idempotent() async throws {
        try await withTestDatabase { (database) async throws in
            let migrator = Migrator(database.configuration(), logger: .quiet)
            let first = try await migrator.migrate()
            #expect(first.changed && first.shards == 1 && first.version == SchemaVersion.current)
            let second = try await migrator.migrate()
            #expect(!second.changed && second.shards == 1)
            try await SchemaVersion.check(database.pool(role: "cardea_writer"))
        }
    }

    @Test("started several times at once, on two databases at once, it succeeds everywhere")
    func atOnce() async throws {
        try await withTestDatabase { (first) async throws in
            try await withTestDatabase { (second) async throws in
                let reports = try await withThrowingTaskGroup(of: Migrator.Report.self) { group in
                    for database in [first, second, first, second, first] {
                        group.addTask { try await Migrator(database.configuration(), logger: .quiet).migrate(shards: 2) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(reports.count { $0.changed } == 2)
                #expect(reports.allSatisfy { $0.shards == 2 })
            }
        }
    }

    @Test("on a fresh server, two databases at once make the roles once")
    func freshServer() async throws {
        try await withTestCluster { (cluster) async throws in
            let url = try await cluster.start()
            try await withPostgresConnection(PostgresConfiguration(url: url), logger: .quiet) {
                try await $0.simple("create database other")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for database in [url, url.replacingFirst("/cardea", with: "/other")] {
                    group.addTask { _ = try await Migrator(PostgresConfiguration(url: database), logger: .quiet).migrate() }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a database newer than the binary is refused, and a migration that has changed is detected")
    func newerAndChanged() async throws {
        try await withStore { (store) async throws in
            let migrator = Migrator(store.database.configuration(), logger: .quiet)
            try await store.superuser.execute("insert into audit.migration (version, name, sha256) values (99, 'future', 'x')")
            await #expect { try await migrator.migrate() } throws: { ($0 as? StoreError)?.code == .schemaNewer }
            await #expect { try await SchemaVersion.check(store.worker) } throws: { ($0 as? StoreError)?.code == .schemaNewer }
            try await store.superuser.execute("delete from audit.migration where version = 99")
            try await store.superuser.execute("update audit.migration set sha256 = 'other' where version = 1")
            await #expect { try await migrator.migrate() } throws: { ($0 as? StoreError)?.code == .migrationChanged }
        }
    }

    @Test("without a schema it is said what to do")
    func missing() async throws {
        try await withTestDatabase { (database) async throws in
            await #expect { try await SchemaVersion.check(database.pool()) } throws: { ($0 as? StoreError)?.code == .schemaMissing }
        }
    }

    @Test("more shards leave every tenant in its own, and new tenants find the new ones")
    func growth() async throws {
        try await withStore(shards: 1) { (store) async throws in
            for number in 0..<20 { #expect(try await store.appender.shard(of: "old-\(number)") == 0) }
            let report = try await Migrator(store.database.configuration(), logger: .quiet).migrate(shards: 4)
            #expect(report.shards == 4)
            let again = Appender(store.worker)
            for number in 0..<20 { #expect(try await again.shard(of: "old-\(number)") == 0) }
            var used: Set<Int32> = []
            for number in 0..<40 { used.insert(try await again.shard(of: "new-\(number)")) }
            #expect(used == [0, 1, 2, 3])
            #expect(try await Migrator(store.database.configuration(), logger: .quiet).migrate(shards: 2).shards == 4)
            try await again.append(try encoded(events(3, tenant: "old-1") + events(3, tenant: "new-1")))
            #expect(try await store.sealer.sealAll() == 6)
        }
    }

    @Test("an owner of the database with CREATEROLE can migrate; anybody else is told what is missing")
    func ordinaryOwner() async throws {
        try await withTestDatabase { (database) async throws in
            let name = "cardea_test_owner_\(UInt32.random(in: 0..<(.max)))"
            let superuser = database.pool()
            try await superuser.withConnection { (connection) async throws in
                try await connection.simple("create role \(name) createrole")
                await #expect { try await Migrator(configuration(database, as: name), logger: .quiet).migrate() } throws: {
                    ($0 as? StoreError)?.code == .privileges
                }
                try await connection.simple("alter database \(database.name) owner to \(name)")
            }
            var failure: (any Error)?
            do {
                #expect(try await Migrator(configuration(database, as: name), logger: .quiet).migrate(shards: 2).changed)
                #expect(try await !Migrator(configuration(database, as: name), logger: .quiet).migrate().changed)
                #expect(try await Appender(database.pool(role: "cardea_writer")).append(try encoded(events(3))) == 3)
            } catch { failure = error }
            try await superuser.withConnection { (connection) async throws in
                try await connection.simple(
                    "alter database \(database.name) owner to current_user; drop owned by \(name); drop role \(name)")
            }
            if let failure { throw failure }
        }
    }
}

extension String {
    fileprivate func replacingFirst(_ text: String, with other: String) -> String {
        guard let found = firstRange(of: text) else { return self }
        return replacingCharacters(found, other)
    }

    private func firstRange(of text: String) -> Range<Index>? {
        indices.first { self[$0...].hasPrefix(text) }.map { $0..<index($0, offsetBy: text.count) }
    }

    private func replacingCharacters(_ range: Range<Index>, _ other: String) -> String {
        String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
