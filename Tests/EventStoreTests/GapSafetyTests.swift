import AuditEvents
import DatabaseTesting
import PostgreSQL
import Testing

@testable import EventStore

@Suite("The order of the record")
struct GapSafetyTests {
    private struct Rollback: Error {}

    @Test(
        "twelve writers, rollbacks and a transaction that stays open: complete, contiguous, nothing twice, and only the slow one waits",
        arguments: [1, 4], [50_000, 23] as [Int32])
    func concurrentWriters(shards: Int, most: Int32) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let appender = store.appender
            var places: [(tenant: String, shard: Int32)] = []
            for number in 0..<8 { places.append(("tenant-\(number)", try await appender.shard(of: "tenant-\(number)"))) }
            let committed = Shared<Set<EventID>>([])
            let isDone = Shared(false)

            let slow = try await PostgresConnection.connect(store.database.configuration(role: "cardea_writer"), logger: .quiet)
            let slowEvents = try encoded(events(5, tenant: places[0].tenant))
            try await slow.simple("begin")
            _ = try await slow.query(EventColumns(shard: places[0].shard, events: slowEvents).statement)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        let sealer = store.sealer
                        while !isDone.withLock({ $0 }) {
                            for shard in try await sealer.shards() { _ = try await sealer.seal(shard, most: most) }
                        }
                    }
                }
                try await withThrowingTaskGroup(of: Void.self) { writers in
                    for number in 0..<12 {
                        writers.addTask { [places] in
                            try await write(UInt64(number), places, store.database, committed)
                        }
                    }
                    try await writers.waitForAll()
                }
                // The slow transaction is still open, and everything else gets its index nevertheless.
                let expected = committed.withLock(\.count)
                #expect(try await eventually { try await store.count("audit.log") == expected })
                #expect(try await store.entries().allSatisfy { entry in !slowEvents.contains { $0.header.id == entry.id } })
                try await slow.simple("commit")
                slow.close()
                #expect(try await eventually { try await store.count("audit.log") == expected + 5 })
                isDone.withLock { $0 = true }
                try await group.waitForAll()
            }
            let entries = try await store.entries()
            store.expectWellFormed(entries)
            let all = committed.withLock { $0 }.union(slowEvents.map(\.header.id))
            #expect(Set(entries.map(\.id)) == all)
            #expect(Set(try await store.storedIDs()) == all)
            #expect(try await store.sealer.sealAll() == 0)
        }
    }

    private func write(
        _ seed: UInt64, _ places: [(tenant: String, shard: Int32)], _ database: TestDatabase, _ committed: Shared<Set<EventID>>
    ) async throws {
        var random = SeededGenerator(seed)
        let connection = try await PostgresConnection.connect(database.configuration(role: "cardea_writer"), logger: .quiet)
        defer { connection.close() }
        for _ in 0..<25 {
            let place = places[Int.random(in: 0..<places.count, using: &random)]
            let batch = try encoded(events(Int.random(in: 1...30, using: &random), tenant: place.tenant))
            let lost = try encoded(events(3, tenant: place.tenant))
            let delay = Double.random(in: 0...0.008, using: &random)
            let chance = Int.random(in: 0..<20, using: &random)
            do {
                try await connection.withTransaction { connection in
                    if chance < 5 {
                        // Savepoints: one is kept, one undone.
                        try await connection.withTransaction { inner in
                            _ = try await inner.query(EventColumns(shard: place.shard, events: batch).statement)
                        }
                        try? await connection.withTransaction { inner in
                            _ = try await inner.query(EventColumns(shard: place.shard, events: lost).statement)
                            throw Rollback()
                        }
                    } else {
                        _ = try await connection.query(EventColumns(shard: place.shard, events: batch).statement)
                    }
                    _ = try await connection.query("select pg_sleep(\(delay))::text")
                    if chance == 19 { throw Rollback() }
                }
                committed.withLock { $0.formUnion(batch.map(\.header.id)) }
            } catch is Rollback {}
        }
    }

    @Test("sealing in small pieces gives the events in the same order as at once")
    func draining() async throws {
        try await withStore { (store) async throws in
            for _ in 0..<10 { try await store.appender.append(try encoded(events(10))) }
            var sealed = 0
            var calls = 0
            while true {
                let result = try await store.sealer.seal(0, most: 7)
                sealed += result.count
                calls += 1
                // What is committed while it drains comes afterwards, and is not lost.
                if calls == 3 { try await store.appender.append(try encoded(events(10))) }
                if !result.more { break }
            }
            sealed += try await store.sealer.sealAll()
            #expect(sealed == 110)
            let entries = try await store.entries()
            store.expectWellFormed(entries)
            let byTransaction = try await store.superuser.query("select id from audit.event order by tx, id", as: PostgresUUID.self)
            #expect(entries.map { PostgresUUID($0.id) } == byTransaction)
        }
    }

    @Test("seal refuses a transaction that has written, and one that keeps its snapshot")
    func sealRefuses() async throws {
        try await withStore { (store) async throws in
            try await store.worker.withConnection { (connection) async throws in
                #expect(
                    try await sqlState {
                        try await connection.withTransaction {
                            _ = try await $0.query("select pg_current_xact_id()::text")
                            _ = try await $0.query("select audit.seal(0)::text")
                        }
                    } == "25001")
                for isolation in [TransactionOptions.Isolation.repeatableRead, .serializable] {
                    #expect(
                        try await sqlState {
                            try await connection.withTransaction(TransactionOptions(isolation: isolation)) {
                                _ = try await $0.query("select audit.seal(0)::text")
                            }
                        } == "25000")
                }
                #expect(try await sqlState { _ = try await connection.query("select audit.seal(99)::text") } == "P0002")
            }
        }
    }

    @Test("append refuses a sealing transaction, whether it sealed something or not")
    func appendRefusesSealing() async throws {
        try await withStore { (store) async throws in
            for prepared in [0, 3] {
                try await store.appender.append(try encoded(events(prepared)))
                let statement = EventColumns(shard: 0, events: try encoded(events(1))).statement
                _ = try await store.appender.shard(of: "default")
                try await store.worker.withConnection { (connection) async throws in
                    #expect(
                        try await sqlState {
                            try await connection.withTransaction {
                                _ = try await $0.query("select audit.seal(0)::text")
                                _ = try await $0.query(statement)
                            }
                        } == "25001")
                    // The mark ends with the transaction.
                    _ = try await connection.query(statement)
                }
            }
        }
    }

    @Test("an idle seal takes no transaction id and writes nothing", arguments: [1, 4])
    func idleSeal(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            try await store.appender.append(try encoded(events(5)))
            try await store.sealer.sealAll()
            let heads = "select string_agg(xmin::text || h::text, '' order by shard) as t from audit.head h"
            let before = try await store.superuser.query("\(unsafe: heads)")[0].decode("t", as: String.self)
            for shard in 0..<Int32(shards) {
                let id = try await store.worker.withTransaction { connection in
                    _ = try await connection.query("select audit.seal(\(shard))::text")
                    return try await connection.query("select pg_current_xact_id_if_assigned()::text as x")[0].decode("x", as: String?.self)
                }
                #expect(id == nil)
            }
            #expect(try await store.superuser.query("\(unsafe: heads)")[0].decode("t", as: String.self) == before)
        }
    }

    @Test("sealed_at does not follow a clock that was set back")
    func clockSetBack() async throws {
        try await withStore { (store) async throws in
            try await store.appender.append(try encoded(events(3)))
            try await store.sealer.sealAll()
            try await store.superuser.execute("update audit.head set sealed_at = now() + interval '1 hour'")
            try await store.appender.append(try encoded(events(3)))
            try await store.sealer.sealAll()
            let entries = try await store.entries()
            store.expectWellFormed(entries)
            #expect(entries[5].sealedAt.microseconds > Timestamp.now().microseconds)
        }
    }

    @Test("a seal notifies once, with its shard")
    func notifies() async throws {
        try await withStore(shards: 4) { (store) async throws in
            try await store.superuser.withConnection { (listener) async throws in
                try await listener.listen(on: ["audit_sealed"])
                let shard = try await store.appender.shard(of: "a")
                try await store.appender.append(try encoded(events(10, tenant: "a")))
                try await store.sealer.sealAll()
                var iterator = listener.notifications(on: ["audit_sealed"]).makeAsyncIterator()
                #expect(try await iterator.next()?.payload == "\(shard)")
            }
        }
    }

    @Test("after a dump was restored elsewhere what had no index gets one, once, and an idle seal stays idle", arguments: [1, 4])
    func restored(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            try await store.appender.append(try encoded(events(10)))
            try await store.sealer.sealAll()
            try await store.appender.append(try encoded(events(6)))
            // Another cluster, whose transaction ids are behind those of the old one.
            try await store.superuser.withTransaction { connection in
                try await connection.simple(
                    """
                    set local session_replication_role = replica;
                    update audit.event set tx = '900000000000'::xid8 where ctid in (select ctid from audit.event order by id desc limit 8);
                    update audit.head set system_identifier = 1
                    """)
            }
            #expect(try await store.sealer.sealAll() == 6)
            #expect(try await store.sealer.sealAll() == 0)
            let id = try await store.worker.withTransaction { connection in
                _ = try await connection.query("select audit.seal(0)::text")
                return try await connection.query("select pg_current_xact_id_if_assigned()::text as x")[0].decode("x", as: String?.self)
            }
            #expect(id == nil)
            try await store.appender.append(try encoded(events(4)))
            #expect(try await store.sealer.sealAll() == 4)
            let entries = try await store.entries()
            store.expectWellFormed(entries)
            #expect(Set(entries.map(\.id)) == Set(try await store.storedIDs()))
        }
    }
}
