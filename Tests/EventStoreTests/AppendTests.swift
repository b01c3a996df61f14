import AuditEvents
import DatabaseTesting
import PostgreSQL
import Testing

@testable import EventStore

@Suite("Appending")
struct AppendTests {
    private func statement(_ event: EncodedEvent, shard: Int32 = 0, time: Timestamp? = nil, id: PostgresUUID? = nil) -> SQL {
        let time = PostgresTimestamp(time ?? event.header.time)
        return """
            select audit.append(\(shard), array[\(id ?? PostgresUUID(event.header.id))], array[\(time)], array[\(event.header.tenant)], array['test'],
                array['authn_login_fail'], array['denied'], array[null]::text[], array[1]::smallint[], array['user'], array[false],
                array[null]::text[], array[null]::text[], array[null]::text[], array[null]::smallint[], array[null]::bigint[],
                array['{}']::jsonb[], array['x']::bytea[], array['x']::bytea[], array[null]::text[], array[null]::inet[],
                array[null]::text[], array[null]::text[])
            """
    }

    @Test("an id that does not carry its event's time is refused, to the microsecond")
    func disagreement() async throws {
        try await withStore { (store) async throws in
            _ = try await store.appender.shard(of: "default")
            let event = try encoded(events(1))[0]
            for offset in [-1, 1, 1000, -1_000_000] as [Int64] {
                let time = Timestamp(microseconds: event.header.time.microseconds + offset)
                #expect(try await sqlState { try await store.worker.execute(statement(event, time: time)) } == "23514", "\(offset)")
            }
            let id = event.header.id
            let other = PostgresUUID(high: id.high & ~0xf000 | 4 << 12, low: id.low)
            #expect(try await sqlState { try await store.worker.execute(statement(event, id: other)) } == "23514", "version 4")
            #expect(try await store.count() == 0)
        }
    }

    @Test("every id that Swift reads a time from agrees with the database, at each fraction of a millisecond")
    func agreement() async throws {
        try await withStore { (store) async throws in
            var random = SeededGenerator(7)
            // Foreign ids may have any 12 bits behind the millisecond.
            let batch: [EncodedEvent] = try (0..<4096).map { fraction in
                let milliseconds = UInt64(Timestamp.now().microseconds / 1000) - 1 - UInt64.random(in: 0..<5000, using: &random)
                let id = try #require(EventID(high: milliseconds << 16 | 7 << 12 | UInt64(fraction), low: 1 << 63 | UInt64(fraction)))
                return try encoded([
                    AuditEvent(header: EventHeader(id: id, source: "test", type: .loginFailure, outcome: .denied))
                ])[0]
            }
            #expect(try await store.appender.append(batch) == 4096)
            let old = try encoded(
                (0..<500).map { _ in
                    let time = Timestamp(microseconds: Int64.random(in: 0..<1_700_000_000_000_000, using: &random))
                    return AuditEvent(header: EventHeader(id: EventID(time: time), source: "test", type: .loginFailure, outcome: .denied))
                })
            #expect(try await store.appender.append(old) == 500)
        }
    }

    @Test("a time more than 10 minutes ahead is refused, one of 9 minutes is not")
    func ahead() async throws {
        try await withStore { (store) async throws in
            let near = try encoded(events(1, end: Timestamp.now().advanced(bySeconds: 540)))
            #expect(try await store.appender.append(near) == 1)
            let far = try encoded(events(1, end: Timestamp.now().advanced(bySeconds: 630)))
            #expect(try await sqlState { try await store.appender.append(far) } == "23514")
            let farther = try encoded(events(1, end: Timestamp.maximum))
            #expect(try await sqlState { try await store.appender.append(farther) } == "23514")
            #expect(try await store.count() == 1)
        }
    }

    @Test("a tenant's events are refused in another shard, and so is a tenant that nobody asked for")
    func wrongShard() async throws {
        try await withStore(shards: 4) { (store) async throws in
            let shard = try await store.appender.shard(of: "a")
            let event = try encoded(events(1, tenant: "a"))[0]
            for other in 0..<4 as Range<Int32> where other != shard {
                #expect(try await sqlState { try await store.worker.execute(statement(event, shard: other)) } == "23514")
            }
            let stranger = try encoded(events(1, tenant: "stranger"))[0]
            #expect(try await sqlState { try await store.worker.execute(statement(stranger, shard: shard)) } == "23514")
            #expect(try await store.count() == 0)
        }
    }

