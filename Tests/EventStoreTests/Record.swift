import AuditEvents
import DatabaseTesting
import EventStore
import Logging
import PostgreSQL
import Synchronization
import Testing

/// A migrated database of a test's own.
struct Record: Sendable {
    let database: TestDatabase
    /// Connections of the superuser.
    let pool: PostgresPool
    let writers: PostgresPool
    let workers: PostgresPool

    var appender: Appender { Appender(writers) }
    var sealer: Sealer { Sealer(workers) }

    func event(_ tenant: String = "default", at time: Timestamp = .now(), source: String = "api") throws -> EncodedEvent {
        let header = EventHeader(id: EventID(time: time), tenant: tenant, source: source, type: .loginFailure, outcome: .failure)
        return try EventEncoder().encode(AuditEvent(header: header), now: .now())
    }

    func events(_ count: Int, _ tenant: String = "default") throws -> [EncodedEvent] { try (0..<count).map { _ in try event(tenant) } }

    /// `count` events of seven tenants in turn, of whom each of four shards has one at least.
    func spread(_ count: Int, at time: Timestamp = .now()) throws -> [EncodedEvent] {
        try (0..<count).map { try event("tenant\($0 % 7)", at: time) }
    }

    func shard(of tenant: String = "default") async throws -> Int32 { try await appender.shard(of: tenant) }

    func count(_ table: String = "audit.event") async throws -> Int {
        Int(try await pool.query("select count(*) from \(unsafe: table)", as: Int64.self)[0])
    }

    /// The ids in the log of a shard by index; expects it to be contiguous, its time not to run backwards and no id to come twice.
    func log(of shard: Int32, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [PostgresUUID] {
        let rows = try await pool.query(
            "select index, id, sealed_at from audit.log where shard = \(shard) order by index",
            as: (Int64, PostgresUUID, PostgresTimestamp).self)
        #expect(rows.map(\.0) == Array(0..<Int64(rows.count)), "the log is contiguous", sourceLocation: sourceLocation)
        #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.2 <= $1.2 }, "sealed_at never decreases", sourceLocation: sourceLocation)
        let ids = rows.map(\.1)
        #expect(Set(ids).count == ids.count, "no event is in the log twice", sourceLocation: sourceLocation)
        return ids
    }

    func logs(sourceLocation: SourceLocation = #_sourceLocation) async throws -> [PostgresUUID] {
        var ids: [PostgresUUID] = []
        for shard in try await sealer.shards() { ids += try await log(of: shard, sourceLocation: sourceLocation) }
        return ids
    }
}

/// Gives a fresh database with `shards` shards to `body`.
func withRecord<R: Sendable>(shards: Int, _ body: (Record) async throws -> R) async throws -> R {
    try await withTestDatabase { database in
        _ = try await Migrator(database.configuration(), logger: .quiet).migrate(shards: shards)
        let record = Record(
            database: database, pool: database.pool(maximumConnections: 4),
            writers: database.pool(role: "cardea_writer", maximumConnections: 16),
            workers: database.pool(role: "cardea_worker", maximumConnections: 4))
        let result: Result<R, any Error>
        do { result = .success(try await body(record)) } catch { result = .failure(error) }
        for pool in [record.pool, record.writers, record.workers] { await pool.close() }
        return try result.get()
    }
}

/// The SQLSTATE with which the server refuses; nil where it does not.
func refusal(_ body: () async throws -> Void) async throws -> String? {
    do {
        try await body()
        return nil
    } catch let error as PostgresError {
        return error.sqlState ?? "\(error)"
    }
}

/// A place where one task stops until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var hasArrived = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    var hasArrived: Bool { state.withLock(\.hasArrived) }
    var isOpen: Bool { state.withLock(\.isOpen) }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.hasArrived = true
                if !state.isOpen { state.waiting = continuation }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }
}

extension PostgresUUID {
    init(event: EncodedEvent) { self.init(high: event.header.id.high, low: event.header.id.low) }
}
