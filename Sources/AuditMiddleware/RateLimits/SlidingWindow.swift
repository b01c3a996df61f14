/// Counts per key over a sliding window, with a bound on the number of keys. Pure: time is given, in microseconds of a monotonic clock.
///
/// The window's count is estimated from two fixed windows: that of the current one, and that of the previous one weighted by how much of it the
/// sliding window still covers. Refused requests do not count. When all places are taken the key seen longest ago gives way.
public struct SlidingWindow<Key: Hashable & Sendable>: Sendable {
    public struct Decision: Sendable, Hashable {
        public var allowed: Bool
        /// What may still follow within the window.
        public var remaining: Int
        /// Microseconds until the current window ends.
        public var reset: Int64
        /// Microseconds until the same cost would be allowed, when it was not; nil when it never will be, for the cost exceeds the limit.
        public var retryAfter: Int64?
    }

    private struct Entry: Sendable {
        var key: Key
        var window: Int64
        var current: Int
        var previous: Int
        /// Neighbours in order of last sight; -1 at the ends.
        var newer: Int32 = -1
        var older: Int32 = -1
    }

    public let limit: Int
    /// The window's length in microseconds.
    public let window: Int64
    public let capacity: Int
    /// How many keys gave way although their counts were still of use.
    public private(set) var evictedLive = 0

    private var entries: [Entry] = []
    private var places: [Key: Int32] = [:]
    private var newest: Int32 = -1
    private var oldest: Int32 = -1
    private var latest = Int64.min

    /// - Parameters:
    ///   - limit: how much cost a window holds, 1 to 10,000,000.
    ///   - window: its length in microseconds, 1,000 to 86,400,000,000 (a day).
    ///   - capacity: how many keys are remembered.
    public init(limit: Int, window: Int64, capacity: Int) {
        self.limit = min(max(limit, 1), 10_000_000)
        self.window = min(max(window, 1_000), 86_400_000_000)
        self.capacity = min(max(capacity, 1), Int(Int32.max))
    }

    public var count: Int { entries.count }

    /// Takes `cost` from what `key` has left at `time`, or refuses.
    public mutating func take(_ key: Key, at time: Int64, cost: Int = 1) -> Decision {
        // A clock that goes back would shorten a window that has already been told to somebody.
        let time = max(time, latest)
        latest = time
        let number = time.flooredQuotient(window)
        let elapsed = time - number * window
        let place = place(of: key, window: number)
        let index = Int(place)
        if entries[index].window != number {
            entries[index].previous = entries[index].window == number - 1 ? entries[index].current : 0
            entries[index].current = 0
            entries[index].window = number
        }
        let (current, previous) = (entries[index].current, entries[index].previous)
        let covered = Int64(previous) * (window - elapsed)
        let cost = max(cost, 0)
        guard cost <= limit, covered + Int64(current + cost) * window <= Int64(limit) * window else {
            return Decision(
                allowed: false, remaining: remaining(covered, current), reset: window - elapsed,
                retryAfter: retryAfter(current: current, previous: previous, elapsed: elapsed, cost: cost))
        }
        entries[index].current += cost
        return Decision(allowed: true, remaining: remaining(covered, current + cost), reset: window - elapsed, retryAfter: nil)
    }

    private func remaining(_ covered: Int64, _ current: Int) -> Int {
        max(0, Int((Int64(limit - current) * window - covered).flooredQuotient(window)))
    }

    /// The least wait after which the estimate leaves room: within this window by the previous one sliding out, or in the next by this one doing so.
    private func retryAfter(current: Int, previous: Int, elapsed: Int64, cost: Int) -> Int64? {
        guard cost <= limit else { return nil }
        func start(of count: Int, room: Int) -> Int64 {
            count == 0 ? 0 : max(0, window - Int64(room) * window / Int64(count))
        }
        if current + cost <= limit {
            return max(0, start(of: previous, room: limit - current - cost) - elapsed)
        }
        return window - elapsed + start(of: current, room: limit - cost)
    }

    private mutating func place(of key: Key, window number: Int64) -> Int32 {
        if let place = places[key] {
            if place != newest {
                unlink(place)
                link(place)
            }
            return place
        }
        let entry = Entry(key: key, window: number, current: 0, previous: 0)
        let place: Int32
        if entries.count < capacity {
            place = Int32(entries.count)
            entries.append(entry)
        } else {
            place = oldest
            let leaving = entries[Int(place)]
            if leaving.window >= number - 1, leaving.current + leaving.previous > 0 { evictedLive += 1 }
            unlink(place)
            places[leaving.key] = nil
            entries[Int(place)] = entry
        }
        places[key] = place
        link(place)
        return place
    }

    private mutating func unlink(_ place: Int32) {
        let (newer, older) = (entries[Int(place)].newer, entries[Int(place)].older)
        if newer >= 0 { entries[Int(newer)].older = older } else { newest = older }
        if older >= 0 { entries[Int(older)].newer = newer } else { oldest = newer }
    }

    private mutating func link(_ place: Int32) {
        entries[Int(place)].newer = -1
        entries[Int(place)].older = newest
        if newest >= 0 { entries[Int(newest)].newer = place }
        newest = place
        if oldest < 0 { oldest = place }
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
