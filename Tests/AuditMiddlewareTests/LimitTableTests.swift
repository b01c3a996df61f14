import AuditEvents
import AuditMiddleware
import Testing

@Suite struct LimitTableTests {
    @Test("a flood of keys takes no more than its places, and the busy stay counted")
    func flood() {
        var sliding = LimitTable<Int>(limit: 3, window: 1_000_000, capacity: 100)
        for _ in 0..<3 { #expect(sliding.take(-1, at: 0).allowed) }
        var wrong = 0
        for key in 0..<10_000 {
            if !sliding.take(key, at: 1).allowed || sliding.take(-1, at: 1).allowed || sliding.count > 100 { wrong += 1 }
        }
        #expect(wrong == 0)
        #expect(sliding.evictedLive == 10_000 - 99)
        // After two windows nothing that gives way is of use any more.
        for key in 0..<1_000 { _ = sliding.take(-2 - key, at: 3_000_000) }
        #expect(sliding.evictedLive == 10_000 - 99 + 900)
    }

    @Test(
        "a flood of names does not forgive who has used its limit up",
        arguments: [RateLimitAlgorithm.slidingWindow, .fixedWindow, .tokenBucket])
    func exhausted(_ algorithm: RateLimitAlgorithm) {
        var table = LimitTable<Int>(algorithm, limit: 3, window: 60_000_000, capacity: 100)
        for _ in 0..<3 { #expect(table.take(-1, at: 0).allowed) }
        for key in 0..<100_000 { _ = table.take(key, at: 1) }
        #expect(table.take(-1, at: 2).allowed == false)
        #expect(table.count == 100)
        #expect(table.evictedLive == 100_000 - 99)
    }

    @Test("to have it forgotten takes the limits of half as many keys as there are places")
    func price() {
        var table = LimitTable<Int>(.fixedWindow, limit: 2, window: 60_000_000, capacity: 100)
        for _ in 0..<2 { _ = table.take(-1, at: 0) }
        for key in 0..<49 { for _ in 0..<2 { _ = table.take(key, at: 1) } }
        for key in 1_000..<2_000 { _ = table.take(key, at: 2) }
        #expect(table.take(-1, at: 3).allowed == false)
        for key in 0..<51 { for _ in 0..<3 { _ = table.take(key, at: 4) } }
        for key in 2_000..<3_000 { _ = table.take(key, at: 5) }
        #expect(table.take(-1, at: 6).allowed)
    }

    @Test("places of lapsed counts are taken first and forgive nobody")
    func lapsed() {
        var table = LimitTable<Int>(.fixedWindow, limit: 1, window: 1_000, capacity: 10)
        for key in 0..<10 { _ = table.take(key, at: 0) }
        for key in 10..<20 { _ = table.take(key, at: 5_000) }
        #expect(table.evictedLive == 0)
        #expect(table.count == 10)
        #expect(table.take(10, at: 5_001).allowed == false)
    }

    @Test("with a single place, or two, nothing breaks", arguments: [1, 2, 3])
    func tiny(_ capacity: Int) {
        var lottery = Lottery(state: UInt64(capacity))
        var table = LimitTable<Int>(.tokenBucket, limit: 1, window: 10_000, capacity: capacity)
        var time: Int64 = 0
        for _ in 0..<20_000 {
            time += Int64.random(in: 0...3_000, using: &lottery)
            let key = Int.random(in: 0..<5, using: &lottery)
            if table.take(key, at: time).allowed, Bool.random(using: &lottery) { table.refund(key, at: time, cost: 1) }
        }
        #expect(table.count == capacity)
    }

    @Test("among all moves the table forgets nobody while there is room", arguments: 0..<10)
    func complete(_ seed: Int) {
        var lottery = Lottery(state: UInt64(seed) &+ 77)
        var table = LimitTable<Int>(.fixedWindow, limit: 3, window: 20_000, capacity: 50)
        var alone: [Int: RateLimitCount] = [:]
        var (time, differences): (Int64, Int) = (1, 0)
        for _ in 0..<5_000 {
            time += Int64.random(in: 0...500, using: &lottery)
            let key = Int.random(in: 0..<50, using: &lottery)
            if table.take(key, at: time) != alone[key, default: RateLimitCount()].take(1, of: table.terms, at: time) { differences += 1 }
        }
        #expect(differences == 0)
        #expect(table.evictedLive == 0)
    }
}
