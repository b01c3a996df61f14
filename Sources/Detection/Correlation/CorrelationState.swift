import AuditEvents

/// One correlation at work: its groups within a budget.
struct CorrelationState: Sendable {
    let plan: CorrelationPlan
    private(set) var groups: [GroupKey: CorrelationGroup] = [:]
    /// Groups that changed or went since the last time they were asked for, and their tenants.
    private var changed: [GroupKey: String] = [:]

    struct Counters {
        var group = CorrelationGroup.Counters()
        var expired = 0
        var evicted = 0
    }

    init(plan: CorrelationPlan) { self.plan = plan }

    mutating func add(
        _ hit: Hit, key: GroupKey, tenant: String, values: @autoclosure () -> [String], now: Int64, budget: Int, clocks: SourceClocks,
        counters: inout Counters, journal: inout AlertJournal
    ) {
        if groups[key] == nil {
            if groups.count >= budget { makeRoom(budget: budget, now: now, clocks: clocks, counters: &counters) }
            groups[key] = CorrelationGroup(tenant: tenant, values: values(), touched: now)
        }
        changed[key] = tenant
        let plan = plan
        // In place: a group that is copied for each hit would cost its whole state each time.
        Self.modify(&groups[key]) { group in
            group.touched = now
            group.add(hit, plan: plan, counters: &counters.group, journal: &journal) {
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
        var worth: (kind: Int, touched: Int64, last: Int64)
    }

    /// Lets go of a tenth of the budget: first the expired, then those of one hit, then those with more, last those with an open alert; of each
    /// kind the ones that were idle longest.
    private mutating func makeRoom(budget: Int, now: Int64, clocks: SourceClocks, counters: inout Counters) {
        var horizons: [String: Int64] = [:]
        var ranked: [Candidate] = []
        ranked.reserveCapacity(groups.count)
        for (key, group) in groups {
            let horizon = horizons[group.tenant] ?? clocks.horizon(tenant: group.tenant, lateness: plan.lateness, now: now)
            horizons[group.tenant] = horizon
            let isExpired = group.isExpired(horizon: horizon, plan: plan)
            let worth = isExpired ? (kind: -1, touched: group.touched, last: 0) : group.worth
            ranked.append(Candidate(key: key, tenant: group.tenant, isExpired: isExpired, worth: worth))
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

    mutating func restore(_ group: CorrelationGroup, key: GroupKey) { groups[key] = group }

    /// In the order of their keys.
    mutating func takeChanged() -> [(key: GroupKey, tenant: String)] {
        defer { changed = [:] }
        return changed.map { ($0.key, $0.value) }.sorted { $0.key < $1.key }
    }
}
