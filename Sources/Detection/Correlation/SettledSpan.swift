import AuditEvents

/// Hits of one group that are judged in the order of time, once no earlier one can come.
///
/// A hit's window is looked at when the watermark has passed the hit. Where it holds, its hits make an alert, or join the open one when that took its
/// last hit no longer than `suppress` ago. So the alerts are a fold over the sorted hits, whatever the condition.
struct SettledSpan: Sendable, Hashable {
    /// The times of the earliest and the latest hit.
    var first: Int64, last: Int64
    /// Up to here all is judged.
    var cursor = Int64.min
    /// Not judged yet; sorted.
    var pending: [Hit] = []
    /// Judged, and in windows to come; sorted.
    var window: [Hit] = []
    var alert: OpenAlert?

    mutating func insert(_ hit: Hit) {
        var place = pending.count
        while place > 0, pending[place - 1].id > hit.id { place -= 1 }
        if place > 0, pending[place - 1].id == hit.id {
            // Two correlations that this one counts fired at one event.
            pending[place - 1].rules |= hit.rules
            return
        }
        pending.insert(hit, at: place)
        first = min(first, hit.time)
        last = max(last, hit.time)
    }

    /// What an instant brought.
    enum Effect {
        case opened([Hit])
        case joined([Hit])
    }

    /// Judges the earliest instant before `horizon`; nil where there is none.
    mutating func settleNext(before horizon: Int64, plan: CorrelationPlan, dropped: inout Int, isNew: (ArraySlice<Hit>) -> Hit?)
        -> (fired: [Hit], effect: Effect?)?
    {
        guard let time = pending.first?.time, time < horizon else { return nil }
        let count = pending.prefix { $0.time == time }.count
        let bound = time - plan.timespan
        window.removeFirst(window.prefix { $0.time <= bound }.count)
        let most = HitChain.maximumHits(plan)
        if window.count + count > most {
            let surplus = min(window.count, window.count + count - most)
            dropped += surplus
            window.removeFirst(surplus)
        }
        let instant = window.count
        window += pending[..<count]
        pending.removeFirst(count)
        cursor = time
        let members: [Hit]?
        if plan.style == .ledger {
            members = isNew(window[instant...]).map { [$0] }
            window = []
        } else {
            members = plan.judge.members(window[...], instant: instant)
        }
        guard let members, let start = members.first, let end = members.last else { return ([], nil) }
        let fired = members.filter { $0.time == time }
        if var open = alert, time - open.mark.time.microseconds <= plan.suppress {
            let joined = members.filter { $0.id > open.mark }
            guard !joined.isEmpty else { return (fired, nil) }
            open.mark = end.id
            open.count += joined.count
            alert = open
            return (fired, .joined(joined))
        }
        alert = OpenAlert(id: AlertID(high: 0, low: 0), first: start.id, mark: end.id, count: members.count)
        return (fired, .opened(members))
    }

    var values: AlertJournal.Values {
        AlertJournal.Values(
            firstSeen: alert?.first.time.microseconds ?? first, lastSeen: alert?.mark.time.microseconds ?? last, count: alert?.count ?? 0)
    }
}

/// Which values a group had, and when last.
struct ValueLedger: Sendable, Hashable {
    struct Known: Sendable, Hashable {
        var value: UInt64
        var last: Int64
    }

    static let maximumValues = 128

    /// When the group was first seen.
    var since: Int64
    /// In the order in which they came.
    var known: [Known] = []

    /// Notes a value, and says whether it is new to a group that is known long enough.
    mutating func meet(_ value: UInt64, at time: Int64, plan: CorrelationPlan) -> Bool {
        defer { since = min(since, time) }
        if let place = known.firstIndex(where: { $0.value == value }) {
            let isForgotten = known[place].last < time - plan.forget
            known[place].last = max(known[place].last, time)
            return isForgotten && since <= time - plan.history
        }
        if known.count >= Self.maximumValues, let oldest = known.indices.min(by: { known[$0].last < known[$1].last }) {
            known.remove(at: oldest)
        }
        known.append(Known(value: value, last: time))
        return since <= time - plan.history
    }
}
