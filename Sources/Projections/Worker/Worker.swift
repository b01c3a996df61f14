public import Detection
import EventStore
public import Logging
import Metrics
public import PostgreSQL
public import ServiceLifecycle
import Synchronization

/// Turns the record into views and alerts: seals, and folds the shards whose leases it holds.
///
/// Any number of workers share the shards evenly. A worker that stops cleanly gives its leases back at once; one that dies is replaced when they
/// run out; one that sleeps and wakes finds its transactions refused.
public final class Worker: Service, Sendable {
    private struct ShardTask {
        var token: Int64
        var wake: Wake
        var task: Task<Void, Never>
    }

    private let pool: PostgresPool
    private let listening: PostgresConfiguration
    private let configuration: WorkerConfiguration
    private let rules: RulesAtWork
    private let logger: Logger
    private let leases: Leases
    private let sealer: Sealer
    private let shards = Mutex<[Int32: ShardTask]>([:])
    private let leaseWake = Wake()
    private let beforeCommit: (@Sendable () async throws -> Void)?

    private let folded = Counter(label: "cardea.projection.events")

    /// - Parameters:
    ///   - pool: connections of the role `cardea_worker`.
    ///   - listening: how to open the connection that listens for seals and leases.
    public convenience init(
        pool: PostgresPool, listening: PostgresConfiguration, configuration: WorkerConfiguration, rules: RulesAtWork, logger: Logger
    ) {
        self.init(pool: pool, listening: listening, configuration: configuration, rules: rules, logger: logger, beforeCommit: nil)
    }

    package init(
        pool: PostgresPool, listening: PostgresConfiguration, configuration: WorkerConfiguration, rules: RulesAtWork, logger: Logger,
        beforeCommit: (@Sendable () async throws -> Void)?
    ) {
        self.pool = pool
        self.listening = listening
        self.configuration = configuration
        self.rules = rules
        self.logger = logger
        self.beforeCommit = beforeCommit
        leases = Leases(pool: pool, worker: configuration.id, duration: configuration.leaseDuration)
        sealer = Sealer(pool)
    }

    /// Works until cancelled or shut down, then gives its leases back.
    public func run() async throws {
        try await cancelWhenGracefulShutdown { [self] in
            do { try await ensureGenerations() } catch  where Task.isCancelled { return }
            await withTaskGroup { group in
                group.addTask { await self.keepLeases() }
                group.addTask { await self.seal() }
                group.addTask { await self.listen() }
                group.addTask { await self.keepPartitions() }
            }
        }
        // No longer cancellable: the leases must go back.
        await Task { await leave() }.value
    }

