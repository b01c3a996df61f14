import AuditEvents
import Detection
import EventStore
import Logging
import PostgreSQL

/// Folds one shard's log into its projections, in index order, under one lease.
///
/// Every batch is one transaction: rows, alerts, checkpoints (moved by compare-and-set) and, last, the check of the lease's token. Confined to its
/// task.
final class ShardWorker {
    private struct Projection {
        let generation: Generations.Generation
        var fold: any ShardFold
        var next: Int64
    }

    let shard: Int32
    let token: Int64
    private let pool: PostgresPool
    private let rules: RulesAtWork
    private let generations: Generations
    private let batchSize: Int
    private let reader = LogReader()
    private var projections: [Projection] = []
    /// When it was last asked whether a rebuilt generation can be switched to.
    private var asked: ContinuousClock.Instant?
    /// Batches of live generations while one in building was behind.
    private var turns = 0
    /// How many events a batch has at most while the one is looked for that cannot be folded; nil: as many as fit.
    private var careful: Int?
    private let quarantine: Quarantine
    /// Called with the transaction open, before its last statements: a test's place to pause.
    private let beforeCommit: (@Sendable () async throws -> Void)?

    init(
        shard: Int32, token: Int64, pool: PostgresPool, rules: RulesAtWork, batchSize: Int, logger: Logger,
        beforeCommit: (@Sendable () async throws -> Void)? = nil
    ) {
        self.shard = shard
        self.token = token
        self.pool = pool
        self.rules = rules
        self.batchSize = batchSize
        self.beforeCommit = beforeCommit
        generations = Generations(pool: pool, logger: logger)
        quarantine = Quarantine(shard: shard, logger: logger)
    }

    /// Looks again which generations there are and how far each is in this shard; switches to one that waits for it.
    func refresh() async throws {
        let known = try await generations.all()
        var places = try await places()
        if known.contains(where: { places[$0] == nil }) {
            try await generations.addCheckpoints(shard: shard)
            places = try await self.places()
        }
        projections = known.compactMap { generation in
            guard let next = places[generation] else { return nil }
            if let same = projections.first(where: { $0.generation == generation && $0.next == next }) { return same }
            return Projection(generation: generation, fold: fold(generation), next: next)
        }
        if projections.contains(where: { !$0.generation.isLive }) {
            try await switchRebuilt(end: try await pool.withConnection { try await reader.nextIndex($0, shard: shard) })
        }
    }

    private func places() async throws -> [Generations.Generation: Int64] {
        let rows = try await pool.query(
            """
            select p.name, p.generation, p.version, p.state, c.next_index
            from audit.checkpoint c join audit.projection p on p.name = c.name and p.generation = c.generation
            where c.shard = \(shard)
            """)
        var places: [Generations.Generation: Int64] = [:]
        for row in rows { places[try Generations.Generation(row)] = try row.decode("next_index", as: Int64.self) }
        return places
    }

    /// Puts generations that are up to date here in the place of the live ones, where the other shards are as far; asks once a second at most.
    private func switchRebuilt(end: Int64) async throws {
        let ready = projections.filter { !$0.generation.isLive && $0.next >= end }.map(\.generation)
        guard !ready.isEmpty, asked.map({ ContinuousClock.now - $0 > .seconds(1) }) ?? true else { return }
        asked = .now
        var isSwitched = false
        for generation in ready where try await generations.switchIfCaughtUp(generation) { isSwitched = true }
        guard isSwitched else { return }
        asked = nil
        try await refresh()
    }

    private func fold(_ generation: Generations.Generation) -> any ShardFold {
        guard let view = Views.named(generation.name) else { return DetectionFold(shard: shard, rules: rules) }
        func open<V: View>(_: V.Type) -> any ShardFold { ViewFold<V>(shard: shard, schema: generation.schema) }
        return open(view)
    }

