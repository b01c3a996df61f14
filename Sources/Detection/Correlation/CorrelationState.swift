import AuditEvents

/// One correlation at work: its groups within a budget.
struct CorrelationState: Sendable {
    let plan: CorrelationPlan
    let correlation: SigmaCorrelation
    private(set) var groups: [GroupKey: CorrelationGroup] = [:]
    /// Groups that changed or went since the last time they were asked for.
    private var changed: Set<GroupKey> = []

    struct Counters {
        var group = CorrelationGroup.Counters()
        var expired = 0
        var evicted = 0
    }

    init(plan: CorrelationPlan, correlation: SigmaCorrelation) { (self.plan, self.correlation) = (plan, correlation) }

    mutating func add(
        _ hit: Hit, key: GroupKey, tenant: String, values: @autoclosure () -> [String], now: Int64, budget: Int, clocks: SourceClocks,
        counters: inout Counters, journal: inout AlertJournal
    ) {
        if groups[key] == nil {
            if groups.count >= budget { makeRoom(budget: budget, now: now, clocks: clocks, counters: &counters) }
            groups[key] = CorrelationGroup(tenant: tenant, values: values(), touched: now)
        }
        changed.insert(key)
        let (plan, correlation) = (plan, correlation)
        // In place: a group that is copied for each hit would cost its whole state each time.
        Self.modify(&groups[key]) { group in
            group.touched = now
            group.add(hit, plan: plan, correlation: correlation, counters: &counters.group, journal: &journal) {
                clocks.horizon(tenant: tenant, lateness: plan.lateness, now: now)
            }
        }
    }

    private static func modify(_ group: inout CorrelationGroup?, _ change: (inout CorrelationGroup) -> Void) {
        guard var taken = group.take() else { return }
        change(&taken)
        group = taken
    }

    /// Lets go of groups that no event can touch any more and that were not touched for an hour of sealing, so that files imported one after
    /// the other, in whatever order, still meet.
    mutating func expire(now: Int64, clocks: SourceClocks, counters: inout Counters) {
        var horizons: [String: Int64] = [:]
        var expired: [GroupKey] = []
        for (key, group) in groups where group.touched < now - SourceClocks.idle {
            let horizon = horizons[group.tenant] ?? clocks.horizon(tenant: group.tenant, lateness: plan.lateness, now: now)
            horizons[group.tenant] = horizon
            if group.isExpired(horizon: horizon, plan: plan) { expired.append(key) }
        }
        for key in expired { groups[key] = nil }
        changed.formUnion(expired)
        counters.expired += expired.count
    }

    /// Lets go of a tenth of the budget: first the expired, then those of one hit, then those with more, last those with an open alert; of each
    /// kind the ones that were idle longest.
    private mutating func makeRoom(budget: Int, now: Int64, clocks: SourceClocks, counters: inout Counters) {
        var horizons: [String: Int64] = [:]
        let ranked = groups.map { key, group in
            let horizon = horizons[group.tenant] ?? clocks.horizon(tenant: group.tenant, lateness: plan.lateness, now: now)
            horizons[group.tenant] = horizon
            let isExpired = group.isExpired(horizon: horizon, plan: plan)
            return (key: key, isExpired: isExpired, worth: isExpired ? (-1, group.touched, 0) : group.worth)
        }
        .sorted { a, b in a.worth != b.worth ? a.worth < b.worth : a.key.bytes.lexicographicallyPrecedes(b.key.bytes) }
        let least = max(1, groups.count - budget + max(1, budget / 10))
        for (offset, candidate) in ranked.enumerated() {
            guard offset < least || candidate.isExpired else { break }
            groups[candidate.key] = nil
            changed.insert(candidate.key)
            if candidate.isExpired { counters.expired += 1 } else { counters.evicted += 1 }
        }
    }

    mutating func restore(_ group: CorrelationGroup, key: GroupKey) { groups[key] = group }

    mutating func takeChanged() -> Set<GroupKey> {
        defer { changed = [] }
        return changed
    }
}