    /// A server that restarts just now is waited for.
    private func ensureGenerations() async throws {
        while true {
            do {
                return try await Generations(pool: pool, logger: logger).ensure()
            } catch let error as PostgresError where error.isTransient {
                logger.warning("The projections could not be set up; trying again", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Seals and folds everything there is, then returns how many events were folded; shards that another worker holds are waited for.
    @discardableResult
    public func runUntilIdle(progress: (@Sendable (_ folded: Int) -> Void)? = nil) async throws -> Int {
        try await Generations(pool: pool, logger: logger).ensure()
        var total = 0
        try await sealer.sealAll()
        while true {
            let heads = try await sealer.heads()
            var isIdle = true
            for shard in heads.keys.sorted() where try await !isFolded(shard) {
                isIdle = false
                guard let token = try await leases.acquire(shard) else { continue }
                let result: Result<Int, any Error>
                do { result = .success(try await foldAll(shard, token, done: total, progress)) } catch { result = .failure(error) }
                await Task { try? await leases.release([shard: token]) }.value
                switch result {
                case .success(let count): total += count
                case .failure(let error as StoreError) where error.code == .fenced: break
                case .failure(let error): throw error
                }
            }
            // Folding stores events of its own, about alerts; another worker's last batch may have done so after the shard was sealed.
            try await sealer.sealAll()
            if isIdle, try await sealer.heads() == heads { return total }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func foldAll(_ shard: Int32, _ token: Int64, done: Int, _ progress: (@Sendable (Int) -> Void)?) async throws -> Int {
        let worker = shardWorker(shard, token)
        try await worker.refresh()
        var total = 0
        var renewed = ContinuousClock.now
        while true {
            let count = try await worker.advance()
            if count == 0 { return total }
            total += count
            folded.increment(by: count)
            progress?(done + total)
            if ContinuousClock.now - renewed > configuration.leaseInterval {
                _ = try await leases.renew([shard: token])
                renewed = .now
            }
        }
    }

    /// Whether every projection that this binary knows has folded all that is sealed in `shard`, and none waits to be switched.
    private func isFolded(_ shard: Int32) async throws -> Bool {
        let known = try await Generations(pool: pool, logger: logger).all()
        return try await pool.query(
            """
            select coalesce(bool_and(g.live and c.next_index >= h.next_index), true) as folded
            from audit.head h
            cross join unnest(\(known.map(\.name)), \(known.map(\.number)), \(known.map(\.isLive))) as g (name, generation, live)
            left join audit.checkpoint c on c.shard = h.shard and c.name = g.name and c.generation = g.generation
            where h.shard = \(shard)
            """)[0].decode("folded", as: Bool.self)
    }

    private func shardWorker(_ shard: Int32, _ token: Int64) -> ShardWorker {
        ShardWorker(
            shard: shard, token: token, pool: pool, rules: rules, batchSize: configuration.batchSize, logger: logger,
            beforeCommit: beforeCommit)
    }

    // MARK: Leases

    private func keepLeases() async {
        while !Task.isCancelled {
            do {
                try await lookAfterLeases()
            } catch {
                if !Task.isCancelled { logger.warning("The leases could not be looked after", metadata: ["error": "\(error)"]) }
            }
            await leaseWake.wait(configuration.leaseInterval)
        }
    }

    private func lookAfterLeases() async throws {
        let held = shards.withLock { $0.mapValues(\.token) }
        if !held.isEmpty {
            let kept = try await leases.renew(held)
            for shard in held.keys where !kept.contains(shard) {
                logger.warning("A lease was taken over", metadata: ["shard": "\(shard)"])
                await stop([shard])
            }
        }
        let plan = try await leases.plan(holding: Set(shards.withLock { $0.keys }))
        if !plan.release.isEmpty { try await giveBack(plan.release) }
        var wanted = plan.wanted
        for shard in plan.free where wanted > 0 {
            guard let token = try await leases.acquire(shard) else { continue }
            start(shard, token)
            wanted -= 1
        }
    }

    private func start(_ shard: Int32, _ token: Int64) {
        logger.debug("Took a lease", metadata: ["shard": "\(shard)", "lease.token": "\(token)"])
        let wake = Wake()
        let task = Task { [self] in await work(shard, token, wake) }
        shards.withLock { $0[shard] = ShardTask(token: token, wake: wake, task: task) }
    }

    private func stop(_ ended: some Sequence<Int32>) async {
        let entries = shards.withLock { held in ended.compactMap { held.removeValue(forKey: $0) } }
        for entry in entries { entry.task.cancel() }
        for entry in entries { await entry.task.value }
    }

    private func giveBack(_ surplus: [Int32]) async throws {
        let tokens = shards.withLock { held in held.filter { surplus.contains($0.key) }.mapValues(\.token) }
        await stop(surplus)
        try await leases.release(tokens)
    }

    private func leave() async {
        await stop(shards.withLock { Array($0.keys) })
        do {
            try await leases.leave()
        } catch {
            logger.warning("The leases could not be given back; others take them when they run out", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Work

    private func work(_ shard: Int32, _ token: Int64, _ wake: Wake) async {
        let worker = shardWorker(shard, token)
        var delay = configuration.retryDelay
        var refreshed: ContinuousClock.Instant?
        while !Task.isCancelled {
            do {
                if refreshed.map({ ContinuousClock.now - $0 > configuration.leaseInterval }) ?? true {
                    try await worker.refresh()
                    refreshed = .now
                }
                let count = try await worker.advance()
                folded.increment(by: count)
                delay = configuration.retryDelay
                if count == 0 { await wake.wait(configuration.leaseInterval) }
            } catch {
                if Task.isCancelled { return }
                if let error = error as? StoreError, error.code == .fenced {
                    logger.debug("A batch was refused", metadata: ["shard": "\(shard)", "error": "\(error)"])
                    leaseWake.ring()
                } else {
                    logger.warning("Folding failed and is tried again", metadata: ["shard": "\(shard)", "error": "\(error)"])
                }
                refreshed = nil
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, configuration.maximumRetryDelay)
            }
        }
    }

    private func seal() async {
        var delay = configuration.sealInterval
        // Shards that could not be sealed, and when each is tried again: the others do not wait for them.
        var failing: [Int32: (delay: Duration, until: ContinuousClock.Instant)] = [:]
        while !Task.isCancelled {
            var count = 0
            let held = shards.withLock { $0.mapValues(\.wake) }
            failing = failing.filter { held[$0.key] != nil }
            for (shard, wake) in held where failing[shard].map({ $0.until < .now }) ?? true {
                do {
                    let sealed = try await sealer.seal(shard)
                    failing[shard] = nil
                    count += sealed.count
                    if sealed.count > 0 { wake.ring() }
                } catch {
                    if Task.isCancelled { return }
                    // No answer at all: the server is away for every shard.
                    let isAway = (error as? PostgresError)?.sqlState == nil
                    let pause = min((failing[shard]?.delay ?? configuration.sealInterval) * 2, .seconds(2))
                    for shard in isAway ? Array(held.keys) : [shard] { failing[shard] = (pause, .now + pause) }
                    logger.warning("Sealing failed and is tried again", metadata: ["shard": "\(shard)", "error": "\(error)"])
                    if isAway { break }
                }
            }
            delay = count > 0 ? configuration.sealInterval : min(delay * 3 / 2, configuration.idleSealInterval)
            try? await Task.sleep(for: delay)
        }
    }

    private func listen() async {
        do {
            for try await event in PostgresListener(listening, channels: ["audit_sealed", "audit_lease"], logger: logger) {
                switch event {
                case .notification(let notification) where notification.channel == "audit_lease": leaseWake.ring()
                case .notification(let notification):
                    guard let shard = Int32(notification.payload) else { continue }
                    shards.withLock { $0[shard]?.wake }?.ring()
                default:
                    leaseWake.ring()
                    for wake in shards.withLock({ $0.values.map(\.wake) }) { wake.ring() }
                }
            }
        } catch {
            if !Task.isCancelled {
                logger.warning("Not listening; new events are found by looking now and then", metadata: ["error": "\(error)"])
            }
        }
    }

    private func keepPartitions() async {
        while !Task.isCancelled {
            do {
                try await pool.execute("select audit.ensure_partitions(now(), now() + interval '2 months')")
            } catch {
                if !Task.isCancelled { logger.warning("Partitions could not be made ahead", metadata: ["error": "\(error)"]) }
            }
            try? await Task.sleep(for: .seconds(3600))
        }
    }
}
