package import AuditEvents

/// The counts of one limit by key, in a bounded number of places. Pure: time is given, in microseconds of a monotonic clock.
///
/// When all places are taken one gives way: one whose count has lapsed where there is such, else the key seen longest ago that has something left.
/// A key that has used its limit up keeps its place before those: whoever wants it forgotten must use up the limits of half as many keys as there
/// are places, not merely name as many. To give way means to start anew, with a full limit; `evictedLive` counts it.
package struct LimitTable<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Sendable {
        var key: Key
        var count = RateLimitCount()
        /// Neighbours in order of last sight; -1 at the ends.
        var newer: Int32 = -1
        var older: Int32 = -1
        var isExhausted = false
    }

    /// Places in order of last sight.
    private struct Order: Sendable {
        var newest: Int32 = -1
        var oldest: Int32 = -1
        var count = 0

        mutating func unlink(_ place: Int32, _ entries: inout [Entry]) {
            let (newer, older) = (entries[Int(place)].newer, entries[Int(place)].older)
            if newer >= 0 { entries[Int(newer)].older = older } else { newest = older }
            if older >= 0 { entries[Int(older)].newer = newer } else { oldest = newer }
            count -= 1
        }

        mutating func link(_ place: Int32, _ entries: inout [Entry]) {
            entries[Int(place)].newer = -1
            entries[Int(place)].older = newest
            if newest >= 0 { entries[Int(newest)].newer = place }
            newest = place
            if oldest < 0 { oldest = place }
            count += 1
        }
    }

    package let terms: RateLimitTerms
    package let capacity: Int
    /// How many keys gave way although their counts were still of use.
    package private(set) var evictedLive = 0

    private var entries: [Entry] = []
    private var places: [Key: Int32] = [:]
    private var open = Order()
    private var exhausted = Order()
    private var latest = Int64.min

    /// - Parameter capacity: how many keys are remembered.
    package init(_ terms: RateLimitTerms, capacity: Int) {
        self.terms = terms
        self.capacity = min(max(capacity, 1), Int(Int32.max))
    }

    package var count: Int { entries.count }

    /// Takes `cost` from what `key` has left at `time`, or refuses.
    package mutating func take(_ key: Key, at time: Int64, cost: Int = 1) -> RateLimitDecision {
        // A clock that goes back would shorten a window that has already been told to somebody.
        let time = max(time, latest)
        latest = time
        let place = place(of: key, at: time)
        let decision = entries[Int(place)].count.take(cost, of: terms, at: time)
        if (decision.remaining == 0) != entries[Int(place)].isExhausted { file(place, asExhausted: decision.remaining == 0) }
        return decision
    }

    /// Gives back what `key` took at `time`.
    package mutating func refund(_ key: Key, at time: Int64, cost: Int) {
        guard let place = places[key] else { return }
        entries[Int(place)].count.refund(cost, of: terms, at: time)
        if entries[Int(place)].isExhausted { file(place, asExhausted: false) }
    }

    private mutating func place(of key: Key, at time: Int64) -> Int32 {
        if let place = places[key] {
            if entries[Int(place)].isExhausted {
                if place != exhausted.newest {
                    exhausted.unlink(place, &entries)
                    exhausted.link(place, &entries)
                }
            } else if place != open.newest {
                open.unlink(place, &entries)
                open.link(place, &entries)
            }
            return place
        }
        let place: Int32
        if entries.count < capacity {
            place = Int32(entries.count)
            entries.append(Entry(key: key))
        } else {
            place = giveWay(at: time)
            entries[Int(place)] = Entry(key: key)
        }
        places[key] = place
        open.link(place, &entries)
        return place
    }

    private mutating func giveWay(at time: Int64) -> Int32 {
        func isSpent(_ place: Int32) -> Bool { entries[Int(place)].count.isSpent(terms, at: time) }
        let place: Int32
        if exhausted.oldest >= 0, open.oldest < 0 || isSpent(exhausted.oldest) {
            place = exhausted.oldest
        } else {
            place = open.oldest
        }
        if !isSpent(place) { evictedLive += 1 }
        if entries[Int(place)].isExhausted { exhausted.unlink(place, &entries) } else { open.unlink(place, &entries) }
        places[entries[Int(place)].key] = nil
        return place
    }

    private mutating func file(_ place: Int32, asExhausted: Bool) {
        if asExhausted {
            guard capacity >= 2 else { return }
            open.unlink(place, &entries)
            exhausted.link(place, &entries)
            if exhausted.count > capacity / 2 { file(exhausted.oldest, asExhausted: false) }
        } else {
            exhausted.unlink(place, &entries)
            open.link(place, &entries)
        }
        entries[Int(place)].isExhausted = asExhausted
    }
}
