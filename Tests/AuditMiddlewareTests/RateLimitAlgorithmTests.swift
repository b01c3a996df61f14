import AuditEvents
import Testing

/// What the Python library `limits` and the textbooks say of their strategies, as behaviour.
@Suite struct RateLimitAlgorithmTests {
    static let minute: Int64 = 60_000_000
    static func terms(_ algorithm: RateLimitAlgorithm, _ limit: Int, _ window: Int64 = minute) -> RateLimitTerms {
        RateLimitTerms(algorithm: algorithm, limit: limit, window: window)
    }

    /// How many of `count` requests at `second` are let in.
    static func letIn(_ count: Int, _ taken: inout RateLimitCount, _ terms: RateLimitTerms, at second: Double) -> Int {
        (0..<count).count { _ in taken.take(1, of: terms, at: Int64(second * 1_000_000)).allowed }
    }

    @Test("a fixed window begins with its first request, lasts its length, and lets twice the limit through at its edge")
    func fixedWindow() {
        let terms = Self.terms(.fixedWindow, 10)
        var count = RateLimitCount()
        #expect(Self.letIn(1, &count, terms, at: 45) == 1)
        #expect(Self.letIn(20, &count, terms, at: 104.9) == 9)
        #expect(Self.letIn(1, &count, terms, at: 104.999999) == 0)
        #expect(Self.letIn(20, &count, terms, at: 105) == 10)
        #expect(Self.letIn(1, &count, terms, at: 164.9) == 0)
        #expect(Self.letIn(1, &count, terms, at: 165) == 1)
    }

    @Test("a sliding window counts the one before by the part of it that is still covered")
    func slidingWindow() {
        let terms = Self.terms(.slidingWindow, 10)
        var count = RateLimitCount()
        #expect(Self.letIn(10, &count, terms, at: 30) == 10)
        // The edge of a window gives nothing away.
        #expect(Self.letIn(10, &count, terms, at: 60) == 0)
        #expect(Self.letIn(10, &count, terms, at: 66) == 1)
        #expect(Self.letIn(10, &count, terms, at: 90) == 4)
        #expect(Self.letIn(10, &count, terms, at: 119.999999) == 4)
        // Two windows of silence forget everything.
        #expect(Self.letIn(20, &count, terms, at: 250) == 10)
    }

    @Test("a bucket lets a burst through, then its rate, and is full again after a window")
    func tokenBucket() {
        let terms = Self.terms(.tokenBucket, 6)
        var count = RateLimitCount()
        #expect(Self.letIn(10, &count, terms, at: 1000) == 6)
        #expect(Self.letIn(10, &count, terms, at: 1009.999999) == 0)
        #expect(Self.letIn(10, &count, terms, at: 1010) == 1)
        #expect(Self.letIn(10, &count, terms, at: 1030) == 2)
        #expect(Self.letIn(10, &count, terms, at: 1090) == 6)
        #expect(Self.letIn(10, &count, terms, at: 9999) == 6)
    }

    @Test("a cost takes so much, beyond what is left nothing, and beyond the limit never", arguments: algorithms)
    func cost(_ algorithm: RateLimitAlgorithm) {
        let terms = Self.terms(algorithm, 10)
        var count = RateLimitCount()
        let now = 7 * Self.minute
        #expect(count.take(7, of: terms, at: now).remaining == 3)
        let tooMuch = count.take(4, of: terms, at: now)
        #expect(tooMuch.allowed == false && tooMuch.remaining == 3 && tooMuch.retryAfter != nil)
        #expect(count.take(3, of: terms, at: now).remaining == 0)
        #expect(count.take(0, of: terms, at: now).allowed)
        for cost in [11, 1_000_000, .max] {
            let never = count.take(cost, of: terms, at: now)
            #expect(never.allowed == false && never.retryAfter == nil)
        }
        #expect(count.take(.min, of: terms, at: now).allowed)
    }

    static let algorithms: [RateLimitAlgorithm] = [.slidingWindow, .fixedWindow, .tokenBucket]

    /// The rules written down plainly, over all that was ever let in.
    struct Naive {
        let terms: RateLimitTerms
        var taken: [(time: Int64, cost: Int)] = []

        mutating func take(_ cost: Int, at time: Int64) -> Bool {
            let allowed: Bool
            switch terms.algorithm {
            case .fixedWindow:
                var start: Int64?
                var count = 0
                for one in taken {
                    if let begun = start, one.time - begun < terms.window {
                        count += one.cost
                    } else {
                        (start, count) = (one.time, one.cost)
                    }
                }
                if let begun = start, time - begun < terms.window {
                    allowed = count + cost <= terms.limit
                } else {
                    allowed = cost <= terms.limit
                }
            default:
                var (level, last) = (Double(terms.limit), Int64(0))
                for one in taken {
                    level = min(Double(terms.limit), level + Double(one.time - last) * Double(terms.limit) / Double(terms.window))
                    level -= Double(one.cost)
                    last = one.time
                }
                level = min(Double(terms.limit), level + Double(time - last) * Double(terms.limit) / Double(terms.window))
                allowed = Double(cost) <= level + 1e-9
            }
            if allowed { taken.append((time, cost)) }
            return allowed
        }
    }

