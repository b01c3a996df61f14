import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@Suite("Append")
struct AppendTests {
    /// One event given to `audit.append` as another program might, without the checks of `EventEncoder`.
    static func raw(
        _ connection: PostgresConnection, shard: Int32, id: PostgresUUID, time: Timestamp, tenant: String = "default"
    ) async throws -> Int32 {
        try await connection.query(
            """
            select audit.append(
                \(shard), array[\(id)::uuid], array[\(PostgresTimestamp(microseconds: time.microseconds))::timestamptz], array[\(tenant)::text],
                array['s'], array['t'], array['success'], array[null]::text[], array[1]::smallint[], array['user'], array[false],
                array[null]::text[], array[null]::text[], array[null]::text[], array[null]::smallint[], array[null]::bigint[],
                array['{}']::jsonb[], array[null]::bytea[], array['\\x00']::bytea[], array[null]::text[], array[null]::inet[],
                array[null]::text[], array[null]::text[])
            """, as: Int32.self)[0]
    }

    /// What the server says to it, in the tenant's shard or another, and that it stored nothing.
    private func refused(
        _ record: Record, shard: Int32? = nil, id: PostgresUUID, time: Timestamp, tenant: String = "default"
    ) async throws -> (state: String?, message: String) {
        let own = try await record.shard(of: tenant)
        let before = try await record.count()
        do {
            try await record.writers.withConnection {
                _ = try await AppendTests.raw($0, shard: shard ?? own, id: id, time: time, tenant: tenant)
            }
            return (nil, "")
        } catch let error as PostgresError {
            #expect(try await record.count() == before)
            return (error.sqlState, error.message)
        }
    }

