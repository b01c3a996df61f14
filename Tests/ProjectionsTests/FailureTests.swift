import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Synchronization
import Testing

@testable import Projections

@Suite("The worker fails safely") struct FailureTests {
    private struct Broken: Error {}

    @Test(
        "a transaction that fails before its commit leaves everything as it was, and the retry ends as if nothing had been",
        arguments: [1, 4])
    func rollback(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 21)
            try await bed.store(traffic.next(300))
            try await bed.worker().runUntilIdle()
            let before = try await bed.books()
            try await bed.store(traffic.next(300))
            await #expect(throws: Broken.self) { try await bed.worker { throw Broken() }.runUntilIdle() }
            #expect(try await bed.books() == before)
            #expect(try await bed.owners().isEmpty, "the lease was given back")
            try await bed.worker().runUntilIdle()
            try await bed.expectFolded()
        }
    }

    @Test("a worker that goes on after failures in two of three batches ends with the same rows and alerts", arguments: [1, 4])
    func retries(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 22)
            try await bed.store(traffic.next(150))
            let random = Mutex(SeededGenerator(seed: shards))
            let failures = Mutex(0)
            // What is tried is the trying again, not how long it waits in between.
            let flaky = bed.worker(batch: 40, retryDelay: .milliseconds(1)) {
                if random.withLock({ Int.random(in: 0..<3, using: &$0) }) > 0 {
                    failures.withLock { $0 += 1 }
                    throw Broken()
                }
            }
            try await bed.withRunning(flaky) {
                try await bed.store(traffic.next(150))
                try await eventually("all is folded") { try await bed.isIdle() }
            }
            #expect(failures.withLock { $0 } > 0)
            try await bed.expectFolded()
        }
    }

    @Test("connections that the server ends at random cost nothing but time", arguments: [1, 4])
    func brokenConnections(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 23)
            let admin = bed.database.pool(maximumConnections: 1)
            try await bed.withRunning(bed.worker(batch: 20)) {
                for _ in 0..<12 {
                    try await bed.store(traffic.next(50))
                    try await admin.query(
                        """
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'
                        """)
                }
                try await eventually("all is folded") { try await bed.isIdle() }
            }
            await admin.close()
            try await bed.expectFolded()
        }
    }

    @Test("a worker that sleeps in its transaction while its lease is taken over changes nothing when it wakes", arguments: [1, 4])
    func fencing(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 24)
            try await bed.store(traffic.next(200))
            let gate = Gate()
            let sleeper = bed.worker("sleeper", lease: .seconds(60)) { await gate.pass() }
            let sleeping = Task { try await sleeper.runUntilIdle() }
            try await eventually("it sleeps") { gate.arrivals > 0 }
            let owners = try await bed.owners()
            #expect(owners.values.contains("sleeper"))
            // Its lease runs out.
            try await bed.pool.execute("update audit.lease set expires_at = clock_timestamp() - interval '1 second'")
            let tokens = try await bed.pool.query("select token from audit.lease order by shard", as: Int64.self)
            let heir = Task { try await bed.worker("heir").runUntilIdle() }
            try await eventually("the lease is the heir's") {
                try await bed.pool.query("select token from audit.lease order by shard", as: Int64.self) != tokens
            }
            let before = try await bed.pool.query(
                "select coalesce(sum(next_index), 0)::bigint from audit.checkpoint where token = 1", as: Int64.self)
            gate.open()
            // Refused once; then it waits until the other is done, as runUntilIdle does.
            _ = try await sleeping.value
            _ = try await heir.value
            #expect(before == [0], "nothing of the sleeper's was committed")
            try await bed.expectFolded()
        }
    }

    @Test("one that sleeps longer than the server allows loses its transaction, so that its heir need not wait", arguments: [1, 4])
    func idleInTransaction(shards: Int) async throws {
        try await withWorkerBed(shards: shards, idle: .seconds(3)) { bed in
            var traffic = Traffic(seed: 25)
            try await bed.store(traffic.next(200))
            let gate = Gate()
            let sleeping = Task { try await bed.worker("sleeper", lease: .seconds(1)) { await gate.pass() }.runUntilIdle() }
            try await eventually("it sleeps") { gate.arrivals > 0 }
            try await bed.worker("heir").runUntilIdle()
            try await bed.expectFolded()
            let books = try await bed.books()
            gate.open()
            await #expect(throws: PostgresError.self) { try await sleeping.value }
            #expect(try await bed.books() == books)
        }
    }

    @Test("a stale token is refused even where nobody has folded since", arguments: [1, 4])
    func staleToken(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            try await bed.generations.ensure()
            var traffic = Traffic(seed: 26)
            try await bed.store(traffic.next(100))
            let shard = try await Appender(bed.pool).shard(of: "tenant0")
            try await bed.sealer.sealAll()
            let first = Leases(pool: bed.pool, worker: "first", duration: .seconds(60))
            let second = Leases(pool: bed.pool, worker: "second", duration: .seconds(60))
            let old = try #require(try await first.acquire(shard))
            #expect(try await second.acquire(shard) == nil)
            try await bed.pool.execute("update audit.lease set expires_at = '-infinity'")
            let new = try #require(try await second.acquire(shard))
            #expect(new > old)
            #expect(try await first.renew([shard: old]).isEmpty)
            let before = try await bed.books()
            let stale = ShardWorker(shard: shard, token: old, pool: bed.pool, rules: RulesAtWork(bed.rules), batchSize: 5, logger: .quiet)
            try await stale.refresh()
            await #expect { _ = try await stale.advance() } throws: { ($0 as? StoreError)?.code == .fenced }
            #expect(try await bed.books() == before)
            try await first.release([shard: old])
            #expect(try await bed.owners() == [shard: "second"], "it cannot give away what is another's")
        }
    }

    @Test("a switch and batches of other shards do not lock each other out", arguments: [1, 4])
    func switching(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 27)
            try await bed.store(traffic.next(300))
            try await bed.worker().runUntilIdle()
            let before = try await bed.pool.query(
                "select deadlocks from pg_stat_database where datname = current_database()", as: Int64.self)
            try await bed.withRunning(bed.worker("a", batch: 10), bed.worker("b", batch: 10)) {
                for _ in 0..<3 {
                    var numbers: [String: Int32] = [:]
                    for view in ProjectionCatalog.views { numbers[view] = try await bed.catalog.rebuild(view) }
                    for _ in 0..<5 { try await bed.store(traffic.next(20)) }
                    for (view, number) in numbers {
                        try await eventually("\(view) is switched") { try await bed.catalog.isLive(view, number) }
                    }
                }
                try await eventually("all is folded") { try await bed.isIdle() }
            }
            try await bed.pool.execute("select pg_stat_clear_snapshot()")
            let after = try await bed.pool.query(
                "select deadlocks from pg_stat_database where datname = current_database()", as: Int64.self)
            #expect(after == before)
            try await bed.expectFolded()
        }
    }

    @Test("a shard that cannot be sealed does not hold the others up, wherever it stands among them", arguments: [1, 4])
    func unsealable(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 28)
            let superuser = bed.database.pool(maximumConnections: 1)
            try await superuser.withConnection {
                try await $0.simple(
                    """
                    create table public.broken (shard integer);
                    create function public.refuse() returns trigger language plpgsql security definer as $$
                    begin
                        if exists (select from public.broken b where b.shard = new.shard) then raise exception 'its disk is full'; end if;
                        return new;
                    end $$;
                    create trigger refuse before insert on audit.log for each row execute function public.refuse()
                    """)
            }
            func sealed(_ shard: Int32) async throws -> Bool {
                try await bed.pool.query(
                    """
                    select (select count(*) from audit.event where shard = \(shard)) = (select next_index from audit.head where shard = \(shard))
                    """, as: Bool.self) == [true]
            }
            try await bed.withRunning(bed.worker()) {
                try await eventually("it has all") { try await bed.owners().count == shards }
                for good in try await bed.shardNumbers() {
                    try await superuser.execute("insert into public.broken select shard from audit.head where shard <> \(good)")
                    try await bed.store(traffic.next(100))
                    try await eventually("shard \(good) is sealed") { try await sealed(good) }
                    for shard in try await bed.shardNumbers() where shard != good { #expect(try await !sealed(shard)) }
                    try await superuser.execute("delete from public.broken")
                    try await eventually("all is folded") { try await bed.isIdle() }
                }
            }
            await superuser.close()
            try await bed.expectFolded()
        }
    }
}
