import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Synchronization
import Testing

@Suite("Order of the record")
struct OrderTests {
    private struct Undone: Error {}

    /// Writes like a busy application: `writers` tasks, their transactions of random length, one in twenty rolled back. Returns what was
    /// committed.
    private func write(_ record: Record, writers: Int, transactions: Int, seed: Int) async throws -> [PostgresUUID] {
        let appender = record.appender
        return try await withThrowingTaskGroup(of: [PostgresUUID].self) { group in
            for writer in 0..<writers {
                group.addTask {
                    var random = SeededGenerator(seed: seed &* 1000 + writer)
                    var committed: [PostgresUUID] = []
                    for _ in 0..<transactions {
                        let tenant = "tenant\(Int.random(in: 0..<9, using: &random))"
                        let events = try record.events(Int.random(in: 1...8, using: &random), tenant)
                        let shard = try await appender.shard(of: tenant)
                        let delay = Double.random(in: 0...0.006, using: &random)
                        let fails = Int.random(in: 0..<20, using: &random) == 0
                        do {
                            try await record.writers.withTransaction { connection in
                                try await Appender.append(events, shard: shard, in: connection)
                                _ = try await connection.query("select pg_sleep(\(delay))::text")
                                if fails { throw Undone() }
                            }
                            committed += events.map(PostgresUUID.init(event:))
                        } catch is Undone {}
                    }
                    return committed
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    @Test("under concurrent writers a slow transaction delays only itself, and nothing is skipped or doubled", arguments: [1, 4])
    func slowTransaction(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let gate = Gate()
            let late = try record.events(5, "tenant0")
            let shard = try await record.appender.shard(of: "tenant0")
            let slow = Task {
                try await record.writers.withTransaction { connection in
                    try await Appender.append(late, shard: shard, in: connection)
                    await gate.pass()
                }
            }
            try await eventually("the slow transaction has written") { gate.hasArrived }
            let isOver = Atomic(false)
            let sealing = Task {
                while !isOver.load(ordering: .relaxed) { try await record.sealer.sealAll() }
            }
            let committed = try await write(record, writers: 12, transactions: 12, seed: shards)
            try await eventually("everything but the slow transaction is sealed") { try await record.count("audit.log") == committed.count }
            #expect(Set(try await record.logs()) == Set(committed))
            gate.open()
            try await slow.value
            isOver.store(true, ordering: .relaxed)
            try await sealing.value
            try await record.sealer.sealAll()
            let all = committed + late.map(PostgresUUID.init(event:))
            let sealed = try await record.logs()
            #expect(sealed.count == all.count)
            #expect(Set(sealed) == Set(all))
        }
    }

    @Test("draining in small steps while others write gives the same set", arguments: [1, 4])
    func draining(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let first = try await write(record, writers: 4, transactions: 8, seed: 7)
            let sealer = record.sealer
            let list = try await sealer.shards()
            for shard in list { #expect(try await sealer.seal(shard, most: 7).count <= 7) }
            // These commit while the first ones are still being drained.
            let second = try await write(record, writers: 4, transactions: 4, seed: 8)
            for shard in list {
                var next = try await sealer.seal(shard, most: 7)
                while next.more {
                    #expect(next.count == 7)
                    next = try await sealer.seal(shard, most: 7)
                }
                while try await sealer.seal(shard, most: 7).count > 0 {}
                #expect(try await sealer.seal(shard).count == 0)
            }
            let sealed = try await record.logs()
            #expect(sealed.count == first.count + second.count)
            #expect(Set(sealed) == Set(first + second))
        }
    }

    /// Seals five events of each shard at a time until `end` is open and nothing is left; returns how many it sealed.
    private func sealInSteps(_ record: Record, until end: Gate) async throws -> Int {
        var total = 0
        while true {
            let isLast = end.isOpen
            var count = 0
            for shard in try await record.sealer.shards() { count += try await record.sealer.seal(shard, most: 5).count }
            total += count
            if isLast, count == 0 { return total }
        }
    }

    @Test("two sealers at once share the work", arguments: [1, 4])
    func twoSealers(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let flag = Gate()
            async let one = sealInSteps(record, until: flag)
            async let other = sealInSteps(record, until: flag)
            let committed = try await write(record, writers: 6, transactions: 10, seed: 3)
            flag.open()
            let total = try await one + other
            #expect(total == committed.count)
            #expect(Set(try await record.logs()) == Set(committed))
        }
    }

    @Test("a rolled back savepoint leaves nothing, a kept one its events", arguments: [1, 4])
    func savepoints(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let batches = try (0..<4).map { _ in try record.events(3) }
            let shard = try await record.shard()
            try await record.writers.withTransaction { connection in
                try await Appender.append(batches[0], shard: shard, in: connection)
                try? await connection.withTransaction { inner in
                    try await Appender.append(batches[1], shard: shard, in: inner)
                    throw Undone()
                }
                try await connection.withTransaction { inner in
                    try await Appender.append(batches[2], shard: shard, in: inner)
                    try? await inner.withTransaction { deepest in
                        try await Appender.append(batches[3], shard: shard, in: deepest)
                        throw Undone()
                    }
                }
            }
            try await record.sealer.sealAll()
            #expect(try await record.log(of: shard) == (batches[0] + batches[2]).map(PostgresUUID.init(event:)).sorted())
        }
    }

    @Test(
        "seal refuses a transaction that has written, repeatable read, an unknown shard and no room; append refuses a sealing one",
        arguments: [1, 4])
    func refusals(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let shard = try await record.shard()
            func trial(_ options: TransactionOptions = .init(), _ statements: SQL...) async throws -> String? {
                try await refusal {
                    try await record.workers.withTransaction(options) { for statement in statements { _ = try await $0.query(statement) } }
                }
            }
            let seal: SQL = "select sealed from audit.seal(\(shard))"
            #expect(try await trial(.init(), "select pg_current_xact_id()::text", seal) == "25001")
            #expect(try await trial(.init(isolation: .repeatableRead), seal) == "25000")
            #expect(try await trial(.init(isolation: .serializable), seal) == "25000")
            #expect(try await trial(.init(), "select sealed from audit.seal(77)") == "P0002")
            #expect(try await trial(.init(), "select sealed from audit.seal(\(shard), 0)") == "22023")
            let events = try record.events(1)
            let inSealing = try await refusal {
                try await record.workers.withTransaction { connection in
                    _ = try await connection.query(seal)
                    try await Appender.append(events, shard: shard, in: connection)
                }
            }
            #expect(inSealing == "25001")
            #expect(try await record.count() == 0)
            // The mark of sealing ends with its transaction.
            try await record.workers.withConnection { connection in
                _ = try await connection.query(seal)
                #expect(try await Appender.append(events, shard: shard, in: connection) == 1)
            }
        }
    }