    @Test("an id that does not carry the event's time, or that is no version 7, is refused and named", arguments: [1, 4])
    func disagreement(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let now = Timestamp.now()
            let id = EventID(time: now)
            let uuid = PostgresUUID(high: id.high, low: id.low)
            for shift in [-1, 1, 1000, -86_400_000_000] as [Int64] {
                let answer = try await refused(record, id: uuid, time: Timestamp(microseconds: now.microseconds + shift))
                #expect(answer.state == "23514")
                #expect(answer.message.contains(id.description))
            }
            let version4 = PostgresUUID(high: id.high & ~0xf000 | 0x4000, low: id.low)
            #expect(try await refused(record, id: version4, time: now).state == "23514")
            let otherVariant = PostgresUUID(high: id.high, low: id.low | 1 << 62)
            #expect(try await refused(record, id: otherVariant, time: now).state == "23514")
            #expect(try await refused(record, id: uuid, time: now).state == nil)
        }
    }

    @Test("every fraction of the millisecond that an id can carry means the same time to the server", arguments: [1, 4])
    func fractions(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let milliseconds = UInt64(Timestamp.now().microseconds / 1000)
            let events = try (0..<4096).map { fraction in
                let id = try #require(EventID(high: milliseconds << 16 | 7 << 12 | UInt64(fraction), low: 1 << 63))
                return try EventEncoder().encode(
                    AuditEvent(
                        header: EventHeader(id: id, tenant: "tenant\(fraction % 7)", source: "s", type: .httpRequest, outcome: .success)),
                    now: .now())
            }
            #expect(try await record.appender.append(events) == 4096)
        }
    }

    @Test("a time more than ten minutes ahead is refused, one a little less is stored", arguments: [1, 4])
    func ahead(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            for (seconds, state) in [(700, "23514"), (500, nil)] as [(Int64, String?)] {
                let time = Timestamp.now().advanced(bySeconds: seconds)
                let id = EventID(time: time)
                try await record.appender.ensurePartitions(since: time, until: time)
                #expect(try await refused(record, id: PostgresUUID(high: id.high, low: id.low), time: time).state == state)
            }
        }
    }

    @Test("a tenant's event is refused in another shard", arguments: [1, 4])
    func wrongShard(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let shard = try await record.shard(of: "acme")
            let now = Timestamp.now()
            let id = EventID(time: now)
            for wrong in -1...Int32(shards) where wrong != shard {
                let answer = try await refused(
                    record, shard: wrong, id: PostgresUUID(high: id.high, low: id.low), time: now, tenant: "acme")
                #expect(answer.state == "23514")
                #expect(answer.message.contains("acme"))
            }
        }
    }

    @Test("the same event twice, in one batch or two, is stored once", arguments: [1, 4])
    func duplicates(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let events = try (0..<40).map { try record.event("tenant\($0 % 7)") }
            #expect(try await record.appender.append(events + events.reversed()) == 40)
            #expect(try await record.appender.append(events.shuffled()) == 0)
            #expect(try await record.count() == 40)
            try await record.sealer.sealAll()
            #expect(try await record.logs().count == 40)
        }
    }

    @Test("many identical batches at once, in any order, neither deadlock nor double", arguments: [1, 4])
    func identicalBatches(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let events = try (0..<200).map { try record.event("tenant\($0 % 7)") }
            let appender = record.appender
            let stored = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 { group.addTask { try await appender.append(events.shuffled()) } }
                return try await group.reduce(0, +)
            }
            #expect(stored == 200)
            #expect(try await record.count() == 200)
        }
    }

    @Test("a missing partition is made: 1970, 2015, this month; and not those between", arguments: [1, 4])
    func missingPartition(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let before = try await record.count("audit.partition")
            let times: [Timestamp] = [.epoch, try #require(Timestamp("2015-06-30T23:59:59.999999Z")), .now()]
            let current = try await record.pool.query(
                "select name::text from audit.partition where lower_bound <= now() and upper_bound > now()", as: String.self)
            try await record.pool.withConnection { try await $0.simple("drop table \(current[0])") }
            // Each shard's part may be the one that finds a partition missing.
            #expect(try await record.appender.append(try times.flatMap { try record.spread(7, at: $0) }) == 21)
            #expect(try await record.count() == 21)
            #expect(try await record.count("audit.partition") == before + 2)
            // Each in a transaction of its own.
            for time in times { #expect(try await record.appender.append([try record.event(at: time)]) == 1) }
            let next = Timestamp.now().advanced(bySeconds: 100 * 86_400)
            try await record.appender.ensurePartitions(since: next, until: next)
            #expect(try await covers(record, next))
            let trigger = try await record.pool.query(
                "select count(*) from audit.partition p where not exists (select from pg_trigger where tgrelid = p.name)", as: Int64.self)
            #expect(trigger == [0])
        }
    }

    @Test("a partition made while a transaction has events open waits for nobody", arguments: [1, 4])
    func partitionBesideAppend(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let shard = try await record.shard()
            let events = try record.events(2)
            try await record.writers.withTransaction { connection in
                try await Appender.append(events, shard: shard, in: connection)
                let old = try #require(Timestamp("1999-01-01T00:00:00Z"))
                try await record.appender.append(try record.spread(7, at: old))
            }
            #expect(try await record.count() == 9)
        }
    }

    private func covers(_ record: Record, _ time: Timestamp) async throws -> Bool {
        let time = PostgresTimestamp(microseconds: time.microseconds)
        return try await record.pool.query(
            "select count(*) from audit.partition where lower_bound <= \(time) and upper_bound > \(time)", as: Int64.self) == [1]
    }

    private func expectDisjoint(_ record: Record) async throws {
        let overlaps = try await record.pool.query(
            """
            select count(*) from audit.partition a join audit.partition b
            on a.name <> b.name and a.lower_bound < b.upper_bound and b.lower_bound < a.upper_bound
            """, as: Int64.self)
        #expect(overlaps == [0])
    }

    @Test(
        "partitions asked for in any order, and by several at once, cover what was asked and never overlap",
        arguments: zip([1, 2, 3, 4], [1, 4, 1, 4]))
    func partitions(seed: Int, shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let now = Timestamp.now()
            let appender = record.appender
            var random = SeededGenerator(seed: seed)
            let spans: [(Timestamp, Timestamp)] = (0..<16).map { _ in
                // As many within the months of the last three years as before them.
                let start = Bool.random(using: &random) ? 0 : now.microseconds - 1100 * 86_400_000_000
                let since = Int64.random(in: start...now.microseconds, using: &random)
                let until = min(now.microseconds, since + Int64.random(in: 0...(400 * 86_400_000_000), using: &random))
                return (Timestamp(microseconds: since), Timestamp(microseconds: until))
            }
            for (since, until) in spans[..<8] {
                try await appender.ensurePartitions(since: since, until: until)
                #expect(try await covers(record, since))
                #expect(try await covers(record, until))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (since, until) in spans[8...] { group.addTask { try await appender.ensurePartitions(since: since, until: until) } }
                try await group.waitForAll()
            }
            try await expectDisjoint(record)
            for (since, until) in spans {
                var time = since
                while time <= until {
                    #expect(try await covers(record, time))
                    time = time.advanced(bySeconds: 20 * 86_400)
                }
            }
        }
    }

    @Test("before 1970 and far ahead no partition is made", arguments: [1, 4])
    func outside(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let before = try await record.count("audit.partition")
            let now = Timestamp.now()
            for (since, until) in [
                (Timestamp(microseconds: -1), now), (now, now.advanced(bySeconds: 400 * 86_400)), (.minimum, .minimum), (now, .maximum),
            ] {
                #expect(try await refusal { try await record.appender.ensurePartitions(since: since, until: until) } == "22008")
            }
            #expect(try await record.count("audit.partition") == before)
        }
    }
}
