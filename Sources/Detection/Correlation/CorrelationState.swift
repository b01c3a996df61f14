import AuditEvents

/// One correlation at work: its groups within a budget.
struct CorrelationState: Sendable {
    let plan: CorrelationPlan
    private(set) var groups: [GroupKey: CorrelationGroup] = [:]
    /// Groups that changed or went since the last time they were asked for, and their tenants.
    private var changed: [GroupKey: String] = [:]
    /// The groups of each tenant with hits that are not judged, and the earliest of those hits.
    private var pending: [String: (earliest: Int64, keys: Set<GroupKey>)] = [:]
    /// Made when the budget is spent for the first time.
    var seen: SeenKeys?
    /// The period in which its pressure was last reported.
    var pressedIn: Int64?
    var isPressureChanged = false

    struct Counters {
        var group = CorrelationGroup.Counters()
        var expired = 0
        var evicted = 0
    }

    /// A group's hit at which the condition held, for the correlations that count this one.
    struct Fired {
        var hit: Hit
        var tenant: String
        var values: [String]
    }

    init(plan: CorrelationPlan) { self.plan = plan }

    mutating func add(
        _ hit: Hit, key: GroupKey, tenant: String, values: @autoclosure () -> [String], now: Int64, budget: Int, capacity: Int,
        clocks: SourceClocks,
        counters: inout Counters, journal: inout AlertJournal
    ) {
        if groups[key] == nil {
            if groups.count >= budget { makeRoom(budget: budget, capacity: capacity, now: now, clocks: clocks, counters: &counters) }
            var group = CorrelationGroup(tenant: tenant, values: values(), touched: now)
            group.seenBefore = seen?.times(key) ?? 0
            groups[key] = group
        }
        seen?.add(key)
        changed[key] = tenant
        let plan = plan
        if plan.isSettled { hold(key, tenant, hit.time) }
        // In place: a group that is copied for each hit would cost its whole state each time.
        Self.modify(&groups[key]) { group in
            group.touched = now
            func horizon() -> Int64 { clocks.horizon(tenant: tenant, lateness: plan.lateness, now: now) }
            if plan.isSettled {
                group.hold(hit, plan: plan, counters: &counters.group, horizon: horizon)
            } else {
                group.add(hit, plan: plan, counters: &counters.group, journal: &journal, horizon: horizon)
            }
        }
    }

    private mutating func hold(_ key: GroupKey, _ tenant: String, _ time: Int64) {
        pending[tenant, default: (.max, [])].earliest = min(pending[tenant]?.earliest ?? .max, time)
        pending[tenant]?.keys.insert(key)
    }

    private static func modify(_ group: inout CorrelationGroup?, _ change: (inout CorrelationGroup) -> Void) {
        guard var taken = group.take() else { return }
        change(&taken)
        group = taken
    }

    /// Judges the hits that no earlier one can come before any more.
    ///
    /// - Parameter isOver: whether every source has ended.
    mutating func settle(now: Int64, clocks: SourceClocks, isOver: Bool, counters: inout Counters, journal: inout AlertJournal) -> [Fired] {
        var fired: [Fired] = []
        for (tenant, waiting) in pending.sorted(by: { $0.key < $1.key }) {
            let horizon = isOver ? .max : clocks.settled(tenant: tenant, lateness: plan.lateness, now: now)
            guard waiting.earliest < horizon else { continue }
            var rest: (earliest: Int64, keys: Set<GroupKey>) = (.max, [])
            let plan = plan
            for key in waiting.keys.sorted() {
                guard let earliest = groups[key]?.earliestPending else { continue }
                if earliest < horizon {
                    var hits: [Hit] = []
                    Self.modify(&groups[key]) {
                        hits = $0.settle(before: horizon, plan: plan, counters: &counters.group, journal: &journal)
                    }
                    changed[key] = tenant
                    let values = groups[key]?.values ?? []
                    fired += hits.map { Fired(hit: $0, tenant: tenant, values: values) }
                }
                guard let next = groups[key]?.earliestPending else { continue }
                rest.earliest = min(rest.earliest, next)
                rest.keys.insert(key)
            }
            pending[tenant] = rest.keys.isEmpty ? nil : rest
        }
        return fired
    }

    /// Lets go of groups that no event can touch any more and that were not touched for an hour of sealing, so that files imported one after
    /// the other, in whatever order, still meet.
    mutating func expire(now: Int64, clocks: SourceClocks, counters: inout Counters) {
        var horizons: [String: Int64] = [:]
        var expired: [(key: GroupKey, tenant: String)] = []
        for (key, group) in groups where group.touched < now - SourceClocks.idle {
            let horizon = horizons[group.tenant] ?? clocks.horizon(tenant: group.tenant, lateness: plan.lateness, now: now)
            horizons[group.tenant] = horizon
            if group.isExpired(horizon: horizon, plan: plan) { expired.append((key, group.tenant)) }
        }
        for (key, tenant) in expired {
            groups[key] = nil
            changed[key] = tenant
        }
        counters.expired += expired.count
    }

    /// A group that may have to go.
    private struct Candidate {
        var key: GroupKey
        var tenant: String
        var isExpired: Bool
        var worth: (kind: Int, seenBefore: Int, touched: Int64, last: Int64)
    }

    /// Lets go of a tenth of the budget: first the expired, then those of one hit that were not seen before, then those with more, last those
    /// with an open alert; of each kind the ones seen least, then the ones idle longest.
    mutating func makeRoom(budget: Int, capacity: Int, now: Int64, clocks: SourceClocks, counters: inout Counters) {
        if seen == nil {
            var seen = SeenKeys(capacity: capacity)
            for key in groups.keys.sorted() { seen.add(key) }
            self.seen = seen
        }
        var horizons: [String: Int64] = [:]
        var ranked: [Candidate] = []
        ranked.reserveCapacity(groups.count)
        for (key, group) in groups {
            let horizon = horizons[group.tenant] ?? clocks.horizon(tenant: group.tenant, lateness: plan.lateness, now: now)
            horizons[group.tenant] = horizon
            let isExpired = group.isExpired(horizon: horizon, plan: plan)
            let kind = isExpired ? -1 : max(group.worth, group.seenBefore > 0 ? 1 : 0)
            ranked.append(
                Candidate(key: key, tenant: group.tenant, isExpired: isExpired, worth: (kind, group.seenBefore, group.touched, group.last)))
        }
        ranked.sort { $0.worth != $1.worth ? $0.worth < $1.worth : $0.key < $1.key }
        let least = max(1, groups.count - budget + max(1, budget / 10))
        for (offset, candidate) in ranked.enumerated() {
            guard offset < least || candidate.isExpired else { break }
            groups[candidate.key] = nil
            changed[candidate.key] = candidate.tenant
            if candidate.isExpired { counters.expired += 1 } else { counters.evicted += 1 }
        }
    }

    mutating func restore(_ group: CorrelationGroup, key: GroupKey) {
        groups[key] = group
        if let earliest = group.earliestPending { hold(key, group.tenant, earliest) }
    }

    /// In the order of their keys.
    mutating func takeChanged() -> [(key: GroupKey, tenant: String)] {
        defer { changed = [:] }
        return changed.map { ($0.key, $0.value) }.sorted { $0.key < $1.key }
    }
}
