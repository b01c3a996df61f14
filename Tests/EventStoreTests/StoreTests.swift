import AuditEvents
import DatabaseTesting
import Logging
import PostgreSQL
import ServiceLifecycle
import Synchronization
import Testing

@testable import EventStore

/// Runs `body` beside the store's `run()`, which is shut down and awaited afterwards.
private func running(_ store: EventStore, _ body: () async throws -> Void) async throws {
    let service = Task { try await store.run() }
    do { try await body() } catch {
        service.cancel()
        try? await service.value
        throw error
    }
    service.cancel()
    try await service.value
}

private func configuration(_ change: (inout StoreConfiguration) -> Void) -> StoreConfiguration {
    var configuration = StoreConfiguration()
    change(&configuration)
    return configuration
}

@Suite("The store")
struct StoreTests {
    @Test("a durable record returns only when the event is committed", arguments: [1, 4])
    func durable(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let sink = EventStore(pool: store.worker, logger: .quiet)
            try await running(sink) { () async throws in
                for (number, event) in events(20).enumerated() {
                    try await sink.record(event, durability: .durable)
                    #expect(try await store.count() == number + 1)
                }
            }
        }
    }

    @Test("a batch leaves when it is full, and a part of one on flush", arguments: [1, 4])
    func bySize(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let sink = EventStore(
                pool: store.worker,
                configuration: configuration {
                    $0.batchSize = 10
                    $0.batchDelay = .seconds(3600)
                }, logger: .quiet)
            try await running(sink) { () async throws in
                let all = events(15)
                for event in all[..<10] { try await sink.record(event) }
                #expect(try await eventually { try await store.count() == 10 })
                for event in all[10...] { try await sink.record(event) }
                #expect(try await store.count() == 10)
                await sink.flush()
                #expect(try await store.count() == 15)
            }
        }
    }

    @Test("a batch that does not fill leaves after its delay", arguments: [1, 4])
    func byDelay(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let sink = EventStore(pool: store.worker, logger: .quiet)
            try await running(sink) { () async throws in
                try await sink.record(events(1)[0])
                #expect(try await eventually { try await store.count() == 1 })
            }
        }
    }

    @Test("flush returns under a load that never pauses", arguments: [1, 4])
    func flushUnderLoad(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let sink = EventStore(
                pool: store.worker,
                configuration: configuration {
                    $0.batchSize = 20
                    $0.bufferCapacity = 400
                }, logger: .quiet)
            let isDone = Shared(false)
            try await running(sink) { () async throws in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            while !isDone.withLock({ $0 }) { for event in events(10) { try await sink.record(event) } }
                        }
                    }
                    for _ in 0..<5 {
                        let marker = events(1)[0]
                        try await sink.record(marker)
                        await sink.flush()
                        #expect(try await store.contains(marker))
                    }
                    isDone.withLock { $0 = true }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("a graceful shutdown writes out everything, and refuses what comes later", arguments: [1, 4])
    func shutdown(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let sink = EventStore(
                pool: store.worker, configuration: configuration { $0.batchDelay = .seconds(3600) }, logger: .quiet)
            let group = ServiceGroup(configuration: .init(services: [sink], logger: .quiet))
            let service = Task { try await group.run() }
            for event in events(777) { try await sink.record(event) }
            await group.triggerGracefulShutdown()
            try await service.value
            #expect(try await store.count() == 777)
            await #expect(throws: SinkRefusal.closed) { try await sink.record(events(1)[0]) }
            #expect(throws: SinkRefusal.closed) { try sink.admit() }
        }
    }

    @Test("a shutdown without database and spool comes to an end, and tells who waits for the commit")
    func shutdownAlone() async throws {
        let nowhere = PostgresPool(
            PostgresConfiguration(url: "host=/nonexistent", acquireTimeout: .milliseconds(100), connectTimeout: .seconds(1)), logger: .quiet
        )
        let sink = EventStore(
            pool: nowhere,
            configuration: configuration {
                $0.batchDelay = .seconds(3600)
                $0.shutdownPatience = .milliseconds(200)
            }, logger: .quiet)
        let group = ServiceGroup(configuration: .init(services: [sink], logger: .quiet))
        let service = Task { try await group.run() }
        let waiting = Task { try await sink.record(events(1)[0], durability: .durable) }
        #expect(try await eventually { sink.state.withLock { $0.buffer.occupied == 1 } })
        await group.triggerGracefulShutdown()
        try await service.value
        await #expect(throws: SinkRefusal.closed) { try await waiting.value }
        await nowhere.close()
    }

    @Test("full and told to refuse, it refuses; what it took is stored, and nothing else", arguments: [1, 4])
    func refuse(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let sink = EventStore(
                pool: store.worker,
                configuration: configuration {
                    $0.bufferCapacity = 50
                    $0.backPressure = .refuse
                }, logger: .quiet)
            var acknowledged: Set<EventID> = []
            var refused = 0
            for event in events(80) {
                do {
                    try await sink.record(event)
                    acknowledged.insert(event.id)
                } catch SinkRefusal.full { refused += 1 }
            }
            #expect(acknowledged.count == 50 && refused == 30)
            #expect(throws: SinkRefusal.full) { try sink.admit() }
            try await running(sink) { await sink.flush() }
            #expect(Set(try await store.storedIDs()) == acknowledged)
        }
    }

    @Test("full and told to block, producers wait and every event arrives", arguments: [1, 4])
    func block(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            let sink = EventStore(
                pool: store.worker,
                configuration: configuration {
                    $0.bufferCapacity = 16
                    $0.batchSize = 8
                }, logger: .quiet)
            try await running(sink) { () async throws in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<10 {
                        group.addTask { for event in events(40, tenant: "t\(writer)") { try await sink.record(event) } }
                    }
                    try await group.waitForAll()
                }
                await sink.flush()
            }
            #expect(try await store.count() == 400)
        }
    }

    @Test("an event that the database refuses stands alone: its durable caller is told, the others are stored", arguments: [1, 4])
    func poison(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            // A store whose clock runs ahead lets pass what the database does not.
            let sink = EventStore(pool: store.worker, logger: .silent, now: { .maximum })
            let good = events(40)
            let poison = events(1, end: Timestamp.now().advanced(bySeconds: 7200))[0]
            try await running(sink) { () async throws in
                await withTaskGroup(of: Void.self) { group in
                    for event in good[..<20] + [poison] + good[20...] {
                        group.addTask {
                            do {
                                try await sink.record(event, durability: .durable)
                                #expect(event.id != poison.id)
                            } catch {
                                #expect(event.id == poison.id, "\(error)")
                                guard case SinkRefusal.invalid? = error as? SinkRefusal else {
                                    Issue.record("\(error)")
                                    return
                                }
                            }
                        }
                    }
                }
            }
            #expect(Set(try await store.storedIDs()) == Set(good.map(\.id)))
        }
    }

    @Test("an event that the database refuses does not hold up the spool it came from", arguments: [1, 4])
    func poisonInTheSpool(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            try await withFolder { (root) async throws in
                let good = try encoded(events(60))
                let poison = try encoded(events(1, end: Timestamp.now().advanced(bySeconds: 7200)))
                do {
                    var files = try SpoolFiles(root: root, limit: 1 << 20)
                    let taken = try files.append(Array(good[..<33]) + poison + Array(good[33...]))
                    #expect(taken)
                }
                let sink = EventStore(pool: store.worker, configuration: configuration { $0.spoolDirectory = root }, logger: .silent)
                try await running(sink) { () async throws in
                    #expect(try await eventually { names(in: root + "/0") == ["lock"] })
                }
                #expect(Set(try await store.storedIDs()) == Set(good.map(\.header.id)))
            }
        }
    }

    @Test("what comes behind spooled events is stored too, and the folder is free after the run", arguments: [1, 4])
    func behindTheSpool(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            try await withFolder { (root) async throws in
                let old = try encoded(events(1500))
                do {
                    var files = try SpoolFiles(root: root, limit: 1 << 24)
                    let taken = try files.append(old)
                    #expect(taken)
                }
                let sink = EventStore(pool: store.worker, configuration: configuration { $0.spoolDirectory = root }, logger: .quiet)
                try await running(sink) { () async throws in
                    for event in events(100) { try await sink.record(event, durability: .buffered) }
                    #expect(try await eventually { try await store.count() == 1600 })
                }
                let next = try SpoolFiles(root: root, limit: 1)
                let directory = next.directory
                #expect(directory == root + "/0")
            }
        }
    }

    @Test("PostgreSQL is killed under load: the spool takes over, requests go on, and every event arrives once", arguments: [1, 4])
    func outage(shards: Int) async throws {
        try await withTestCluster { (cluster) async throws in
            try await withFolder { (root) async throws in
                let url = try await cluster.start()
                _ = try await Migrator(PostgresConfiguration(url: url), logger: .quiet).migrate(shards: shards)
                let pool = PostgresPool(
                    PostgresConfiguration(url: url, role: "cardea_writer", acquireTimeout: .milliseconds(500)), logger: .silent)
                let sink = EventStore(pool: pool, configuration: configuration { $0.spoolDirectory = root }, logger: .silent)
                let acknowledged = Shared<Set<EventID>>([])
                let phase = Shared(0)
                try await running(sink) { () async throws in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for writer in 0..<4 {
                            group.addTask {
                                while phase.withLock({ $0 }) < 2 {
                                    let event = events(1, tenant: "t\(writer)")[0]
                                    try await sink.record(event, durability: .durable)
                                    acknowledged.withLock { _ = $0.insert(event.id) }
                                }
                            }
                        }
                        for _ in 0..<2 {
                            let before = acknowledged.withLock(\.count)
                            #expect(try await eventually { acknowledged.withLock(\.count) > before + 100 })
                            try await cluster.crash()
                            let down = acknowledged.withLock(\.count)
                            // Durable all the while, on disk.
                            #expect(try await eventually { acknowledged.withLock(\.count) > down + 200 })
                            #expect(names(in: root + "/0").contains { $0.hasSuffix(".spool") })
                            try await cluster.start()
                            #expect(try await eventually { names(in: root + "/0") == ["lock"] })
                        }
                        phase.withLock { $0 = 2 }
                        try await group.waitForAll()
                    }
                    await sink.flush()
                    #expect(try await eventually { names(in: root + "/0") == ["lock"] })
                }
                await pool.close()
                let superuser = PostgresPool(PostgresConfiguration(url: url), logger: .silent)
                let rows = try await superuser.query("select id from audit.event", as: PostgresUUID.self)
                #expect(rows.count == Set(rows).count)
                #expect(acknowledged.withLock { $0.map { PostgresUUID($0) } }.allSatisfy(Set(rows).contains))
                #expect(try await Sealer(superuser).sealAll() == rows.count)
                await superuser.close()
            }
        }
    }
}

extension Logger {
    /// For tests that provoke what it would say.
    fileprivate static var silent: Logger { Logger(label: "silent", factory: { _ in SwiftLogNoOpLogHandler() }) }
}
