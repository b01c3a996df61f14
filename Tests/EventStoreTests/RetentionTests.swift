import AuditEvents
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@Suite("Retention")
struct RetentionTests {
    private static let old = Timestamp("2019-05-05T05:05:05Z")!
    private static let older = Timestamp("2016-05-05T05:05:05Z")!

    /// Events of two tenants in 2019, of one in 2016, sealed and (as their checkpoints say) folded.
    private func withOldRecord(_ body: (Record, Retention, LegalHolds) async throws -> Void) async throws {
        try await withRecord(shards: 1) { record in
            try await record.appender.append([
                try record.event("a", at: Self.old), try record.event("b", at: Self.old.advanced(bySeconds: 1)),
                try record.event("a", at: Self.older), try record.event("a"),
            ])
            try await hash(record)
            try await record.pool.execute("insert into audit.projection values ('detection', 1, 1, 'live')")
            try await record.pool.execute(
                "insert into audit.checkpoint (shard, name, generation, next_index) values (0, 'detection', 1, 4)")
            let admins = record.database.pool(role: "cardea_admin", maximumConnections: 2)
            let result: Result<Void, any Error>
            do { result = .success(try await body(record, Retention(admins), LegalHolds(admins))) } catch { result = .failure(error) }
            await admins.close()
            try result.get()
        }
    }

    /// Seals, and extends the trees: what is not hashed cannot be dropped.
    private func hash(_ record: Record) async throws {
        try await record.sealer.sealAll()
        for shard in try await record.sealer.shards() { try await TreeStore(record.workers).extendAll(shard) }
    }

    private func going(_ retention: Retention) async throws -> [String] { try await retention.plan().filter(\.goes).map(\.name) }

