import ArgumentParser
import AuditEvents
import Detection
import EventStore
import PostgreSQL
import Projections
import Synchronization

/// Concurrent writers that commit late, roll back and stay open: nothing may be skipped, and how far behind commits index and views are.
struct BenchOrder: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order",
        abstract: "Concurrent writers with random commit delays, rollbacks and one slow transaction: nothing missed, and the lag.")

    @Option(help: "Writers.") var writers = 12
    @Option(help: "Seconds.") var seconds = 20
    @Option(help: "How long the slow transaction stays open, in seconds.") var slow = 8
    @Option(help: "Shards.") var shards = 1
    @Option(help: "The seed of delays and rollbacks.") var seed: UInt64 = 1
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (1...64).contains(writers), (1...600).contains(seconds), (0...600).contains(slow), (1...64).contains(shards) else {
            throw ValidationError("--writers and --shards go from 1 to 64, --seconds from 1 to 600.")
        }
    }

    /// What a writer committed, and when it knew.
    private struct Commit { var id: EventID, at: ContinuousClock.Instant }

    /// How far sealing and a view were at a moment.
    private struct Look { var at: ContinuousClock.Instant, sealed: [Int32: Int64], folded: [Int32: Int64] }

    private final class Record: Sendable {
        let commits = Mutex<[Commit]>([])
        let looks = Mutex<[Look]>([])
    }

    func run() async throws {
        StandardOutput.write("\(writers) writers for \(seconds) s, one transaction open for \(slow) s, \(shards) shards, seed \(seed)\n")
        try await BenchDatabase.with(database, shards: shards) { try await measure($0.deployment) }
    }

    private func measure(_ deployment: Deployment) async throws {
        let writerPool = PostgresPool(deployment.configuration(.writer, connections: writers + 1), logger: deployment.logger)
        let workerPool = PostgresPool(deployment.configuration(.worker, connections: 8), logger: deployment.logger)
        let readerPool = PostgresPool(deployment.configuration(.reader, connections: 2), logger: deployment.logger)
        let worker = Worker(
            pool: workerPool, listening: deployment.configuration(.worker), configuration: .init(id: Deployment.workerID()),
            rules: RulesAtWork(try RuleSet.builtIn()), logger: deployment.logger)
        let record = Record()
        let working = Task { try await worker.run() }
        let looking = Task {
            while !Task.isCancelled {
                let look = try await look(readerPool)
                record.looks.withLock { $0.append(look) }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        let deadline = ContinuousClock.now + .seconds(seconds)
        let rolledBack = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<writers {
                group.addTask { try await write(number, until: deadline, writerPool, record) }
            }
            if slow > 0 { group.addTask { try await writeSlowly(writerPool, record) } }
            return try await group.reduce(0, +)
        }
        let done = ContinuousClock.now
        let all = record.commits.withLock { $0 }
        while ContinuousClock.now - done < .seconds(30) {
            let last = try await look(readerPool)
            record.looks.withLock { $0.append(last) }
            if last.folded.values.reduce(0, +) >= all.count { break }
            try await Task.sleep(for: .milliseconds(2))
        }
        looking.cancel()
        working.cancel()
        _ = try? await looking.value
        _ = try? await working.value
        let rows = try await readerPool.query("select shard, index, id from audit.log order by shard, index").map { row in
            let uuid = try row.decode("id", as: PostgresUUID.self)
            return (
                shard: try row.decode("shard", as: Int32.self), index: try row.decode("index", as: Int64.self),
                id: EventID(high: uuid.high, low: uuid.low)
            )
        }
        for pool in [writerPool, workerPool, readerPool] { await pool.close() }
        try report(all, rolledBack, rows.map { ($0.shard, $0.index, $0.id) }, record.looks.withLock { $0 })
    }

    private func report(_ commits: [Commit], _ rolledBack: Int, _ log: [(Int32, Int64, EventID?)], _ looks: [Look]) throws {
        var places: [EventID: (Int32, Int64)] = [:]
        var expected: [Int32: Int64] = [:]
        var problems: [String] = []
        for (shard, index, id) in log {
            if index != expected[shard, default: 0] { problems.append("index \(index) of shard \(shard) follows a gap") }
            expected[shard] = index + 1
            if let id, places.updateValue((shard, index), forKey: id) != nil { problems.append("\(id) stands in the log twice") }
        }
        let missed = commits.filter { places[$0.id] == nil }.count
        if missed > 0 { problems.append("\(missed) committed events are not in the log") }
        if log.count != commits.count { problems.append("\(log.count) in the log, \(commits.count) committed") }
        func lags(_ reached: (Look) -> [Int32: Int64]) -> [Double] {
            commits.compactMap { commit in
                guard let (shard, index) = places[commit.id] else { return nil }
                var (low, high) = (0, looks.count)
                while low < high {
                    let middle = (low + high) / 2
                    if reached(looks[middle])[shard, default: 0] > index { high = middle } else { low = middle + 1 }
                }
                return low < looks.count ? max(0, cardea.seconds(looks[low].at - commit.at) * 1000) : nil
            }
        }
        for (name, values) in [("commit → index", lags(\.sealed)), ("commit → view", lags(\.folded))] {
            StandardOutput.write(
                "\(name): p50 \(decimal(quantile(values, 0.5))) ms, p99 \(decimal(quantile(values, 0.99))) ms, max \(decimal(values.max() ?? 0)) ms\n"
            )
        }
        StandardOutput.write("\(commits.count) events committed, \(rolledBack) rolled back, \(log.count) in the log, \(missed) missed\n")
        guard problems.isEmpty else { throw Failure("the order is broken: \(problems.prefix(5).joined(separator: "; "))") }
        StandardOutput.write("contiguous, equal to what was committed, nothing twice\n")
    }

    private func look(_ pool: PostgresPool) async throws -> Look {
        let rows = try await pool.query(
            """
            select h.shard, h.next_index, (select min(c.next_index) from audit.checkpoint c where c.shard = h.shard) as folded from audit.head h
            """)
        var look = Look(at: .now, sealed: [:], folded: [:])
        for row in rows {
            let shard = try row.decode("shard", as: Int32.self)
            look.sealed[shard] = try row.decode("next_index", as: Int64.self)
            look.folded[shard] = try row.decode("folded", as: Int64?.self) ?? 0
        }
        return look
    }

    /// Transactions of 1 to 10 events that commit after 0 to 20 ms; one in twenty rolls back. Returns how many events were rolled back.
    private func write(
        _ number: Int, until deadline: ContinuousClock.Instant, _ pool: PostgresPool, _ record: Record
    ) async throws -> Int {
        var random = SplitMix(state: seed &* 1000 &+ UInt64(number))
        let tenant = shards == 1 ? "default" : "tenant\(number)"
        let shard = try await Appender(pool).shard(of: tenant)
        var rolledBack = 0
        struct Rollback: Error {}
        while ContinuousClock.now < deadline {
            let events = try BenchOrder.events(Int(random.next() % 10) + 1, tenant)
            let delay = random.next() % 20_000
            let fails = random.next() % 20 == 0
            do {
                try await pool.withTransaction { connection in
                    try await Appender.append(events, shard: shard, in: connection)
                    try await Task.sleep(for: .microseconds(delay))
                    if fails { throw Rollback() }
                }
                let now = ContinuousClock.now
                record.commits.withLock { $0 += events.map { Commit(id: $0.header.id, at: now) } }
            } catch is Rollback {
                rolledBack += events.count
            }
        }
        return rolledBack
    }

    private func writeSlowly(_ pool: PostgresPool, _ record: Record) async throws -> Int {
        let events = try BenchOrder.events(10, "default")
        let shard = try await Appender(pool).shard(of: "default")
        try await pool.withTransaction { connection in
            try await Appender.append(events, shard: shard, in: connection)
            try await Task.sleep(for: .seconds(slow))
        }
        let now = ContinuousClock.now
        record.commits.withLock { $0 += events.map { Commit(id: $0.header.id, at: now) } }
        return 0
    }

    private static func events(_ count: Int, _ tenant: String) throws -> [EncodedEvent] {
        let encoder = EventEncoder()
        return try (0..<count).map { _ in
            let now = Timestamp.now()
            return try encoder.encode(
                AuditEvent(
                    header: EventHeader(
                        id: EventID(time: now), tenant: tenant, source: "bench", type: .loginFailure, outcome: .failure,
                        reason: "bad_password"),
                    body: EventBody(actor: .init(name: "alice"), client: .init(ip: "192.0.2.1"))), now: now)
        }
    }
}

/// SplitMix64: delays that a seed repeats.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