    /// Folds the next batch of whoever is furthest behind, the live ones first; returns how many events, 0 when all are up to date.
    ///
    /// A generation in building that has come as far as the live ones goes on together with them. While it has not, it gets every fourth batch.
    /// A batch that its events keep from being folded is halved until the one is found that does, which is set aside.
    ///
    /// - Throws: `StoreError` with `.fenced` when the lease is another's now; then nothing was changed.
    func advance() async throws -> Int {
        while true {
            let end = try await pool.withConnection { try await reader.nextIndex($0, shard: shard) }
            let due = projections.indices.filter { projections[$0].next < end }
            let live = due.filter { projections[$0].generation.isLive }
            guard let first = due.map({ projections[$0].next }).min() else { return 0 }
            var from = live.map { projections[$0].next }.min() ?? first
            if from != first {
                turns += 1
                if turns.isMultiple(of: 4) { from = first }
            }
            let group = due.filter { projections[$0].next == from }
            let stop = due.map { projections[$0].next }.filter { $0 > from }.min() ?? end
            let limit = min(careful ?? batchSize, batchSize, Int(stop - from))
            do {
                let isLast = careful == 1
                let count = try await pool.withTransaction { connection in
                    try await fold(group, from: from, limit: limit, settingAside: isLast, in: connection)
                }
                for index in group { projections[index].next += Int64(count) }
                careful = careful.flatMap { $0 * 2 < batchSize ? $0 * 2 : nil }
                try await switchRebuilt(end: end)
                return count
            } catch {
                // What the folds remember may be what was rolled back.
                projections.removeAll()
                guard Quarantine.isForAnEvent(error), careful != 1 else { throw error }
                careful = max(1, limit / 2)
                try await refresh()
            }
        }
    }

    /// - Parameter settingAside: whether a projection that cannot take the events goes on without them.
    private func fold(
        _ group: [Int], from: Int64, limit: Int, settingAside: Bool, in connection: PostgresConnection
    ) async throws -> Int {
        let names = group.map { projections[$0].generation.name }
        let numbers = group.map { projections[$0].generation.number }
        // First of all, in the order of names, and before any row of a view: so a switch, which takes the checkpoints and then the tables, and a
        // batch wait for each other in one order.
        let places = try await connection.query(
            """
            select c.next_index from audit.checkpoint c
            where c.shard = \(shard)
                and exists (select from unnest(\(names), \(numbers)) as g (name, generation) where g.name = c.name and g.generation = c.generation)
            order by c.name, c.generation
            for no key update
            """)
        guard try places.count == group.count && places.allSatisfy({ try $0.decode("next_index", as: Int64.self) == from }) else {
            throw StoreError(.fenced, "another worker moved the checkpoints of shard \(shard)")
        }
        let page = try await reader.page(connection, shard: shard, from: from, limit: limit)
        try await quarantine.setAside(page.unreadable, in: connection)
        for index in group {
            guard settingAside else {
                try await projections[index].fold.fold(page.events, in: connection)
                continue
            }
            do {
                try await connection.withTransaction { try await projections[index].fold.fold(page.events, in: $0) }
            } catch  where Quarantine.isForAnEvent(error) {
                // What it remembers may be what was rolled back.
                projections[index].fold = fold(projections[index].generation)
                try await quarantine.setAside(page.events, by: projections[index].generation.name, for: error, in: connection)
            }
        }
        try await beforeCommit?()
        let moved = try await connection.execute(
            """
            update audit.checkpoint c
            set next_index = \(from + Int64(limit)), token = \(token), updated_at = clock_timestamp()
            from unnest(\(names), \(numbers)) as g (name, generation)
            where c.shard = \(shard) and c.name = g.name and c.generation = g.generation and c.next_index = \(from) and c.token <= \(token)
            """)
        guard moved == group.count else { throw StoreError(.fenced, "another worker moved the checkpoints of shard \(shard)") }
        try await Leases.fence(shard: shard, token: token, in: connection)
        // All of them have an index: where fewer events came, their partition has been dropped.
        return limit
    }
}
