import AuditEvents

/// What a correlation remembers of one group: its chains of hits, in the order of time, and no two nearer than `suppress`.
struct CorrelationGroup: Sendable, Hashable {
    let tenant: String
    /// In the order of the rule's `group-by`.
    let values: [String]
    var chains: [HitChain] = []
    /// The sealer's time of the last hit.
    var touched: Int64

    /// What a group tells its engine about a hit.
    struct Counters {
        var thinned = 0
        var dropped = 0
    }

    mutating func add(
        _ hit: Hit, plan: CorrelationPlan, counters: inout Counters, journal: inout AlertJournal,
        horizon: () -> Int64
    ) {
        let time = hit.time
        var place = chains.count
        while place > 0, chains[place - 1].last >= time - plan.suppress { place -= 1 }
        // `place` is now the earliest chain that ends late enough; only it and the next can be near enough.
        let touches = place < chains.count && chains[place].first <= time + plan.suppress
        guard touches else {
            chains.insert(HitChain(first: time, last: time, hits: [], alert: nil), at: place)
            report(chains[place].add(hit, plan: plan, thinned: &counters.thinned), at: place, plan, &journal)
            return
        }
        let bridges = place + 1 < chains.count && chains[place + 1].first <= time + plan.suppress
        if bridges {
            bridge(place, with: hit, plan: plan, thinned: &counters.thinned, journal: &journal)
        } else {
            report(chains[place].add(hit, plan: plan, thinned: &counters.thinned), at: place, plan, &journal)
        }
        if chains[place].alert != nil ? !chains[place].hits.isEmpty : chains[place].hits.count > 2 * plan.threshold + 16 {
            chains[place].compact(horizon: horizon(), plan: plan, dropped: &counters.dropped)
        }
    }

    /// Joins the chains at `place` and after it, between which the hit lies.
    private mutating func bridge(
        _ place: Int, with hit: Hit, plan: CorrelationPlan, thinned: inout Int, journal: inout AlertJournal
    ) {
        let later = chains.remove(at: place + 1)
        guard var open = chains[place].alert else {
            // No window holds hits of both chains but through the new one: the later chain's alert, if any, is the joined chain's.
            chains[place].hits += later.hits
            chains[place].alert = later.alert
            chains[place].last = max(chains[place].last, later.last)
            return report(chains[place].add(hit, plan: plan, thinned: &thinned), at: place, plan, &journal)
        }
        // The earlier chain's alert did not close: everything after it joins.
        var joined = [hit]
        if let absorbed = later.alert {
            joined += later.hits.filter { $0.id < absorbed.first }
            open.count += absorbed.count
            journal.merge(absorbed.id, into: open.id, tenant: tenant)
        } else {
            joined += later.hits
        }
        open.count += joined.count
        chains[place].alert = open
        chains[place].last = max(chains[place].last, later.last)
        journal.extend(open.id, tenant: tenant, chains[place].values, with: joined)
    }

    private mutating func report(_ effect: HitChain.Effect, at place: Int, _ plan: CorrelationPlan, _ journal: inout AlertJournal) {
        switch effect {
        case .none: break
        case .joined(let hits):
            guard let id = chains[place].alert?.id else { return }
            journal.extend(id, tenant: tenant, chains[place].values, with: hits)
        case .opened(let hits):
            let correlation = plan.correlation
            let group = Array(zip(plan.groupBy, values))
            let id = AlertID(rule: plan.rule, tenant: tenant, group: group.map { (field: $0, value: $1) }, first: hits[0].id)
            chains[place].alert?.id = id
            let values = chains[place].values
            let metadata = correlation.metadata
            journal.open(
                Alert(
                    id: id, ruleID: metadata.id, ruleTitle: metadata.title, ruleAuthor: metadata.author, severity: metadata.level.severity,
                    tags: metadata.tags, tenant: tenant, group: group.map { Alert.GroupField(field: $0, value: $1) },
                    firstSeen: Timestamp(microseconds: values.firstSeen), lastSeen: Timestamp(microseconds: values.lastSeen),
                    count: values.count, events: []),
                with: hits)
        }
    }

    /// Whether an event that is not late could still touch the group.
    func isExpired(horizon: Int64, plan: CorrelationPlan) -> Bool { chains.allSatisfy { $0.last + plan.suppress < horizon } }

    /// What is worth most under pressure: an open alert, then more than one hit, then the latest touch.
    var worth: (kind: Int, touched: Int64, last: Int64) {
        let kind = chains.contains { $0.alert != nil } ? 2 : chains.reduce(0) { $0 + $1.hits.count } > 1 ? 1 : 0
        return (kind, touched, chains.last?.last ?? 0)
    }
}
