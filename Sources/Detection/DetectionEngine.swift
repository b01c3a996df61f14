public import AuditEvents

/// Judges sealed events: a state machine without clock, network or disk.
///
/// What it returns depends on its state and its input alone. The caller writes the alert changes, the state changes and its own checkpoint in one
/// transaction; when that fails it makes a new engine and restores it from the rows of the last one that did not.
public struct DetectionEngine: Sendable {
    /// Bounds of what an engine remembers.
    public struct Limits: Sendable, Hashable {
        /// Groups of one rule.
        public var groupsPerRule = 100_000
        /// Groups of all rules together: when they are reached, a rule keeps its even share.
        public var groups = 250_000
        public init(groupsPerRule: Int = 100_000, groups: Int = 250_000) {
            (self.groupsPerRule, self.groups) = (max(1, groupsPerRule), max(1, groups))
        }
    }

    public let rules: RuleSet
    public let limits: Limits
    /// Where addresses are; without it the rules that need it are off.
    public let geo: (any GeoLookup)?
    public internal(set) var metrics = DetectionMetrics()

    var states: [CorrelationState]
    var clocks = SourceClocks()
    /// The newest sealer's time seen, microseconds.
    var now = Int64.min
    var isNowChanged = false
    /// Keys of restored rows that are of no use and should be deleted.
    var rejected: [StateKey] = []
    /// Groups of all rules.
    var groupCount = 0
    /// By correlation: whether its state was kept under its present definition, or will be.
    var isKnown: [Bool]
    /// The correlations that are judged; nil: all.
    var only: Set<Int>?
    private var nextExpiry = Int64.min
    private var routes: [EventType: [Int]] = [:]

    public init(rules: RuleSet, limits: Limits = Limits(), geo: (any GeoLookup)? = nil) {
        self.rules = rules
        self.limits = limits
        self.geo = geo
        states = rules.plans.map { CorrelationState(plan: $0) }
        isKnown = states.map { _ in false }
    }

    /// Judges events in the order of their log.
    ///
    /// - Returns: what to do to the stored alerts, in order; at most one opening or extension of an alert, unless it takes part in a merge.
    public mutating func process(_ events: [SealedEvent]) -> [AlertChange] {
        guard let first = events.first else { return [] }
        var batch = Batch(contents: EventContents(fields: rules.fields, event: first.event), correlations: states.count)
        for event in events { judge(event, &batch) }
        settle(isOver: false, &batch)
        metrics.events += events.count
        return close(&batch)
    }

    /// Judges what waits for its source's watermark as though every source had ended: for tests and for looking back.
    public mutating func finish() -> [AlertChange] {
        var batch = Batch(contents: EventContents(fields: [], event: AuditEvent(header: Self.none)), correlations: states.count)
        settle(isOver: true, &batch)
        return close(&batch)
    }

    private static let none = EventHeader(
        id: EventID(time: Timestamp(microseconds: 0), entropy: 0), source: "", type: .httpRequest, outcome: .unknown)

    /// What goes on while a batch is judged.
    private struct Batch {
        var contents: EventContents
        var counters = CorrelationState.Counters()
        var journal = AlertJournal()
        /// By correlation: which of its rules matched the present event.
        var masks: [UInt64]
        var behind = 0

        init(contents: EventContents, correlations: Int) {
            self.contents = contents
            masks = Array(repeating: 0, count: correlations)
        }
    }

    private mutating func close(_ batch: inout Batch) -> [AlertChange] {
        let counters = batch.counters
        metrics.groupsExpired += counters.expired
        metrics.groupsEvicted += counters.evicted
        metrics.hitsThinned += counters.group.thinned
        metrics.hitsDropped += counters.group.dropped
        metrics.lateSkipped += counters.group.behind
        metrics.alertsOpened += batch.journal.opened
        metrics.alertsMerged += batch.journal.merged
        groupCount = states.reduce(0) { $0 + $1.groups.count }
        metrics.groups = groupCount
        return batch.journal.changes()
    }

    private mutating func judge(_ event: SealedEvent, _ batch: inout Batch) {
        if event.sealedAt.microseconds > now {
            now = event.sealedAt.microseconds
            isNowChanged = true
        }
        if now >= nextExpiry {
            if nextExpiry != .min {
                for index in states.indices { states[index].expire(now: now, clocks: clocks, counters: &batch.counters) }
                groupCount = states.reduce(0) { $0 + $1.groups.count }
            }
            nextExpiry = now + SourceClocks.idle / 4
        }
        let watermark = clocks.advance(event)
        let candidates = route(event.event.header.type)
        guard !candidates.isEmpty else { return }
        batch.contents.reset(event.event)
        var counts: [Int] = []
        for rule in rules.literals.select(candidates, in: &batch.contents) where rules.compiled[rule].matches(&batch.contents) {
            metrics.matches += 1
            for counter in rules.index.countedBy[rule] where only?.contains(counter.correlation) ?? true {
                if batch.masks[counter.correlation] == 0 { counts.append(counter.correlation) }
                batch.masks[counter.correlation] |= 1 << UInt64(counter.place)
            }
        }
        var isLate = false
        for correlation in counts {
            let mask = batch.masks[correlation] & states[correlation].plan.relevant
            batch.masks[correlation] = 0
            if mask == 0 { continue }
            if let watermark, event.event.time.microseconds < watermark - states[correlation].plan.lateness {
                isLate = true
            } else {
                count(event, correlation, mask, &batch)
            }
        }
        if isLate { metrics.lateSkipped += 1 }
    }

