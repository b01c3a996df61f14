import AuditEvents

/// What a correlation remembers of one group: its chains of hits, in the order of time, and no two nearer than `suppress`.
struct CorrelationGroup: Sendable, Hashable {
    let tenant: String
    /// In the order of the rule's `group-by`.
    let values: [String]
    var chains: [HitChain] = []
    /// Of a correlation that is judged when the watermark has passed: in the order of time.
    var spans: [SettledSpan] = []
    var ledger: ValueLedger?
    /// The sealer's time of the last hit.
    var touched: Int64
    /// How often its key had been seen, and its group let go, before this group began; see `SeenKeys`.
    var seenBefore = 0

    /// What a group tells its engine about a hit.
    struct Counters {
        var thinned = 0
        var dropped = 0
        /// Hits behind what is judged already.
        var behind = 0
    }

    mutating func add(
        _ hit: Hit, plan: CorrelationPlan, counters: inout Counters, journal: inout AlertJournal,
        horizon: () -> Int64
    ) {
        let time = hit.time
        prune(plan, horizon)
        var place = chains.count
        while place > 0, chains[place - 1].last >= time - plan.suppress { place -= 1 }
        // `place` is now the earliest chain that ends late enough; only it and the next can be near enough.
        let touches = place < chains.count && chains[place].first <= time + plan.suppress
        guard touches else {
            chains.insert(HitChain(first: time, last: time, hits: [], alert: nil), at: place)
            let effect = chains[place].add(hit, plan: plan, thinned: &counters.thinned)
            return report(effect, at: place, plan, &journal)
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
            let id = open(hits, chains[place].values, plan, &journal)
            chains[place].alert?.id = id
        }
    }

    /// Opens an alert and says its id.
    private func open(_ hits: [Hit], _ seen: AlertJournal.Values, _ plan: CorrelationPlan, _ journal: inout AlertJournal) -> AlertID {
        let group = Array(zip(plan.groupBy, values))
        let id = AlertID(rule: plan.rule, tenant: tenant, group: group.map { (field: $0, value: $1) }, first: hits[0].id)
        guard plan.raises else { return id }
        let metadata = plan.correlation.metadata
        journal.open(
            Alert(
                id: id, ruleID: metadata.id, ruleTitle: metadata.title, ruleName: metadata.name, ruleAuthor: metadata.author,
                severity: metadata.level.severity,
                tags: metadata.tags, tenant: tenant, group: group.map { Alert.GroupField(field: $0, value: $1) },
                firstSeen: Timestamp(microseconds: seen.firstSeen), lastSeen: Timestamp(microseconds: seen.lastSeen),
                count: seen.count, events: []),
            with: hits)
        return id
    }

    /// Old chains and spans that nothing can touch any more go, where there are many.
    private mutating func prune(_ plan: CorrelationPlan, _ horizon: () -> Int64) {
        guard chains.count > 16 || spans.count > 16 else { return }
        let bound = horizon()
        chains.removeAll { $0.last + plan.suppress < bound }
        spans.removeAll { $0.last + plan.suppress < bound && $0.pending.isEmpty }
    }

    // MARK: Judged in the order of time

    /// Keeps a hit until it can be judged.
    mutating func hold(_ hit: Hit, plan: CorrelationPlan, counters: inout Counters, horizon: () -> Int64) {
        prune(plan, horizon)
        let time = hit.time
        let near = spans.indices.filter { spans[$0].first <= time + plan.suppress && spans[$0].last >= time - plan.suppress }
        if let place = near.first(where: { spans[$0].cursor < time }) {
            spans[place].insert(hit)
            // A span that this hit now reaches, and of which nothing is judged, is one with it.
            let reach = spans[place].last + plan.suppress
            if place + 1 < spans.count, spans[place + 1].cursor == .min, spans[place + 1].first <= reach {
                let next = spans.remove(at: place + 1)
                for later in next.pending { spans[place].insert(later) }
            }
        } else if near.isEmpty {
            let place = spans.firstIndex { $0.first > time } ?? spans.count
            spans.insert(SettledSpan(first: time, last: time, pending: [hit]), at: place)
        } else {
            counters.behind += 1
        }
    }

    /// The time of the earliest hit that is not judged.
    var earliestPending: Int64? { spans.compactMap { $0.pending.first?.time }.min() }

    /// Judges what came before `horizon`.
    ///
    /// - Returns: the hits at which the condition held.
    mutating func settle(before horizon: Int64, plan: CorrelationPlan, counters: inout Counters, journal: inout AlertJournal) -> [Hit] {
        var fired: [Hit] = []
        var ledger = ledger
        for place in spans.indices {
            while let step = spans[place].settleNext(
                before: horizon, plan: plan, dropped: &counters.dropped,
                isNew: { hits in
                    var known = ledger ?? ValueLedger(since: hits.first?.time ?? 0)
                    var new: Hit?
                    for hit in hits where known.meet(hit.value, at: hit.time, plan: plan) { new = new ?? hit }
                    ledger = known
                    return new
                })
            {
                fired += step.fired
                switch step.effect {
                case .opened(let hits):
                    let id = open(hits, spans[place].values, plan, &journal)
                    spans[place].alert?.id = id
                case .joined(let hits):
                    guard plan.raises, let id = spans[place].alert?.id else { continue }
                    journal.extend(id, tenant: tenant, spans[place].values, with: hits)
                case nil: break
                }
            }
        }
        self.ledger = ledger
        // A ledger's spans hold nothing but their alert.
        if plan.style == .ledger { spans.removeAll { $0.pending.isEmpty && ($0.alert == nil || $0.last + plan.suppress < horizon) } }
        return fired
    }

    /// Whether an event that is not late could still touch the group.
    func isExpired(horizon: Int64, plan: CorrelationPlan) -> Bool {
        guard chains.allSatisfy({ $0.last + plan.suppress < horizon }),
            spans.allSatisfy({ $0.last + plan.suppress < horizon && $0.pending.isEmpty })
        else { return false }
        guard let last = ledger?.known.lazy.map(\.last).max() else { return true }
        return last + plan.forget + Self.remembered < horizon
    }

    /// How long a group's ledger is kept after the last of its values was forgotten: 400 days, so that who comes once a year is known.
    static let remembered: Int64 = 400 * 86_400 * 1_000_000

    /// What is worth most under pressure: an open alert, then more than one hit.
    var worth: Int {
        if chains.contains(where: { $0.alert != nil }) || spans.contains(where: { $0.alert != nil }) { return 2 }
        if let ledger, ledger.known.contains(where: { $0.last > ledger.since }) { return 1 }
        return chains.reduce(0) { $0 + $1.hits.count } + spans.reduce(0) { $0 + $1.pending.count + $1.window.count } > 1 ? 1 : 0
    }

    /// The time of its latest hit.
    var last: Int64 { max(chains.last?.last ?? .min, spans.last?.last ?? .min, ledger?.known.last?.last ?? .min) }
}
