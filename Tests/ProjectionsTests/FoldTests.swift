import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@testable import Projections

@Suite("The worker folds") struct FoldTests {
    @Test(
        "any cut into batches, resumed by any number of workers, gives the rows and alerts of one fold of the whole log",
        arguments: [1, 4], [1, 7, 2000])
    func batches(shards: Int, batch: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: shards * 10 + batch)
            var total = 0
            for part in [40, 1, batch == 1 ? 60 : 500] {
                try await bed.store(traffic.next(part))
                // A worker anew: nothing is remembered but what the database holds.
                total += try await bed.worker(batch: batch).runUntilIdle()
            }
            // Each event is counted in the batches of all projections at once.
            #expect(total == (batch == 1 ? 101 : 541) + (try await bed.eventsAboutAlerts()))
            try await bed.expectFolded()
            let alerts = try await bed.pool.query("select count(*) from audit.alert", as: Int64.self)
            #expect(batch == 1 || alerts[0] > 0)
        }
    }

    @Test("an account's name may be long, and spelt in two ways, whatever the cut", arguments: [1, 4], [1, 2000])
    func names(shards: Int, batch: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var random = SeededGenerator(seed: 5)
            let long = (0..<9000).map { _ in String(UInt8.random(in: 0...255, using: &random), radix: 16) }.joined()
            let names = ["\u{e9}", "e\u{301}", "\u{e9}", long, long + "x", "e\u{301}", "a\u{0}b", "\"\\'", long]
            let start = Timestamp.now().advanced(bySeconds: -600)
            // Each of four shards has one of these.
            let tenants = ["tenant0", "tenant1", "tenant2", "tenant5"]
            try await bed.store(
                (0..<names.count * tenants.count).map { index in
                    let name = names[index / tenants.count]
                    return AuditEvent(
                        header: EventHeader(
                            id: EventID(time: start.advanced(bySeconds: Int64(index))), tenant: tenants[index % tenants.count],
                            source: "api", type: .loginFailure,
                            outcome: .failure),
                        body: EventBody(actor: .init(name: name)))
                })
            try await bed.worker(batch: batch).runUntilIdle()
            try await bed.expectFolded()
            let counts = try await bed.pool.query(
                "select failures from audit_view.failed_login where kind = 'account' order by 1", as: Int64.self)
            #expect(counts == Array(repeating: 1, count: 12) + Array(repeating: 2, count: 12))
        }
    }

    @Test("the largest duration there can be stops nothing", arguments: [1, 4])
    func extremes(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 1)
            var events = traffic.next(200)
            for index in events.indices where events[index].header.type == .httpRequest {
                events[index].header.durationMicroseconds = [Int64.max, 9_007_199_254_740_993, 0, -1][index % 4]
            }
            try await bed.store(events)
            try await bed.worker(batch: 20).runUntilIdle()
            try await bed.expectFolded()
        }
    }

    /// Reads every view until it is cancelled; says how often.
    private static func read(_ bed: WorkerBed) async throws -> Int {
        var reads = 0
        while !Task.isCancelled {
            for view in ProjectionCatalog.views {
                do {
                    let count = try await bed.pool.query("select count(*) from audit_view.\(identifier: view)", as: Int64.self)[0]
                    #expect(count > 0, "\(view) is there, and never empty")
                } catch {
                    guard Task.isCancelled else { throw error }
                }
            }
            reads += 1
        }
        return reads
    }

    @Test("a rebuilt view equals the live one in every column, with events still coming and readers who always see it", arguments: [1, 4])
    func rebuild(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 3)
            try await bed.store(traffic.next(1500))
            try await bed.worker().runUntilIdle()
            let before = try await bed.books()
            try await bed.withRunning(bed.worker("a", batch: 100), bed.worker("b", batch: 100)) {
                let reader = Task { try await FoldTests.read(bed) }
                var numbers: [String: Int32] = [:]
                for view in ProjectionCatalog.views { numbers[view] = try await bed.catalog.rebuild(view) }
                for _ in 0..<10 { try await bed.store(traffic.next(100)) }
                for (view, number) in numbers {
                    try await eventually("\(view) is switched") { try await bed.catalog.isLive(view, number) }
                }
                try await eventually("all is folded") { try await bed.isIdle() }
                reader.cancel()
                #expect(try await reader.value > 0)
            }
            try await bed.expectFolded()
            let live = try await bed.books()
            #expect(live.alerts.count >= before.alerts.count)
            // Once more, with nothing coming: the same to the last column.
            for view in ProjectionCatalog.views {
                let number = try await bed.catalog.rebuild(view)
                try await bed.worker(batch: 333).runUntilIdle()
                #expect(try await bed.catalog.isLive(view, number))
            }
            #expect(try await bed.books().views == live.views)
            #expect(try await bed.books().alerts == live.alerts)
            let schemas = try await bed.pool.query(
                "select count(*) from pg_namespace where nspname like 'audit\\_view\\_%'", as: Int64.self)
            #expect(schemas[0] == Int64(ProjectionCatalog.views.count), "the old generations' tables are gone")
        }
    }

    @Test("a view is rebuilt, too, when nothing is left to fold, and on an empty record", arguments: [1, 4])
    func rebuildOfNothing(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            try await bed.worker().runUntilIdle()
            var number = try await bed.catalog.rebuild("session")
            #expect(try await bed.worker().runUntilIdle() == 0)
            #expect(try await bed.catalog.isLive("session", number))
            number = try await bed.catalog.rebuild("session")
            try await bed.withRunning(bed.worker("running")) {
                try await eventually("a running worker switches") { try await bed.catalog.isLive("session", number) }
            }
        }
    }

    @Test("a reader who takes long holds a switch up, and neither folding nor other readers", arguments: [1, 4])
    func slowReader(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 9)
            try await bed.store(traffic.next(200))
            try await bed.worker().runUntilIdle()
            try await bed.withRunning(bed.worker()) {
                let number = try await bed.pool.withTransaction { reader in
                    _ = try await reader.query("select count(*) from audit_view.session")
                    let number = try await bed.catalog.rebuild("session")
                    try await eventually("the rebuilt view is as far as the live one") {
                        try await bed.catalog.status().allSatisfy { $0.lag == 0 }
                    }
                    try await bed.store(traffic.next(200))
                    try await eventually("the live views go on") { try await bed.isIdle() }
                    #expect(try await !bed.catalog.isLive("session", number))
                    return number
                }
                try await eventually("it is switched when the reader is done") { try await bed.catalog.isLive("session", number) }
            }
            try await bed.expectFolded()
        }
    }

    @Test("a view whose version grew is built beside the old one and takes its place", arguments: [1, 4])
    func newVersion(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 2)
            try await bed.store(traffic.next(400))
            try await bed.worker().runUntilIdle()
            let books = try await bed.books()
            // As if the live one, and a rebuild of it that was under way, were of the version before.
            _ = try await bed.catalog.rebuild("failed_login")
            try await bed.pool.execute("update audit.projection set version = 0 where name = 'failed_login'")
            try await bed.store(traffic.next(100))
            try await bed.worker().runUntilIdle()
            let left = try await bed.pool.query(
                "select generation || ' ' || version || ' ' || state from audit.projection where name = 'failed_login'", as: String.self)
            #expect(left == ["3 \(FailedLoginView.version) live"])
            try await bed.expectFolded()
            #expect(try await bed.books().views["failed_login"] != books.views["failed_login"])
        }
    }

    @Test("a newer binary's generation is left alone, be it in building or live", arguments: [1, 4], ["building", "live"])
    func newerVersion(shards: Int, state: String) async throws {
        try await withWorkerBed(shards: shards) { bed in
            var traffic = Traffic(seed: 2)
            try await bed.store(traffic.next(100))
            try await bed.worker().runUntilIdle()
            if state == "live" { try await bed.pool.execute("delete from audit.projection where name = 'session'") }
            try await bed.pool.execute(
                "insert into audit.projection (name, generation, version, state) values ('session', 7, 99, \(state))")
            try await bed.pool.execute("insert into audit.checkpoint (shard, name, generation) select shard, 'session', 7 from audit.head")
            try await bed.store(traffic.next(100))
            try await bed.worker().runUntilIdle()
            let places = try await bed.catalog.status().filter { $0.name == "session" && $0.generation == 7 }
            #expect(places.count == shards && places.allSatisfy { $0.next == 0 && $0.state == state })
            #expect(try await bed.catalog.status().filter { $0.name == "failed_login" }.allSatisfy { $0.lag == 0 })
        }
    }

    @Test("alerts are never rebuilt, an unknown view is named as such, and one rebuild of a view is enough", arguments: [1, 4])
    func refusals(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            try await bed.generations.ensure()
            await #expect { _ = try await bed.catalog.rebuild("detection") } throws: { "\($0)".contains("alerts are never rebuilt") }
            await #expect { _ = try await bed.catalog.rebuild("nonsense") } throws: { "\($0)".contains("no projection nonsense") }
            _ = try await bed.catalog.rebuild("session")
            await #expect { _ = try await bed.catalog.rebuild("session") } throws: { "\($0)".contains("being rebuilt already") }
        }
    }

    @Test("a shard that comes later is folded like the others, also where a generation began just then", arguments: zip([1, 4], [4, 8]))
    func growing(from: Int, to: Int) async throws {
        try await withWorkerBed(shards: from) { bed in
            var traffic = Traffic(seed: 4)
            try await bed.store(traffic.next(50))
            try await bed.worker().runUntilIdle()
            let number = try await bed.catalog.rebuild("session")
            _ = try await Migrator(bed.database.configuration(), logger: .quiet).migrate(shards: to)
            // All but one of the new shards.
            try await bed.pool.execute("delete from audit.checkpoint where shard > \(Int32(from))")
            try await bed.store(
                (0..<200).map { index in
                    AuditEvent(
                        header: EventHeader(
                            id: EventID(time: .now()), tenant: "new\(index % 20)", source: "api", type: .loginFailure, outcome: .failure),
                        body: EventBody(actor: .init(name: "ann")))
                })
            try await bed.withRunning(bed.worker()) {
                try await eventually("all is folded") { try await bed.isIdle() }
                try await eventually("the rebuild is switched") { try await bed.catalog.isLive("session", number) }
            }
            try await bed.expectFolded()
        }
    }
}