    @Test("without a setting everything stays; a partition goes when the windows of all its tenants are over; what keeps it is said")
    func windows() async throws {
        try await withOldRecord { record, retention, _ in
            #expect(try await going(retention) == [])
            try await retention.set(days: 400, tenant: "a", by: "ann")
            #expect(try await going(retention) == ["audit.event_2016"])
            let kept = try #require(try await retention.plan().first { $0.name == "audit.event_2019" })
            #expect(kept.tenants == ["a", "b"] && kept.events == 2 && kept.bytes > 0)
            #expect(kept.blocks.map(\.what) == ["tenant b keeps its events for ever"])
            try await retention.set(days: 36_500, tenant: nil, by: "ann")
            #expect(
                try await retention.plan().first { $0.name == "audit.event_2019" }?.blocks.first?.what.contains("tenant b keeps 36500 days")
                    == true)
            try await retention.set(days: 100, tenant: nil, by: "ann")
            #expect(try await going(retention).filter { $0 < "audit.event_2020" } == ["audit.event_2016", "audit.event_2019"])
            #expect(try await retention.settings().map { "\($0.tenant ?? "-") \($0.days)" } == ["- 100", "a 400"])
            await #expect(throws: StoreError.self) { try await retention.set(days: 1, tenant: "nobody", by: "ann") }
        }
    }

    @Test(
        "what is dropped is gone, its place in the log stays, it is written down and told; a late event gets a new partition, which goes again"
    )
    func drop() async throws {
        try await withOldRecord { record, retention, _ in
            try await retention.set(days: 400, tenant: nil, by: "ann")
            for plan in try await retention.plan().filter(\.goes) { try await retention.drop(plan, by: "ann") }
            #expect(try await record.count() == 1 + 1 + 2)
            try await hash(record)
            let log = try await record.log(of: 0)
            #expect(log.count == 7)
            #expect(try await record.pool.query("select to_regclass('audit.event_2019')::text is null", as: Bool.self) == [true])
            let dropped = try await record.pool.query(
                "select name || ' ' || events || ' ' || (dropped_at is not null) || ' ' || (shards -> 0 ->> 'shard') from audit.dropped_partition where events > 0 order by 1",
                as: String.self)
            #expect(dropped == ["audit.event_2016 1 true 0", "audit.event_2019 2 true 0"])
            let told = try await record.pool.query(
                "select body #>> '{details,partition}' from audit.event where type = 'audit_partition_dropped' order by 1", as: String.self)
            #expect(told == ["audit.event_2016", "audit.event_2019"])
            // Whoever reads the log from its beginning goes past the gap.
            let page = try await record.workers.withConnection { try await LogReader().page($0, shard: 0, from: 0, limit: 100) }
            #expect(page.events.count == 4)
            try await record.appender.append([try record.event("b", at: Self.old.advanced(bySeconds: 9))])
            #expect(
                try await record.pool.query("select name::text from audit.partition where lower_bound < '2020-01-01'", as: String.self) == [
                    "audit.event_2019"
                ])
            #expect(try await going(retention) == [])
            try await hash(record)
            try await record.pool.execute("update audit.checkpoint set next_index = 8")
            #expect(try await going(retention) == ["audit.event_2019"])
        }
    }

    @Test("nothing goes that is not sealed, or that a projection has not folded")
    func work() async throws {
        try await withOldRecord { record, retention, _ in
            try await retention.set(days: 400, tenant: nil, by: "ann")
            try await record.pool.execute("update audit.checkpoint set next_index = 2")
            let blocked = try await retention.plan().filter { !$0.goes && $0.blocks.contains { $0.cause == "work" } }
            #expect(!blocked.isEmpty)
            try await record.pool.execute("delete from audit.checkpoint")
            #expect(
                try await retention.plan().first { $0.name == "audit.event_2019" }?.blocks.map(\.what) == ["no worker has folded shard 0"])
        }
    }

    @Test("a hold on its span keeps a partition, also against who has planned before; released, it goes")
    func hold() async throws {
        try await withOldRecord { record, retention, holds in
            try await retention.set(days: 400, tenant: nil, by: "ann")
            let plan = try #require(try await retention.plan().first { $0.name == "audit.event_2019" })
            #expect(plan.goes)
            try await holds.set(
                LegalHold(name: "h", reason: "a claim", tenant: "b", since: Self.old, until: Self.old.advanced(bySeconds: 86_400)),
                by: "lex")
            let error = await #expect(throws: StoreError.self) { try await retention.drop(plan, by: "ann") }
            #expect(error?.code == .held && error?.message.contains("legal hold h") == true)
            #expect(try await going(retention) == ["audit.event_2016"])
            try await holds.release("h", reason: "settled", by: "lex")
            try await retention.drop(plan, by: "ann")
            #expect(try await record.count() == 2 + 4)
            await #expect(throws: StoreError.self) { try await holds.set(LegalHold(name: "h", reason: "again"), by: "lex") }
        }
    }

    @Test("a drop that was killed half way is ended by the next one; while a table is in use it waits and gives up")
    func halfWay() async throws {
        try await withOldRecord { record, retention, _ in
            try await retention.set(days: 400, tenant: nil, by: "ann")
            let plan = try #require(try await retention.plan().first { $0.name == "audit.event_2016" })
            try await record.pool.withTransaction { connection in
                _ = try await connection.query("select count(*) from audit.event")
                let error = await #expect(throws: StoreError.self) { try await retention.drop(plan, by: "ann", attempts: 1) }
                #expect(error?.code == .held)
            }
            try await record.pool.execute(
                """
                with d as (insert into audit.dropped_partition (name, lower_bound, upper_bound, events, bytes, shards, dropped_by)
                values ('audit.event_1999', now(), now(), 0, 0, '[]', 'x') returning id) select id from d
                """)
            #expect(try await retention.dropLeftovers() == 1)
            try await retention.drop(plan, by: "ann")
            #expect(
                try await record.pool.query("select count(*) from audit.dropped_partition where dropped_at is null", as: Int64.self) == [0])
        }
    }

    @Test(
        "a span is days, weeks or years",
        arguments: [
            ("400d", 400), ("2w", 14), ("2y", 730), ("0d", nil), ("-1d", nil), ("9999999999d", nil), ("101y", nil), ("d", nil), ("", nil),
            ("+1d", nil),
        ] as [(String, Int32?)])
    func span(text: String, days: Int32?) { #expect(KeepSpan.days(text) == days) }
}