    @Test("decides as the naive rule does", arguments: [RateLimitAlgorithm.fixedWindow, .tokenBucket], 0..<20)
    func reference(_ algorithm: RateLimitAlgorithm, _ seed: Int) {
        var lottery = Lottery(state: UInt64(seed) &* 7919 &+ 3)
        let terms = Self.terms(algorithm, Int.random(in: 1...12, using: &lottery), Int64.random(in: 1_000...10_000, using: &lottery))
        var naive = Naive(terms: terms)
        var count = RateLimitCount()
        var time: Int64 = 1_000_000
        var (differences, absurdities) = (0, 0)
        for _ in 0..<800 {
            time += Int64.random(in: 0...(terms.window / terms.limit * 2), using: &lottery)
            let cost = Int.random(in: 1...2, using: &lottery)
            let decision = count.take(cost, of: terms, at: time)
            if decision.allowed != naive.take(cost, at: time) { differences += 1 }
            if !(0...Int(terms.limit)).contains(decision.remaining) || !(0...terms.window).contains(decision.reset) { absurdities += 1 }
        }
        #expect(differences == 0)
        #expect(absurdities == 0)
    }

    @Test("the wait that is told is the least that suffices, what remains is what is let in", arguments: algorithms, 0..<20)
    func honest(_ algorithm: RateLimitAlgorithm, _ seed: Int) throws {
        var lottery = Lottery(state: UInt64(seed) &* 31 &+ 1)
        let terms = Self.terms(algorithm, Int.random(in: 2...10, using: &lottery), 10_007)
        var count = RateLimitCount()
        var time: Int64 = 50_000
        var wrong = 0
        for _ in 0..<1_000 {
            time += Int64.random(in: 0...2_500, using: &lottery)
            let cost = Int.random(in: 1...2, using: &lottery)
            let before = count
            let decision = count.take(cost, of: terms, at: time)
            if let wait = decision.retryAfter {
                var (later, earlier) = (before, before)
                if !later.take(cost, of: terms, at: time + wait).allowed { wrong += 1 }
                if earlier.take(cost, of: terms, at: time + wait - 1).allowed { wrong += 1 }
            }
            var copy = count
            for _ in 0..<decision.remaining where !copy.take(1, of: terms, at: time).allowed { wrong += 1 }
            if copy.take(1, of: terms, at: time).allowed { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("what is given back can be taken again, and no more", arguments: algorithms, 0..<10)
    func refund(_ algorithm: RateLimitAlgorithm, _ seed: Int) {
        var lottery = Lottery(state: UInt64(seed) &+ 13)
        let terms = Self.terms(algorithm, 5, 10_000)
        var (count, mirror) = (RateLimitCount(), RateLimitCount())
        var (time, differences): (Int64, Int) = (20_000, 0)
        for _ in 0..<1_000 {
            time += Int64.random(in: 0...1_500, using: &lottery)
            if Bool.random(using: &lottery) {
                if count.take(1, of: terms, at: time).allowed { count.refund(1, of: terms, at: time) }
            } else if count.take(1, of: terms, at: time).allowed != mirror.take(1, of: terms, at: time).allowed {
                differences += 1
            }
        }
        #expect(differences == 0)
    }

    @Test("a clock that goes back, or leaps, forgives nothing and breaks nothing", arguments: algorithms)
    func clocks(_ algorithm: RateLimitAlgorithm) {
        let terms = Self.terms(algorithm, 2)
        var count = RateLimitCount()
        let now = 100 * Self.minute
        #expect(Self.letIn(3, &count, terms, at: Double(now) / 1e6) == 2)
        for earlier in [now - 1, now - 500 * Self.minute, 0, -now] {
            var copy = count
            #expect(copy.take(1, of: terms, at: earlier).allowed == false)
        }
        for later in [now + 3 * Self.minute, Int64.max / 4] {
            var copy = count
            #expect(copy.take(1, of: terms, at: later).allowed)
        }
    }

    @Test("the greatest limit in the longest window overflows nowhere", arguments: algorithms)
    func greatest(_ algorithm: RateLimitAlgorithm) {
        let terms = RateLimitTerms(algorithm: algorithm, limit: .max, window: .max)
        #expect(terms.limit == 10_000_000 && terms.window == 86_400_000_000)
        var count = RateLimitCount()
        for step in 0..<40 {
            let time = Int64(step) * 40_000_000_000
            _ = count.take(Int(terms.limit), of: terms, at: time)
            _ = count.take(.max, of: terms, at: time)
            _ = count.take(Int(terms.limit) - 1, of: terms, at: time + 86_399_999_999)
            count.refund(.max, of: terms, at: time)
            _ = count.isSpent(terms, at: time)
        }
    }
}
