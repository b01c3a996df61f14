import AuditEvents
import DatabaseTesting
import Glibc
import PostgreSQL
import Testing

@testable import Projections

@Suite("Workers share the shards") struct SharingTests {
    /// Whether `workers` are alive and hold as many of `shards` as is fair: of one shard, all but one hold none.
    private func share(_ workers: Int, _ shards: Int, _ bed: WorkerBed) async throws -> Bool {
        let alive = try await bed.pool.query(
            "select count(*) from audit.worker where seen_at > clock_timestamp() - interval '10 seconds'", as: Int64.self)
        let fair = (0..<workers).map { (shards + $0) / workers }.filter { $0 > 0 }
        let found = Dictionary(grouping: try await bed.owners().values, by: \.self).values.map(\.count).sorted()
        return alive == [Int64(workers)] && found == fair
    }

    @Test(
        "two workers share the shards evenly; when one stops cleanly the other has all of them within three seconds", arguments: [1, 4])
    func handOver(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 31)
            try await bed.store(traffic.next(300))
            let leaving = Task { try await bed.worker("leaves").run() }
            try await eventually("one has all") { try await bed.owners().count == shards }
            try await bed.withRunning(bed.worker("stays")) {
                try await eventually("they share") { try await share(2, shards, bed) }
                #expect(try await bed.owners().values.contains("leaves"))
                try await bed.store(traffic.next(300))
                let start = ContinuousClock.now
                leaving.cancel()
                try await leaving.value
                try await eventually("the other has all") { try await bed.owners().filter { $0.value == "stays" }.count == shards }
                let took = ContinuousClock.now - start
                print("A clean stop handed over \(shards) shards in \(took)")
                #expect(took < .seconds(3))
                try await bed.store(traffic.next(100))
                try await eventually("all is folded") { try await bed.isIdle() }
            }
            #expect(try await bed.owners().isEmpty)
            try await bed.expectFolded()
        }
    }

    @Test("three workers share four shards as two, one, one, and one of them has a single shard", arguments: [1, 4])
    func three(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            try await bed.withRunning(bed.worker("a"), bed.worker("b"), bed.worker("c")) {
                try await eventually("they share") { try await share(3, shards, bed) }
            }
        }
    }

    @Test("a worker that neither renews nor gives back is replaced when its leases have run out", arguments: [1, 4])
    func silent(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 32)
            try await bed.store(traffic.next(200))
            let dead = Leases(pool: bed.pool, worker: "dead", duration: .seconds(1))
            _ = try await dead.plan(holding: [])
            for shard in try await bed.shardNumbers() { #expect(try await dead.acquire(shard) != nil) }
            try await bed.withRunning(bed.worker("heir", lease: .seconds(1))) {
                try await eventually("all is folded") { try await bed.isIdle() }
                try await eventually("all is the heir's") { try await bed.owners().filter { $0.value == "heir" }.count == shards }
            }
            try await bed.expectFolded()
        }
    }

    @Test("runUntilIdle waits for what another worker holds, and returns when that is done", arguments: [1, 4])
    func untilIdle(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 33)
            try await bed.withRunning(bed.worker("running", batch: 50)) {
                try await eventually("the running one has all") { try await bed.owners().count == shards }
                for _ in 0..<3 {
                    try await bed.store(traffic.next(200))
                    try await bed.worker("passing").runUntilIdle()
                    #expect(try await bed.isIdle())
                }
            }
            try await bed.expectFolded()
        }
    }

    @Test("two runs until idle at once fold everything once", arguments: [1, 4])
    func twoUntilIdle(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 34)
            try await bed.store(traffic.next(600))
            async let one = bed.worker("one", batch: 50).runUntilIdle()
            async let two = bed.worker("two", batch: 50).runUntilIdle()
            let total = try await one + two
            #expect(total == 600 + (try await bed.eventsAboutAlerts()))
            try await bed.expectFolded()
        }
    }

    @Test(
        "of a worker process that is killed, another takes the shards within 13 seconds",
        .enabled(if: CardeaProcess.binary != nil, "the command line is not built"), arguments: [1, 4])
    func killed(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 35)
            let victim = try CardeaProcess(["worker"], databaseURL: bed.database.url)
            try await eventually("the process has all") { try await bed.owners().count == shards }
            try await bed.withRunning(bed.worker("heir")) {
                try await eventually("they share") { try await share(2, shards, bed) }
                #expect(try await bed.owners().values.contains { $0 != "heir" })
                try await bed.store(traffic.next(300))
                let start = ContinuousClock.now
                victim.signal(SIGKILL)
                try await eventually("the heir has all") { try await bed.owners().filter { $0.value == "heir" }.count == shards }
                let took = ContinuousClock.now - start
                print("A killed worker of \(shards) shards was replaced in \(took)")
                #expect(took < .seconds(13))
                try await bed.store(traffic.next(100))
                try await eventually("all is folded") { try await bed.isIdle() }
            }
            try await bed.expectFolded()
        }
    }

    @Test(
        "a stopped process whose shards were taken over changes nothing when it goes on",
        .enabled(if: CardeaProcess.binary != nil, "the command line is not built"), arguments: [1, 4])
    func stopped(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 36)
            let sleeper = try CardeaProcess(["worker"], databaseURL: bed.database.url)
            try await eventually("the process has all") { try await bed.owners().count == shards }
            try await bed.store(traffic.next(1000))
            sleeper.signal(SIGSTOP)
            try await bed.store(traffic.next(1000))
            try await bed.withRunning(bed.worker("heir")) {
                try await eventually("the heir has all and folds it") { try await bed.isIdle() }
                sleeper.signal(SIGCONT)
                try await eventually("they share, now that it is awake") { try await share(2, shards, bed) }
                try await bed.store(traffic.next(200))
                try await eventually("all is folded") { try await bed.isIdle() }
            }
            sleeper.signal(SIGTERM)
            try await eventually("it gave its shards back") { try await bed.owners().isEmpty }
            try await bed.expectFolded()
        }
    }

    @Test("from commit to view: single events while a worker runs", arguments: [1, 4])
    func lag(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            try await bed.withRunning(bed.worker()) {
                try await eventually("it has all") { try await bed.owners().count == shards }
                var lags: [Duration] = []
                for index in 0..<60 {
                    let name = "user\(index)"
                    try await bed.store([
                        AuditEvent(
                            header: EventHeader(
                                id: EventID(time: .now()), tenant: "t\(index % 7)", source: "api", type: .loginFailure, outcome: .failure),
                            body: EventBody(actor: .init(name: name)))
                    ])
                    let committed = ContinuousClock.now
                    try await eventually("the view shows it") {
                        try await !bed.pool.query("select 1 from audit_view.failed_login where subject = \(name)").isEmpty
                    }
                    lags.append(ContinuousClock.now - committed)
                }
                lags.sort()
                print("Commit to view, \(shards) shards: p50 \(lags[30]), p99 \(lags[59])")
                #expect(lags[59] < .seconds(10))
            }
        }
    }
}
