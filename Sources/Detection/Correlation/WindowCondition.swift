/// What a window of hits must be like: one number of it, within bounds.
struct WindowCondition: Sendable, Hashable {
    /// Which of a hit's two values is meant.
    enum Place: Sendable, Hashable { case value, extra }

    enum Measure: Sendable, Hashable {
        /// Hits of any of the rules in the mask.
        case events(UInt64)
        case distinct(Place)
        case sum, average, median
        case percentile(Double)
        /// Of a hundred hits, how many have the judged one's value.
        case share
        /// The median pause between hits of the rules in the mask, in seconds.
        case medianGap(UInt64)
        /// Of a hundred values, how many have at most so many hits.
        case fewTries(Place, Int)
    }

    var measure: Measure
    var bounds: [SigmaCorrelation.Bound]

    /// Whether a further hit never makes it untrue.
    var isMonotone: Bool {
        switch measure {
        case .events, .distinct, .sum: bounds.allSatisfy(\.isLower)
        case .average, .median, .percentile, .share, .medianGap, .fewTries: false
        }
    }

    func holds(_ hits: ArraySlice<Hit>) -> Bool {
        if case .distinct(let place) = measure, bounds.count == 1, bounds[0].isLower, bounds[0].number <= 32 {
            // Enough is enough: no set of a whole window to find a handful.
            var seen: [UInt64] = []
            for hit in hits.reversed() where !seen.contains(hit[place]) {
                seen.append(hit[place])
                if bounds[0].holds(Double(seen.count)) { return true }
            }
            return false
        }
        guard let number = number(hits) else { return false }
        return bounds.allSatisfy { $0.holds(number) }
    }

    /// Nil where the window has nothing to measure.
    private func number(_ hits: ArraySlice<Hit>) -> Double? {
        switch measure {
        case .events(let mask): return Double(hits.reduce(0) { $0 + ($1.rules & mask != 0 ? 1 : 0) })
        case .distinct(let place): return Double(Set(hits.lazy.map { $0[place] }).count)
        case .sum: return hits.reduce(0) { $0 + max(0, $1.number) }
        case .average: return hits.isEmpty ? nil : hits.reduce(0) { $0 + $1.number } / Double(hits.count)
        case .median: return Self.percentile(50, hits.map(\.number))
        case .percentile(let percentile): return Self.percentile(percentile, hits.map(\.number))
        case .share:
            guard let last = hits.last else { return nil }
            return 100 * Double(hits.reduce(0) { $0 + ($1.value == last.value ? 1 : 0) }) / Double(hits.count)
        case .medianGap(let mask):
            let times = hits.lazy.filter { $0.rules & mask != 0 }.map(\.time)
            return Self.percentile(50, zip(times, times.dropFirst()).map { Double($1 - $0) / 1_000_000 })
        case .fewTries(let place, let tries):
            var counts: [UInt64: Int] = [:]
            for hit in hits { counts[hit[place], default: 0] += 1 }
            return counts.isEmpty ? nil : 100 * Double(counts.values.reduce(0) { $0 + ($1 <= tries ? 1 : 0) }) / Double(counts.count)
        }
    }

    /// Interpolated between the two nearest ranks, as SQL's `percentile_cont`.
    static func percentile(_ percentile: Double, _ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let rank = percentile / 100 * Double(sorted.count - 1)
        let below = Int(rank)
        guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
        return sorted[below] + (sorted[below + 1] - sorted[below]) * (rank - Double(below))
    }
}

/// What a window must hold as a whole: the shape of its rules, and the numbers.
struct WindowJudge: Sendable {
    enum Shape: Sendable {
        case any
        /// The rules of the window's hits, as the condition says; events of rules outside `positives` only speak against it.
        case expression(RuleExpression, positives: UInt64)
        /// One rule after the other; hits of one instant are in whatever order serves.
        case ordered(Int)
        case velocity(kilometres: Double, kilometresPerHour: Double)
    }

    var shape: Shape
    var conditions: [WindowCondition]