    /// Puts an event into its group, or into one for each rule that calls the fields by other names.
    private mutating func count(_ event: SealedEvent, _ correlation: Int, _ mask: UInt64, _ batch: inout Batch) {
        let plan = rules.plans[correlation]
        if plan.needsGeo, geo == nil { return }
        if let hours = plan.correlation.hours, !hours.admits(event.event.time.microseconds) { return }
        guard !plan.isUniform else { return count(event, correlation, mask, place: mask.trailingZeroBitCount, &batch) }
        var rest = mask
        while rest != 0 {
            let place = rest.trailingZeroBitCount
            var same: UInt64 = 0
            for other in place..<plan.groupSlots.count
            where rest & (1 << UInt64(other)) != 0 && plan.groupSlots[other] == plan.groupSlots[place]
                && plan.values[other] == plan.values[place]
                && plan.extras[other] == plan.extras[place]
            {
                same |= 1 << UInt64(other)
            }
            rest &= ~same
            count(event, correlation, same, place: place, &batch)
        }
    }

    private mutating func count(_ event: SealedEvent, _ correlation: Int, _ mask: UInt64, place: Int, _ batch: inout Batch) {
        let plan = rules.plans[correlation]
        let slots = plan.groupSlots[place]
        for slot in slots where !plan.allowsMissingGroup && batch.contents[slot].first?.original.isEmpty ?? true {
            metrics.missingGroup += 1
            return
        }
        guard let value = plan.values[place].value(&batch.contents, geo: geo),
            let extra = plan.extras[place].value(&batch.contents, geo: geo)
        else {
            metrics.missingGroup += 1
            return
        }
        metrics.hits += 1
        var hit = Hit(id: event.event.id, shard: event.shard, index: event.index, value: value, extra: extra, rules: mask)
        if plan.thins, plan.style == .window { hit.value = mask }
        let key = batch.contents.groupKey(slots)
        var values: [String] = []
        if states[correlation].groups[key] == nil {
            values = slots.map { String(decoding: batch.contents[$0].first?.original ?? [], as: UTF8.self) }
        }
        add(hit, correlation, key: key, tenant: event.event.header.tenant, values: values, &batch)
    }

    private mutating func add(_ hit: Hit, _ correlation: Int, key: GroupKey, tenant: String, values: [String], _ batch: inout Batch) {
        let evicted = batch.counters.evicted
        let before = states[correlation].groups.count
        var budget = limits.groupsPerRule
        if groupCount >= limits.groups, states[correlation].groups[key] == nil {
            let share = max(1, limits.groups / max(1, states.reduce(0) { $0 + ($1.groups.isEmpty ? 0 : 1) }))
            if before >= share {
                budget = min(budget, before)
            } else if let largest = states.indices.max(by: { states[$0].groups.count < states[$1].groups.count }) {
                let size = states[largest].groups.count
                states[largest].makeRoom(budget: size, capacity: limits.groupsPerRule, now: now, clocks: clocks, counters: &batch.counters)
                groupCount -= size - states[largest].groups.count
                if batch.counters.evicted > evicted { reportPressure(largest, hit, tenant, &batch.journal) }
            }
        }
        let pressed = batch.counters.evicted
        states[correlation].add(
            hit, key: key, tenant: tenant, values: values, now: now, budget: budget, capacity: limits.groupsPerRule, clocks: clocks,
            counters: &batch.counters,
            journal: &batch.journal)
        groupCount += states[correlation].groups.count - before
        if batch.counters.evicted > pressed { reportPressure(correlation, hit, tenant, &batch.journal) }
    }

    /// Judges what no earlier event can come before, the counted correlations first.
    private mutating func settle(isOver: Bool, _ batch: inout Batch) {
        for correlation in rules.index.order where states[correlation].plan.isSettled {
            let fired = states[correlation].settle(
                now: now, clocks: clocks, isOver: isOver, counters: &batch.counters, journal: &batch.journal)
            for feed in rules.index.feeds[correlation] {
                for fired in fired { deliver(fired, feed, &batch) }
            }
        }
    }

    private mutating func deliver(_ fired: CorrelationState.Fired, _ feed: CorrelationIndex.Feed, _ batch: inout Batch) {
        let plan = states[feed.parent].plan
        if let hours = plan.correlation.hours, !hours.admits(fired.hit.time) { return }
        let values = feed.group.map { fired.values[$0] }
        var hit = Hit(
            id: fired.hit.id, shard: fired.hit.shard, index: fired.hit.index, value: 0, extra: 0, rules: 1 << UInt64(feed.place))
        if plan.correlation.isNumeric {
            guard let number = feed.value.first.flatMap({ Double(fired.values[$0]) }), number.isFinite else { return }
            hit.value = number.bitPattern
        } else if feed.value.count == 1 {
            hit.value = StableDigest.value(Array(fired.values[feed.value[0]].utf8))
        } else if !feed.value.isEmpty {
            var digest = StableDigest("cardea values 1")
            for column in feed.value { digest.add(fired.values[column]) }
            hit.value = digest.words().high
        }
        metrics.hits += 1
        let key = GroupKey(tenant: fired.tenant, values: values.map(\.utf8))
        add(hit, feed.parent, key: key, tenant: fired.tenant, values: values, &batch)
    }

    /// The rules that an event of `type` can match.
    private mutating func route(_ type: EventType) -> [Int] {
        if let known = routes[type] { return known }
        let found = rules.compiled.indices.filter { rules.compiled[$0].admits(type) }
        if routes.count >= 4096 { routes = [:] }
        routes[type] = found
        return found
    }
}
