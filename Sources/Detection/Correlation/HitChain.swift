import AuditEvents

/// Hits of one group that follow each other with no gap longer than `suppress`.
///
/// The alerts of a group are defined as a fold over its hits in the order of time: while no alert is open, one opens at the first hit whose
/// window meets the condition, and holds the window's hits; every further hit within `suppress` of its last one joins it; a longer gap closes
/// it and counting begins anew. Since `suppress` is at least the timespan, no window and no alert reaches across such a gap, and within a
/// chain an alert once opened never closes. So a chain holds at most one alert, which begins with the window of the first hit that fires and
/// ends with the chain: a function of the set of hits, and one that only grows when a hit is added.
struct HitChain: Sendable, Hashable {
    /// The times of the earliest and the latest hit.
    var first: Int64, last: Int64
    /// While nothing has fired, every hit that a window may still need; afterwards those up to the one that fired, until no event can come
    /// before it any more. Sorted.
    var hits: [Hit]
    var alert: OpenAlert?

    init(_ hit: Hit) {
        (first, last) = (hit.time, hit.time)
        hits = [hit]
    }

    init(first: Int64, last: Int64, hits: [Hit], alert: OpenAlert?) {
        (self.first, self.last, self.hits, self.alert) = (first, last, hits, alert)
    }

    /// What adding a hit did.
    enum Effect {
        case none
        /// The condition is met for the first time: the hits of the new alert.
        case opened([Hit])
        /// Hits that were in no alert are now in this chain's.
        case joined([Hit])
    }

    var values: AlertJournal.Values {
        AlertJournal.Values(firstSeen: alert?.first.time.microseconds ?? first, lastSeen: last, count: alert?.count ?? 0)
    }

    /// Puts a hit in its place and judges the windows that it is in.
    ///
    /// The caller gives an opened alert its id.
    mutating func add(_ hit: Hit, plan: CorrelationPlan, thinned: inout Int) -> Effect {
        let time = hit.time
        first = min(first, time)
        last = max(last, time)
        if let fired = alert?.mark, hit.id > fired {
            alert?.count += 1
            return .joined([hit])
        }
        var place = hits.count
        while place > 0, hits[place - 1].id > hit.id { place -= 1 }
        if place > 0, hits[place - 1].id == hit.id { return .none }
        hits.insert(hit, at: place)
        guard let found = firing(from: place, plan) else {
            if let open = alert {
                // The window's hits were let go: the event comes too late to change where the alert began.
                guard hit.id > open.first else { return .none }
                hits.remove(at: place)
                alert?.count += 1
                return .joined([hit])
            }
            thin(around: place, plan, &thinned)
            return .none
        }
        let fired = hits[found.fired].id
        let members = Array(hits[found.start...])
        hits.removeSubrange((found.fired + 1)...)
        guard let open = alert else {
            alert = OpenAlert(id: AlertID(high: 0, low: 0), first: members[0].id, mark: fired, count: members.count)
            return .opened(members)
        }
        let joined = members.filter { $0.id < open.first || $0.id == hit.id }
        alert?.mark = fired
        alert?.first = min(open.first, members[0].id)
        alert?.count += joined.count
        thin(around: place, plan, &thinned)
        return joined.isEmpty ? .none : .joined(joined)
    }

    /// The first hit at or after `from` whose window meets the condition, and the first hit of that window.
    private func firing(from: Int, _ plan: CorrelationPlan) -> (fired: Int, start: Int)? {
        let reach = hits[from].time + plan.timespan
        var place = from
        if plan.style == .window { return firingWindow(from: from, reach, plan) }
        while place < hits.count, hits[place].time < reach {
            let bound = hits[place].time - plan.timespan
            if plan.style == .events {
                let least = place - plan.threshold + 1
                if least >= 0, hits[least].time > bound { return (place, start(of: place, bound)) }
            } else if let start = distinctStart(place, bound, plan.threshold, isNew: place == from) {
                return (place, start)
            }
            place += 1
        }
        return nil
    }

    /// The same where a window has to be looked at as a whole: by instants, since hits of one time are in one window.
    private func firingWindow(from: Int, _ reach: Int64, _ plan: CorrelationPlan) -> (fired: Int, start: Int)? {
        var place = from
        while place > 0, hits[place - 1].time == hits[from].time { place -= 1 }
        while place < hits.count, hits[place].time < reach {
            var end = place
            while end + 1 < hits.count, hits[end + 1].time == hits[place].time { end += 1 }
            let start = start(of: place, hits[place].time - plan.timespan)
            if plan.judge.members(hits[start...end], instant: place) != nil { return (end, start) }
            place = end + 1
        }
        return nil
    }

    private func start(of place: Int, _ bound: Int64) -> Int {
        var start = place
        while start > 0, hits[start - 1].time > bound { start -= 1 }
        return start
    }

    /// The window's beginning where it holds enough distinct values.
    ///
    /// - Parameter isNew: whether the hit at `place` has just been put there; it then only makes a window complete when it brings a value that
    ///   the window did not have.
    private func distinctStart(_ place: Int, _ bound: Int64, _ threshold: Int, isNew: Bool) -> Int? {
        let value = hits[place].value
        var start = place
        if threshold <= 32 {
            var distinct: [UInt64] = [value]
            while start > 0, hits[start - 1].time > bound {
                start -= 1
                let other = hits[start].value
                if isNew, alert == nil, other == value { return nil }
                if distinct.count < threshold, !distinct.contains(other) { distinct.append(other) }
            }
            return distinct.count >= threshold ? start : nil
        }
        start = self.start(of: place, bound)
        if isNew, alert == nil, hits[start..<place].contains(where: { $0.value == value }) { return nil }
        guard place - start + 1 >= threshold else { return nil }
        return Set(hits[start...place].lazy.map(\.value)).count >= threshold ? start : nil
    }

    /// Hits of one value that are kept within a timespan.
    static let keptRepeats = 16

    /// Lets go of a repeat where one value alone fills the window: of its hits within a timespan the oldest and the newest stay. A hit whose two
    /// neighbours of the same value lie within one timespan is in no window that has neither, so whether and when the rule fires is unchanged.
    private mutating func thin(around place: Int, _ plan: CorrelationPlan, _ thinned: inout Int) {
        guard plan.thins else { return }
        let value = hits[place].value
        let bound = hits[place].time - plan.timespan
        var seen = 0
        var secondOldest = place
        var index = place
        while index >= 0, hits[index].time > bound {
            if hits[index].value == value {
                seen += 1
                if seen > Self.keptRepeats {
                    hits.remove(at: secondOldest)
                    thinned += 1
                    return
                }
                secondOldest = index
            }
            index -= 1
        }
    }

    /// Lets go of hits that no event can make count any more.
    ///
    /// - Parameter horizon: no event before it is expected.
    mutating func compact(horizon: Int64, plan: CorrelationPlan, dropped: inout Int) {
        if let alert {
            if !hits.isEmpty, alert.mark.time.microseconds < horizon { hits = [] }
            return
        }
        guard hits.count > 2 * plan.threshold + 16 else { return }
        let bound = horizon - plan.timespan
        var keep = 0
        while keep < hits.count - 1, hits[keep].time <= bound { keep += 1 }
        hits.removeFirst(keep)
        let most = Self.maximumHits(plan)
        guard hits.count > most else { return }
        dropped += hits.count - most
        hits.removeFirst(hits.count - most)
    }

    /// Hits that a chain may keep while its source's clock holds the horizon back.
    static func maximumHits(_ plan: CorrelationPlan) -> Int { (plan.thins ? 4 * keptRepeats : 4) * plan.threshold + 1024 }
}
