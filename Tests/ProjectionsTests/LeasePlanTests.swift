import AuditTesting
import Testing

@testable import Projections

@Suite("Lease plans") struct LeasePlanTests {
    /// Workers that carry out their plans on one table.
    private struct Table {
        var owners: [Int32: String?] = [:]
        var expired: Set<Int32> = []
        var alive: Set<String> = []
        var moves = 0

        init(shards: Int) { for shard in 0..<shards { owners[Int32(shard)] = .some(nil) } }

        var leases: [LeasePlan.Lease] {
            owners.sorted { $0.key < $1.key }.map { .init(shard: $0.key, owner: $0.value, isExpired: expired.contains($0.key)) }
        }

        func held(_ worker: String) -> Set<Int32> { Set(owners.filter { $0.value == worker && !expired.contains($0.key) }.keys) }

        func plan(_ worker: String) -> LeasePlan { LeasePlan(worker: worker, alive: alive, leases: leases, holding: held(worker)) }

        mutating func carry(_ plan: LeasePlan, _ worker: String) {
            for shard in plan.release where owners[shard] == worker {
                owners[shard] = .some(nil)
                moves += 1
            }
            var wanted = plan.wanted
            for shard in plan.free where wanted > 0 && (owners[shard] == .some(nil) || expired.contains(shard)) {
                owners[shard] = worker
                expired.remove(shard)
                wanted -= 1
                moves += 1
            }
        }

        /// Everybody looks; all at once, or one after another.
        mutating func round(together: Bool) {
            if together {
                for (worker, plan) in alive.sorted().map({ ($0, plan($0)) }) { carry(plan, worker) }
            } else {
                for worker in alive.sorted() { carry(plan(worker), worker) }
            }
        }

        mutating func die(_ worker: String) {
            expired.formUnion(held(worker))
            alive.remove(worker)
        }

        var isFair: Bool {
            let counts = alive.map { held($0).count }
            return counts.reduce(0, +) == owners.count && (counts.max() ?? 0) - (counts.min() ?? 0) <= 1
        }
    }

    @Test("however workers come and go, a few rounds share the shards fairly, and then nothing moves", arguments: [true, false])
    func fair(together: Bool) {
        for shards in 1...9 {
            for seed in 0..<40 {
                var random = SeededGenerator(seed: seed * 100 + shards)
                var table = Table(shards: shards)
                var names = 0
                for _ in 0..<8 {
                    if table.alive.count > 1, Bool.random(using: &random), let victim = table.alive.sorted().randomElement(using: &random) {
                        table.die(victim)
                    } else if table.alive.count < 12 {
                        names += 1
                        table.alive.insert("w\(Int.random(in: 0...9, using: &random))\(names)")
                    }
                    for _ in 0..<Int.random(in: 0...2, using: &random) { table.round(together: together) }
                }
                for _ in 0..<8 { table.round(together: together) }
                #expect(table.isFair, "\(shards) shards, seed \(seed): \(table.owners)")
                let moves = table.moves
                for _ in 0..<3 { table.round(together: together) }
                #expect(table.moves == moves, "\(shards) shards, seed \(seed)")
            }
        }
    }

    @Test("whoever comes gets its share by as few moves as there can be", arguments: 1...8, 1...8)
    func fewMoves(shards: Int, workers: Int) {
        var table = Table(shards: shards)
        for worker in 0..<workers { table.alive.insert("w\(worker)") }
        for _ in 0..<5 { table.round(together: true) }
        #expect(table.isFair)
        table.moves = 0
        table.alive.insert("a newcomer")
        for _ in 0..<5 { table.round(together: true) }
        #expect(table.isFair)
        // Each shard that the newcomer gets is given back once and taken once.
        #expect(table.moves == 2 * (shards / (workers + 1)), "\(table.owners)")
    }

    @Test("a lease that ran out is taken although its holder was seen a moment ago")
    func silent() {
        let leases = [LeasePlan.Lease(shard: 0, owner: "dead", isExpired: true), .init(shard: 1, owner: "me", isExpired: false)]
        let plan = LeasePlan(worker: "me", alive: ["me", "dead"], leases: leases, holding: [1])
        #expect(plan.free == [0] && plan.wanted == 1 && plan.release.isEmpty)
    }

    @Test("another's lease that has not run out is left alone")
    func held() {
        let plan = LeasePlan(worker: "me", alive: ["me"], leases: [.init(shard: 0, owner: "dead", isExpired: false)], holding: [])
        #expect(plan.wanted == 0 && plan.free.isEmpty && plan.release.isEmpty)
    }
}
