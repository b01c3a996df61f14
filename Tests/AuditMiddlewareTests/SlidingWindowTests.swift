import AuditEvents
import AuditMiddleware
import Testing

extension LimitTable {
    init(_ algorithm: RateLimitAlgorithm = .slidingWindow, limit: Int, window: Int64, capacity: Int) {
        self.init(RateLimitTerms(algorithm: algorithm, limit: limit, window: window), capacity: capacity)
    }
}

/// The same rule, written down plainly: all that was let in, window by window.
struct NaiveWindow {
    let limit: Int
    let window: Int64
    var taken: [Int: [Int64: Int]] = [:]

    mutating func take(_ key: Int, at time: Int64, cost: Int) -> Bool {
        let number = time / window
        let current = taken[key]?[number] ?? 0
        let previous = taken[key]?[number - 1] ?? 0
        let estimate = Double(previous) * Double(window - time % window) / Double(window) + Double(current + cost)
        guard estimate <= Double(limit) + 1e-9 else { return false }
        taken[key, default: [:]][number, default: 0] += cost
        return true
    }
}

struct Lottery: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}

@Suite struct SlidingWindowTests {
    @Test("decides as the naive rule does", arguments: 0..<40)
    func reference(_ seed: Int) {
        var lottery = Lottery(state: UInt64(seed) &* 7919 &+ 3)
        let (limit, window) = (Int.random(in: 1...20, using: &lottery), Int64.random(in: 1_000...10_000, using: &lottery))
        var naive = NaiveWindow(limit: limit, window: window)
        var sliding = LimitTable<Int>(limit: limit, window: window, capacity: 100)
        var time: Int64 = 1_000_000
        var (differences, absurdities) = (0, 0)
        for _ in 0..<2_000 {
            time += Int64.random(in: 0...(window / Int64(limit) * 2), using: &lottery)
            if Int.random(in: 0..<100, using: &lottery) == 0 { time += window * 3 }
            let (key, cost) = (Int.random(in: 0..<5, using: &lottery), Int.random(in: 1...2, using: &lottery))
            let decision = sliding.take(key, at: time, cost: cost)
            if decision.allowed != naive.take(key, at: time, cost: cost) { differences += 1 }
            if !(0...limit).contains(decision.remaining) || !(1...window).contains(decision.reset) { absurdities += 1 }
        }
        #expect(differences == 0)
        #expect(absurdities == 0)
    }

    @Test("never lets in more than the limit within a fixed window, nor twice the limit within any", arguments: 0..<20)
    func bound(_ seed: Int) {
        var lottery = Lottery(state: UInt64(seed) &+ 99)
        let limit = Int.random(in: 1...50, using: &lottery)
        var sliding = LimitTable<Int>(limit: limit, window: 60_000, capacity: 1)
        var allowed: [Int64] = []
        var time: Int64 = 0
        for _ in 0..<5_000 {
            time += Int64.random(in: 0...2_000, using: &lottery)
            if sliding.take(0, at: time).allowed { allowed.append(time) }
        }
        let fixed = Dictionary(grouping: allowed) { $0 / 60_000 }.values.map(\.count).max() ?? 0
        #expect(fixed <= limit)
        // Of 2 limit + 1 in a row the last is more than a window after the first.
        let crowded = allowed.indices.count { $0 + 2 * limit < allowed.count && allowed[$0 + 2 * limit] - allowed[$0] < 60_000 }
        #expect(crowded == 0)
    }

    @Test("the wait that is told is the least one that suffices", arguments: 0..<40)
    func retryAfter(_ seed: Int) throws {
        var lottery = Lottery(state: UInt64(seed) &* 31 &+ 1)
        let limit = Int.random(in: 1...10, using: &lottery)
        var sliding = LimitTable<Int>(limit: limit, window: 10_000, capacity: 4)
        var time: Int64 = 0
        var (refused, tooLong, tooShort) = (0, 0, 0)
        while refused < 200 {
            time += Int64.random(in: 0...1_500, using: &lottery)
            let cost = Int.random(in: 1...2, using: &lottery)
            let before = sliding
            let decision = sliding.take(0, at: time, cost: cost)
            guard !decision.allowed else { continue }
            refused += 1
            guard cost <= limit else {
                #expect(decision.retryAfter == nil)
                continue
            }
            let wait = try #require(decision.retryAfter)
            var (later, earlier) = (before, before)
            if !later.take(0, at: time + wait, cost: cost).allowed { tooShort += 1 }
            if earlier.take(0, at: time + wait - 1, cost: cost).allowed { tooLong += 1 }
        }
        #expect(tooShort == 0 && tooLong == 0)
    }

    @Test("what remains is what is let in at once", arguments: 0..<20)
    func remaining(_ seed: Int) {
        var lottery = Lottery(state: UInt64(seed) &+ 5)
        var sliding = LimitTable<Int>(limit: 12, window: 7_777, capacity: 4)
        var time: Int64 = 0
        var wrong = 0
        for _ in 0..<300 {
            time += Int64.random(in: 0...900, using: &lottery)
            let decision = sliding.take(0, at: time)
            var copy = sliding
            for _ in 0..<decision.remaining where !copy.take(0, at: time).allowed { wrong += 1 }
            if copy.take(0, at: time).allowed { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("a clock that goes back forgives nothing")
    func backwards() {
        var sliding = LimitTable<Int>(limit: 1, window: 1_000, capacity: 1)
        #expect(sliding.take(0, at: 5_000).allowed)
        #expect(!sliding.take(0, at: -5_000).allowed)
        #expect(!sliding.take(0, at: 0).allowed)
    }

    @Test("absurd parameters are bounded")
    func extremes() {
        var sliding = LimitTable<Int>(limit: .max, window: .max, capacity: .max)
        #expect(sliding.take(0, at: .max / 2, cost: .max).allowed == false)
        #expect(sliding.take(0, at: .max / 2, cost: -5).allowed)
        var none = LimitTable<Int>(limit: 0, window: 0, capacity: 0)
        #expect(none.take(0, at: 0).allowed)
        #expect(!none.take(0, at: 0).allowed)
    }
}
