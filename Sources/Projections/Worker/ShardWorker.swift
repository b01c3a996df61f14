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
        let fold: any ShardFold
        var next: Int64
    }

    let shard: Int32
    let token: Int64
    private let pool: PostgresPool
    private let rules: RuleSet
    private let generations: Generations
    private let batchSize: Int
    private let reader = LogReader()
    private var projections: [Projection] = []
    /// Called with the transaction open, before its last statements: a test's place to pause.
    private let beforeCommit: (@Sendable () async throws -> Void)?

    init(
        shard: Int32, token: Int64, pool: PostgresPool, rules: RuleSet, batchSize: Int, logger: Logger,
        beforeCommit: (@Sendable () async throws -> Void)? = nil
    ) {
        self.shard = shard
        self.token = token
        self.pool = pool
        self.rules = rules
        self.batchSize = batchSize
        self.beforeCommit = beforeCommit
        generations = Generations(pool: pool, logger: logger)
    }

    /// Looks again which generations there are and how far each is in this shard.
    func refresh() async throws {
        let known = try await generations.all()
        let rows = try await pool.query("select name, generation, next_index from audit.checkpoint where shard = \(shard)")
        var places: [String: Int64] = [:]
        for row in rows {
            let key = "\(try row.decode("name", as: String.self))/\(try row.decode("generation", as: Int32.self))"
            places[key] = try row.decode("next_index", as: Int64.self)
        }
        projections = known.compactMap { generation in
            guard let next = places["\(generation.name)/\(generation.number)"] else { return nil }
            if let same = projections.first(where: { $0.generation == generation && $0.next == next }) { return same }
            return Projection(generation: generation, fold: fold(generation), next: next)
        }
    }

    private func fold(_ generation: Generations.Generation) -> any ShardFold {
        guard let view = Views.named(generation.name) else { return DetectionFold(shard: shard, rules: rules) }
        func open<V: View>(_: V.Type) -> any ShardFold { ViewFold<V>(shard: shard, schema: generation.schema) }
        return open(view)
    }

    /// Folds the next batch of whoever is furthest behind, the live ones first; returns how many events, 0 when all are up to date.
    ///
    /// - Throws: `StoreError` with `.fenced` when the lease is another's now; then nothing was changed.
    func advance() async throws -> Int {
        let end = try await pool.withConnection { try await reader.nextIndex($0, shard: shard) }
        let due = projections.indices.filter { projections[$0].next < end }
        let live = due.filter { projections[$0].generation.isLive }
        let candidates = live.isEmpty ? due : live
        guard let from = candidates.map({ projections[$0].next }).min() else { return 0 }
        let group = candidates.filter { projections[$0].next == from }
        let stop = candidates.map { projections[$0].next }.filter { $0 > from }.min() ?? end
        do {
            let count = try await pool.withTransaction { connection in
                try await fold(group, from: from, limit: min(batchSize, Int(stop - from)), in: connection)
            }
            for index in group { projections[index].next += Int64(count) }
            for index in group where !projections[index].generation.isLive && projections[index].next >= end {
                if try await generations.switchIfCaughtUp(projections[index].generation) {
                    try await refresh()
                    break
                }
            }
            return count
        } catch {
            for index in group { projections[index].fold.reset() }
            projections.removeAll()
            throw error
        }
    }

    private func fold(_ group: [Int], from: Int64, limit: Int, in connection: PostgresConnection) async throws -> Int {
        let names = group.map { projections[$0].generation.name }
        let numbers = group.map { projections[$0].generation.number }
        let events = try await reader.read(connection, shard: shard, from: from, limit: limit)
        for index in group { try await projections[index].fold.fold(events, in: connection) }
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

    /// Whether every projection has folded everything up to `end`.
    func isCaughtUp(to end: Int64) -> Bool { projections.allSatisfy { $0.next >= end } }
}