    @Test("an idle seal writes nothing and takes no transaction id", arguments: [1, 4])
    func idle(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            try await record.appender.append(try (0..<9).map { try record.event("tenant\($0)") })
            try await record.sealer.sealAll()
            for shard in try await record.sealer.shards() {
                // The first look after somebody else's transaction may move the snapshot on.
                _ = try await record.sealer.seal(shard)
                try await expectIdle(record, shard)
            }
        }
    }

    private func expectIdle(_ record: Record, _ shard: Int32, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await record.workers.withTransaction { connection in
            #expect(
                try await connection.query("select sealed from audit.seal(\(shard))", as: Int32.self) == [0], sourceLocation: sourceLocation
            )
            let ids = try await connection.query("select pg_current_xact_id_if_assigned()::text", as: String?.self)
            #expect(ids == [nil], sourceLocation: sourceLocation)
        }
    }

    @Test("the sealer's clock does not run backwards with the machine's", arguments: [1, 4])
    func clockStepsBack(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            for _ in 0..<2 {
                try await record.appender.append(try record.spread(14))
                try await record.sealer.sealAll()
                // As if the clock had been an hour ahead until now.
                try await record.pool.execute("update audit.head set sealed_at = greatest(sealed_at, now() + interval '1 hour')")
            }
            #expect(try await record.logs().count == 28)
            let ahead = try await record.pool.query(
                "select count(*) from audit.log where sealed_at > now() + interval '50 min'", as: Int64.self)
            #expect(ahead == [14])
        }
    }

    @Test("in another cluster, after a restore, what was left gets an index once, and later events go on", arguments: [1, 4])
    func restored(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            var all: [PostgresUUID] = []
            func append() async throws {
                let events = try (0..<20).map { try record.event("tenant\($0 % 9)") }
                try await record.appender.append(events)
                all += events.map(PostgresUUID.init(event:))
            }
            /// Events whose transaction ids are the old cluster's: far below and far ahead of this one's.
            func insertForeign() async throws {
                for tx in ["3", "4000000000000"] {
                    for event in try (0..<9).map({ try record.event("tenant\($0)") }) {
                        let id = PostgresUUID(event: event)
                        try await record.pool.execute(
                            """
                            insert into audit.event (
                                id, time, tx, shard, severity, privileged, tenant, source, type, outcome, actor_kind, body_hash, body)
                            values (\(id), \(PostgresTimestamp(microseconds: event.header.time.microseconds)), \(unsafe: "'\(tx)'::xid8"),
                                audit.shard_of(\(event.header.tenant)), 1, false, \(event.header.tenant), 'api', 'http_request', 'success',
                                'user', '\\x00', '{}')
                            """)
                        all.append(id)
                    }
                }
            }
            try await append()
            for shard in try await record.sealer.shards() { _ = try await record.sealer.seal(shard, most: 2) }  // in the middle of draining
            try await append()
            try await insertForeign()
            try await record.pool.execute("update audit.head set system_identifier = 1")
            try await record.sealer.sealAll()
            #expect(Set(try await record.logs()) == Set(all))
            try await append()
            try await record.sealer.sealAll()
            #expect(Set(try await record.logs()) == Set(all))
            for shard in try await record.sealer.shards() {
                _ = try await record.sealer.seal(shard)
                try await expectIdle(record, shard)
            }
            try await append()
            try await insertForeign()
            try await record.pool.execute("update audit.head set system_identifier = 2")
            try await record.sealer.sealAll()
            try await append()
            try await record.sealer.sealAll()
            #expect(Set(try await record.logs()) == Set(all))
        }
    }
}
