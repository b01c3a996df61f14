import AuditEvents
import DatabaseTesting
import Logging
import PostgreSQL
import Synchronization
import Testing

@testable import EventStore

/// A database that a test closes to everybody and opens again; its server goes on.
private struct Door: Sendable {
    let database: TestDatabase

    func close() async throws {
        try await server { connection in
            try await connection.execute("alter database \(identifier: database.name) allow_connections false")
            _ = try await connection.query(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = \(database.name)")
        }
    }

    func open() async throws {
        try await server { try await $0.execute("alter database \(identifier: database.name) allow_connections true") }
    }

    private func server(_ body: (PostgresConnection) async throws -> Void) async throws {
        let url = PostgresConfiguration.replacingDatabase(in: database.url, with: "postgres")
        _ = try await withPostgresConnection(PostgresConfiguration(url: url), logger: .quiet) { (connection) async throws in
            try await body(connection)
        }
    }
}

/// Keeps what is logged as critical.
private struct Alarms: LogHandler {
    let heard: Shared<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.critical
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
        let text = "\(event.message) \(event.metadata ?? [:])"
        heard.withLock { $0.append(text) }
    }
}

@Suite("The store while its database is away and there is no spool")
struct AwayTests {
    private func settings(_ backPressure: StoreConfiguration.BackPressure) -> StoreConfiguration {
        var settings = StoreConfiguration()
        settings.bufferCapacity = 20
        settings.batchSize = 5
        settings.backPressure = backPressure
        return settings
    }

    /// Runs `body` with a store whose database is away, and tells it how to bring it back; then shuts the store down.
    private func away(
        _ settings: StoreConfiguration, shards: Int,
        _ body: (EventStore, StoreFixture, _ back: () async throws -> Void) async throws -> Void
    ) async throws {
        try await withStore(shards: shards) { (fixture) async throws in
            let silent = Logger(label: "silent", factory: { _ in SwiftLogNoOpLogHandler() })
            var configuration = fixture.database.configuration(role: "cardea_writer")
            configuration.acquireTimeout = .milliseconds(200)
            let pool = PostgresPool(configuration, logger: silent)
            let store = EventStore(pool: pool, configuration: settings, logger: silent)
            let door = Door(database: fixture.database)
            let service = Task { try await store.run() }
            let result: Result<Void, any Error>
            do {
                try await store.record(events(1)[0], durability: .durable)
                try await door.close()
                result = .success(try await body(store, fixture) { try await door.open() })
            } catch { result = .failure(error) }
            try await door.open()
            service.cancel()
            try await service.value
            await pool.close()
            try result.get()
        }
    }

    /// The ids in the database, asked until its own connections have found back.
    private func stored(_ fixture: StoreFixture) async throws -> Set<EventID> {
        var ids: Set<EventID>?
        _ = try await eventually {
            ids = (try? await fixture.storedIDs()).map(Set.init)
            return ids != nil
        }
        return try #require(ids)
    }

    @Test("refusing, it keeps what it took and throws for the rest; afterwards all it took is there", arguments: [1, 4])
    func refuse(shards: Int) async throws {
        try await away(settings(.refuse), shards: shards) { store, fixture, back in
            var acknowledged: Set<EventID> = []
            var refused = 0
            for event in events(50) {
                do {
                    try await store.record(event)
                    acknowledged.insert(event.id)
                } catch SinkRefusal.full { refused += 1 }
            }
            #expect(acknowledged.count == 20 && refused == 30)
            #expect(throws: SinkRefusal.full) { try store.admit() }
            await #expect(throws: SinkRefusal.full) { try await store.record(events(1)[0], durability: .durable) }
            try await back()
            await store.flush()
            try store.admit()
            let ids = try await stored(fixture)
            #expect(ids.count == 21 && ids.isSuperset(of: acknowledged))
        }
    }

