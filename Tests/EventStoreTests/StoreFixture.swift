import AuditEvents
import DatabaseTesting
import Logging
import PostgreSQL
import Synchronization
import Testing

@testable import EventStore

/// A migrated database and what tests ask of it.
struct StoreFixture: Sendable {
    let database: TestDatabase
    let shards: Int
    /// The superuser, who sees and may do everything but change the record.
    let superuser: PostgresPool
    let worker: PostgresPool

    var log: PostgresEventLog { PostgresEventLog(worker) }
    var sealer: Sealer { Sealer(worker) }
    var appender: Appender { Appender(worker) }

    /// What the log says, in order.
    struct Entry: Hashable {
        var shard: Int32
        var index: Int64
        var id: EventID
        var sealedAt: Timestamp
    }

    func entries() async throws -> [Entry] {
        try await superuser.query("select shard, index, id, sealed_at from audit.log order by shard, index").map { row in
            let id = try row.decode("id", as: PostgresUUID.self)
            return Entry(
                shard: try row.decode("shard", as: Int32.self), index: try row.decode("index", as: Int64.self),
                id: try #require(EventID(high: id.high, low: id.low)),
                sealedAt: Timestamp(microseconds: try row.decode("sealed_at", as: PostgresTimestamp.self).microseconds))
        }
    }

    func count(_ table: String = "audit.event") async throws -> Int {
        Int(try await superuser.query("select count(*) as n from \(unsafe: table)")[0].decode("n", as: Int64.self))
    }

    func contains(_ event: AuditEvent) async throws -> Bool {
        try await !superuser.query(
            "select 1 from audit.event where id = \(PostgresUUID(event.id)) and shard = audit.shard_of(\(event.header.tenant))"
        ).isEmpty
    }

    func storedIDs() async throws -> [EventID] {
        try await superuser.query("select id from audit.event order by id").map { row in
            let id = try row.decode("id", as: PostgresUUID.self)
            return try #require(EventID(high: id.high, low: id.low))
        }
    }

    /// Checks that the log has no gap, goes on in time, and holds each event once.
    func expectWellFormed(_ entries: [Entry], _ location: SourceLocation = #_sourceLocation) {
        for (_, part) in Dictionary(grouping: entries, by: \.shard) {
            #expect(part.map(\.index) == Array(0..<Int64(part.count)), "contiguous", sourceLocation: location)
            #expect(part.map(\.sealedAt) == part.map(\.sealedAt).sorted(), "sealed_at never decreases", sourceLocation: location)
        }
        #expect(Set(entries.map(\.id)).count == entries.count, "nothing twice", sourceLocation: location)
    }
}

/// Runs `body` with a database of its own, migrated to `shards` shards.
func withStore(shards: Int, _ body: (StoreFixture) async throws -> Void) async throws {
    try await withTestDatabase { (database) async throws in
        _ = try await Migrator(database.configuration(), logger: .quiet).migrate(shards: shards)
        let fixture = StoreFixture(
            database: database, shards: shards, superuser: database.pool(maximumConnections: 4),
            worker: database.pool(role: "cardea_worker", maximumConnections: 8))
        try await body(fixture)
        await fixture.superuser.close()
        await fixture.worker.close()
    }
}

/// Events a microsecond apart that end a second ago, or at `end`: of one tenant, or of seven in turn, of whom each of four shards has one.
func events(
    _ count: Int, tenant: String? = nil, end: Timestamp = Timestamp(microseconds: Timestamp.now().microseconds - 1_000_000)
) -> [AuditEvent] {
    (0..<count).map { number in
        AuditEvent(
            header: EventHeader(
                id: EventID(time: Timestamp(microseconds: end.microseconds - Int64(count - number))),
                tenant: tenant ?? "tenant\(number % 7)", source: "test",
                type: .loginFailure, outcome: .denied),
            body: EventBody(actor: .init(name: "user\(number)"), client: .init(ip: "192.0.2.\(number % 250)")))
    }
}

func encoded(_ events: [AuditEvent]) throws -> [EncodedEvent] {
    try events.map { try EventEncoder().encode($0, now: $0.time) }
}

/// The SQLSTATE with which `body` fails; nil where it does not.
func sqlState(_ body: () async throws -> Void) async throws -> String? {
    do {
        try await body()
        return nil
    } catch let error as PostgresError {
        return error.sqlState
    }
}

/// Asks again until the answer is yes, at most for a generous while.
func eventually(within limit: Duration = .seconds(30), _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(2))
    }
    return false
}

/// What several tasks of a test share.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<R: Sendable>(_ body: (inout sending Value) -> sending R) -> R { value.withLock(body) }
}