    @Test("batches that overlap and come at once are stored once, and none is a deadlock's victim", arguments: [1, 4])
    func overlapping(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let all = try encoded(events(300))
            for round in 0..<4 {
                let fresh = try encoded(events(300))
                let stored = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<8 { group.addTask { try await store.appender.append((all + fresh).shuffled()) } }
                    return try await group.reduce(0, +)
                }
                #expect(stored == (round == 0 ? 600 : 300))
            }
            #expect(try await store.count() == 1500)
        }
    }

    @Test("a slow transaction that meets a new tenant holds up nobody")
    func newTenant() async throws {
        try await withStore { (store) async throws in
            let slow = try await PostgresConnection.connect(store.database.configuration(role: "cardea_writer"), logger: .quiet)
            let shard = try await store.appender.shard(of: "new")
            try await slow.simple("begin")
            _ = try await slow.query(EventColumns(shard: shard, events: try encoded(events(2, tenant: "new"))).statement)
            #expect(try await store.appender.append(try encoded(events(2, tenant: "new"))) == 2)
            try await slow.simple("rollback")
            slow.close()
        }
    }

    @Test("missing partitions are made: 1970, 2015, next month; years that nobody needs are not")
    func missingPartitions() async throws {
        try await withStore { (store) async throws in
            let before = try await store.count("audit.partition")
            let times = [
                Timestamp(microseconds: 1), Timestamp(year: 2015, month: 5, day: 17), Timestamp(year: 2015, month: 12, day: 31),
                Timestamp.now(),
            ].compactMap { $0 }
            let batch = try encoded(times.flatMap { events(1, end: $0.advanced(bySeconds: 1)) })
            #expect(try await store.appender.append(batch) == 4)
            #expect(try await store.count("audit.partition") == before + 2)
        }
    }

    @Test("partitions never overlap and leave no hole, in whatever order they are asked for", arguments: 0..<4 as Range<UInt64>)
    func partitions(seed: UInt64) async throws {
        try await withStore { (store) async throws in
            var random = SeededGenerator(seed)
            for _ in 0..<12 {
                let start = Int64.random(in: 0..<Timestamp.now().microseconds, using: &random)
                let length = Int64.random(in: 0...(seed % 2 == 0 ? 90 : 1500), using: &random) * 86_400_000_000
                let since = seed > 1 ? Timestamp.now().microseconds - start % (86_400_000_000 * 1200) : start
                let until = min(since + length, Timestamp.now().microseconds)
                try await store.appender.ensurePartitions(since: Timestamp(microseconds: since), until: Timestamp(microseconds: until))
                let holes = try await store.superuser.query(
                    """
                    select count(*) as n from generate_series(\(PostgresTimestamp(microseconds: since)), \(PostgresTimestamp(microseconds: until)), interval '1 day') d
                    where (select count(*) from audit.partition p where p.lower_bound <= d and p.upper_bound > d) <> 1
                    """)[0].decode("n", as: Int64.self)
                #expect(holes == 0)
            }
            let overlaps = try await store.superuser.query(
                """
                select count(*) as n from audit.partition a join audit.partition b
                on a.name <> b.name and a.lower_bound < b.upper_bound and b.lower_bound < a.upper_bound
                """)[0].decode("n", as: Int64.self)
            #expect(overlaps == 0)
            let standing = try await store.superuser.query(
                "select count(*) as n from pg_constraint where conname = 'bounds' and conrelid::regclass::text like 'audit.event%'")[0]
                .decode("n", as: Int64.self)
            #expect(standing == 0)
        }
    }

    @Test("partitions asked for at once are made once")
    func partitionsAtOnce() async throws {
        try await withStore { (store) async throws in
            let since = try #require(Timestamp(year: 2003, month: 1, day: 1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        try await store.appender.ensurePartitions(
                            since: since, until: since.advanced(bySeconds: Int64(number) * 40_000_000))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.count("audit.partition where lower_bound < '2010-01-01'") == 7)
        }
    }

    @Test("before 1970, and far ahead, there is no partition to be had")
    func floor() async throws {
        try await withStore { (store) async throws in
            let early = Timestamp(microseconds: -1)
            #expect(try await sqlState { try await store.appender.ensurePartitions(since: early, until: .epoch) } == "22008")
            let late = Timestamp.now().advanced(bySeconds: 86_400 * 800)
            #expect(try await sqlState { try await store.appender.ensurePartitions(since: late, until: late) } == "22008")
        }
    }
}