    @Test("blocking, producers wait for it, buffered and durable ones, and go on afterwards; a cancelled one leaves", arguments: [1, 4])
    func block(shards: Int) async throws {
        try await away(settings(.block), shards: shards) { store, fixture, back in
            let all = events(60)
            for event in all[..<20] { try await store.record(event) }
            try store.admit()
            let producers = all[20...].enumerated().map { number, event in
                Task { try await store.record(event, durability: number % 2 == 0 ? .buffered : .durable) }
            }
            let extra = events(1)[0]
            let leaving = Task { try await store.record(extra) }
            #expect(try await eventually { store.state.withLock { $0.blocked.count } == 41 })
            leaving.cancel()
            await #expect(throws: CancellationError.self) { try await leaving.value }
            #expect(store.state.withLock { $0.blocked.count } == 40)
            try await back()
            for producer in producers { try await producer.value }
            await store.flush()
            let ids = try await stored(fixture)
            #expect(ids.count == 61 && ids.isSuperset(of: all.map(\.id)) && !ids.contains(extra.id))
        }
    }

    @Test(
        "shut down meanwhile, it gives up after its patience, logs what is left and how much, and tells durable callers", arguments: [1, 4])
    func patience(shards: Int) async throws {
        try await withStore(shards: shards) { (fixture) async throws in
            let heard = Shared<[String]>([])
            let logger = Logger(label: "alarms", factory: { _ in Alarms(heard: heard) })
            let door = Door(database: fixture.database)
            let pool = PostgresPool(fixture.database.configuration(role: "cardea_writer"), logger: logger)
            var settings = settings(.block)
            settings.shutdownPatience = .milliseconds(300)
            let store = EventStore(pool: pool, configuration: settings, logger: logger)
            let service = Task { try await store.run() }
            try await store.record(events(1)[0], durability: .durable)
            try await door.close()
            for event in events(17) { try await store.record(event) }
            let durable = events(3).map { event in Task { try await store.record(event, durability: .durable) } }
            #expect(try await eventually { store.state.withLock { $0.buffer.occupied } == 20 })
            let blocked = Task { try await store.record(events(1)[0]) }
            #expect(try await eventually { store.state.withLock { $0.blocked.count } == 1 })
            service.cancel()
            try await service.value
            await #expect(throws: SinkRefusal.closed) { try await blocked.value }
            for caller in durable { await #expect(throws: SinkRefusal.closed) { try await caller.value } }
            await store.flush()
            // Each event whole, and how many they are.
            let lines = heard.withLock { $0 }
            #expect(lines.count == 21 && lines.filter { $0.contains("An event cannot be stored") && $0.contains("user") }.count == 20)
            #expect(lines.last?.contains("20") == true)
            try await door.open()
            await pool.close()
            #expect(try await stored(fixture).count == 1)
        }
    }

    @Test("a spool that cannot be opened ends the run, but not before what was recorded is in the database", arguments: [1, 4])
    func noSpool(shards: Int) async throws {
        try await withStore(shards: shards) { (fixture) async throws in
            var settings = StoreConfiguration()
            settings.spoolDirectory = "/dev/null/spool"
            let store = EventStore(pool: fixture.worker, configuration: settings, logger: .quiet)
            for event in events(7) { try await store.record(event) }
            do {
                try await store.run()
                Issue.record("it ran")
            } catch let error as StoreError {
                #expect(error.code == .spool && error.hint != nil)
            }
            #expect(try await fixture.count() == 7)
            await #expect(throws: SinkRefusal.closed) { try await store.record(events(1)[0], durability: .durable) }
        }
    }

    @Test("an event from the future is refused where it is recorded", arguments: [1, 4])
    func future(shards: Int) async throws {
        try await withStore(shards: shards) { (fixture) async throws in
            let store = EventStore(pool: fixture.worker, logger: .quiet)
            let event = events(1, end: Timestamp.now().advanced(bySeconds: 660))[0]
            for durability in [EventDurability.buffered, .durable] {
                do {
                    try await store.record(event, durability: durability)
                    Issue.record("it was taken")
                } catch SinkRefusal.invalid(let reason) { #expect(reason.contains("10 minutes")) }
            }
            #expect(store.state.withLock { $0.buffer.occupied } == 0)
        }
    }
}
