import AuditEvents
import DatabaseTesting
import Detection
import EventStore
import Logging
import PostgreSQL
import Synchronization
import Testing

@testable import Projections

/// A migrated database of a test's own, and workers on it.
struct WorkerBed: Sendable {
    let database: TestDatabase
    let pool: PostgresPool
    let rules: RuleSet

    var sealer: Sealer { Sealer(pool) }
    var catalog: ProjectionCatalog { ProjectionCatalog(pool, logger: .quiet) }
    var generations: Generations { Generations(pool: pool, logger: .quiet) }

    func worker(
        _ id: String = "worker", pool: PostgresPool? = nil, lease: Duration = .seconds(10), batch: Int = 2000,
        retryDelay: Duration = .milliseconds(50),
        beforeCommit: (@Sendable () async throws -> Void)? = nil
    ) -> Worker {
        var configuration = WorkerConfiguration(id: id)
        configuration.leaseDuration = lease
        configuration.leaseInterval = min(lease / 5, .seconds(1))
        configuration.batchSize = batch
        configuration.retryDelay = retryDelay
        configuration.maximumRetryDelay = retryDelay * 40
        var logger = Logger.quiet
        logger.logLevel = .critical  // they are made to fail
        return Worker(
            pool: pool ?? self.pool, listening: database.configuration(role: "cardea_worker"), configuration: configuration,
            rules: RulesAtWork(rules),
            logger: logger, beforeCommit: beforeCommit)
    }

    /// Stores events, in several transactions of all tenants' shards.
    func store(_ events: [AuditEvent]) async throws {
        let encoder = EventEncoder()
        let appender = Appender(pool)
        var rest = try events.map { try encoder.encode($0, now: .now()) }[...]
        while !rest.isEmpty {
            try await appender.append(Array(rest.prefix(300)))
            rest = rest.dropFirst(300)
        }
    }

    /// Runs `body` beside a worker, which is stopped cleanly afterwards.
    func withRunning<R: Sendable>(_ workers: Worker..., body: () async throws -> R) async throws -> R {
        let tasks = workers.map { worker in Task { try await worker.run() } }
        let result: Result<R, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        for task in tasks { task.cancel() }
        for task in tasks { try await task.value }
        return try result.get()
    }

    /// Whether everything committed is sealed and folded by every live projection.
    func isIdle() async throws -> Bool {
        try await pool.query(
            """
            select (select count(*) from audit.event) = (select sum(next_index) from audit.head)
                and not exists (
                    select from audit.head h cross join audit.projection p
                    left join audit.checkpoint c on c.shard = h.shard and c.name = p.name and c.generation = p.generation
                    where p.state = 'live' and c.next_index is distinct from h.next_index)
                and exists (select from audit.projection) as idle
            """)[0].decode("idle", as: Bool.self)
    }

    func owners() async throws -> [Int32: String] {
        var owners: [Int32: String] = [:]
        for row in try await pool.query("select shard, owner from audit.lease where owner is not null and expires_at > clock_timestamp()") {
            owners[try row.decode("shard", as: Int32.self)] = try row.decode("owner", as: String.self)
        }
        return owners
    }
}

/// Gives a fresh database with `shards` shards to `body`.
func withWorkerBed<R: Sendable>(shards: Int, idle: Duration? = nil, _ body: (WorkerBed) async throws -> R) async throws -> R {
    try await withTestDatabase { database in
        _ = try await Migrator(database.configuration(), logger: .quiet).migrate(shards: shards)
        var configuration = database.configuration(role: "cardea_worker", maximumConnections: 12)
        configuration.idleInTransactionTimeout = idle
        let pool = PostgresPool(configuration, logger: .quiet)
        let result: Result<R, any Error>
        do { result = .success(try await body(WorkerBed(database: database, pool: pool, rules: try .builtIn()))) } catch {
            result = .failure(error)
        }
        await pool.close()
        return try result.get()
    }
}

/// A place where tasks stop until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var arrivals: Int { state.withLock(\.arrived) }

    func pass() async {
        await withCheckedContinuation { continuation in
            let open = state.withLock { state in
                state.arrived += 1
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if open { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
