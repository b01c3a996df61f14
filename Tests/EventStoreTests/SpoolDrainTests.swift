import AuditEvents
import DatabaseTesting
import Glibc
import PostgreSQL
import Testing

@testable import EventStore

@Suite("Draining the spool before an erasure")
struct SpoolDrainTests {
    private func drain(_ record: Record, _ folder: String) -> SpoolDrain {
        SpoolDrain(record.writers, directory: folder, limit: 1 << 20)
    }

    @Test("what waits is stored and does not come back; what a running process holds and what is damaged is told")
    func drained() async throws {
        try await withFolder { folder in
            try await withRecord(shards: 1) { record in
                let events = try encoded(EventStoreTests.events(5, tenant: "default"))
                let spool = try await Spool.open(directory: folder, limit: 1 << 20)
                #expect(try await spool.append(events))
                // It still runs.
                let first = try await drain(record, folder).run(lookingFor: "user3")
                #expect(first.stored == 0 && first.busy.count == 1)
                try await spool.close()
                let second = try await drain(record, folder).run(lookingFor: "user3")
                #expect(second == SpoolDrain.Rest(stored: 5))
                #expect(try await record.count() == 5)
                #expect(try await drain(record, folder).run(lookingFor: "user3") == SpoolDrain.Rest())

                let admins = record.database.pool(role: "cardea_admin", maximumConnections: 1)
                let report = try await SubjectErasure(admins).erase("user3", tenant: "default", reason: "asked", by: "ann")
                #expect(report.events == 1)
                // Another copy of the spool, of an application that was restored from a backup, changes nothing.
                try await record.appender.append(events)
                #expect(try await record.pool.query("select count(*) from audit.event where actor = 'user3'", as: Int64.self) == [0])
                await admins.close()

                let damaged = folder + "/0/000000000009.spool.damaged"
                let descriptor = open(damaged, O_CREAT | O_WRONLY, 0o600)
                _ = "garbage user3 garbage".withCString { write(descriptor, $0, 21) }
                close(descriptor)
                #expect(try await drain(record, folder).run(lookingFor: "user3").damaged == [damaged])
                #expect(try await drain(record, folder).run(lookingFor: "user9").damaged == [])
            }
        }
    }

    @Test("a home without a spool is none to drain")
    func none() async throws {
        try await withRecord(shards: 1) { (record) async throws in
            #expect(try await drain(record, "/tmp/cardea-no-such-spool").run(lookingFor: "x") == SpoolDrain.Rest())
        }
    }
}