    /// Whether a further hit never makes a window that held not hold.
    var isMonotone: Bool {
        guard conditions.allSatisfy(\.isMonotone) else { return false }
        return switch shape {
        case .any, .ordered: true
        case .expression(let expression, _): !expression.hasNegation
        case .velocity: false
        }
    }

    /// The rules that the window is judged by.
    var relevant: UInt64 {
        if case .expression(let expression, _) = shape { expression.rules } else { .max }
    }

    /// The rules whose events can be part of an alert.
    var positives: UInt64 {
        if case .expression(_, let positives) = shape { positives } else { .max }
    }

    /// - Parameters:
    ///   - window: sorted; its last instant is the one that is judged.
    ///   - instant: the place of that instant's first hit.
    /// - Returns: the hits that make the alert; nil where the window does not hold.
    func members(_ window: ArraySlice<Hit>, instant: Int) -> [Hit]? {
        switch shape {
        case .any: break
        case .expression(let expression, let positives):
            guard window[instant...].contains(where: { $0.rules & positives != 0 }) else { return nil }
            guard expression.holds(window.reduce(0) { $0 | $1.rules }) else { return nil }
        case .ordered(let count):
            guard window[instant...].contains(where: { $0.rules & (1 << UInt64(count - 1)) != 0 }), Self.isOrdered(window, count) else {
                return nil
            }
        case .velocity(let kilometres, let speed):
            for place in window.indices[instant...] where place > window.startIndex {
                let (from, to) = (window[place - 1], window[place])
                let distance = GeoPlace(packed: from.value).kilometres(to: GeoPlace(packed: to.value))
                let hours = Double(to.time - from.time) / 3_600_000_000
                if distance >= kilometres, distance >= speed * hours { return [from, to] }
            }
            return nil
        }
        guard conditions.allSatisfy({ $0.holds(window) }) else { return nil }
        let positives = positives
        return positives == .max ? Array(window) : window.filter { $0.rules & positives != 0 }
    }

    private static func isOrdered(_ window: ArraySlice<Hit>, _ count: Int) -> Bool {
        var step = 0
        var place = window.startIndex
        while place < window.endIndex, step < count {
            var end = place + 1
            while end < window.endIndex, window[end].time == window[place].time { end += 1 }
            var unused = Array(window[place..<end])
            while step < count, let found = unused.firstIndex(where: { $0.rules & (1 << UInt64(step)) != 0 }) {
                unused.remove(at: found)
                step += 1
            }
            place = end
        }
        return step == count
    }
}

/// A temporal condition over the rules' places in the correlation's list.
indirect enum RuleExpression: Sendable, Hashable {
    case rule(UInt64)
    case not(RuleExpression)
    case and([RuleExpression])
    case or([RuleExpression])

    init(_ condition: SigmaCondition, rules: [String]) {
        switch condition {
        case .selection(let name): self = .rule(1 << UInt64(rules.firstIndex(of: name) ?? 0))
        case .not(let term): self = .not(RuleExpression(term, rules: rules))
        case .and(let terms): self = .and(terms.map { RuleExpression($0, rules: rules) })
        case .or(let terms): self = .or(terms.map { RuleExpression($0, rules: rules) })
        }
    }

    func holds(_ found: UInt64) -> Bool {
        switch self {
        case .rule(let mask): found & mask != 0
        case .not(let term): !term.holds(found)
        case .and(let terms): terms.allSatisfy { $0.holds(found) }
        case .or(let terms): terms.contains { $0.holds(found) }
        }
    }

    /// The rules that it names.
    var rules: UInt64 {
        switch self {
        case .rule(let mask): mask
        case .not(let term): term.rules
        case .and(let terms), .or(let terms): terms.reduce(0) { $0 | $1.rules }
        }
    }

    var hasNegation: Bool {
        switch self {
        case .rule: false
        case .not: true
        case .and(let terms), .or(let terms): terms.contains(where: \.hasNegation)
        }
    }
}
