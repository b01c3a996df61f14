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
        public init(groupsPerRule: Int = 100_000) { self.groupsPerRule = max(1, groupsPerRule) }
    }

    public let rules: RuleSet
    public let limits: Limits
    public internal(set) var metrics = DetectionMetrics()

    var states: [CorrelationState]
    var clocks = SourceClocks()
    /// The newest sealer's time seen, microseconds.
    var now = Int64.min
    var isNowChanged = false
    /// Keys of restored rows that are of no use and should be deleted.
    var rejected: [StateKey] = []
    private var nextExpiry = Int64.min
    private var routes: [EventType: [Int]] = [:]

    public init(rules: RuleSet, limits: Limits = Limits()) {
        self.rules = rules
        self.limits = limits
        states = rules.plans.map { CorrelationState(plan: $0) }
    }

    /// Judges events in the order of their log.
    ///
    /// - Returns: what to do to the stored alerts, in order; at most one opening or extension of an alert, unless it takes part in a merge.
    public mutating func process(_ events: [SealedEvent]) -> [AlertChange] {
        guard let first = events.first else { return [] }
        var journal = AlertJournal()
        var counters = CorrelationState.Counters()
        var contents = EventContents(fields: rules.fields, event: first.event)
        var isCounted = [Bool](repeating: false, count: states.count)
        for event in events {
            judge(event, &contents, &isCounted, &counters, &journal)
        }
        metrics.events += events.count
        metrics.groupsExpired += counters.expired
        metrics.groupsEvicted += counters.evicted
        metrics.hitsThinned += counters.group.thinned
        metrics.hitsDropped += counters.group.dropped
        metrics.alertsOpened += journal.opened
        metrics.alertsMerged += journal.merged
        metrics.groups = states.reduce(0) { $0 + $1.groups.count }
        return journal.changes()
    }

    private mutating func judge(
        _ event: SealedEvent, _ contents: inout EventContents, _ isCounted: inout [Bool], _ counters: inout CorrelationState.Counters,
        _ journal: inout AlertJournal
    ) {
        if event.sealedAt.microseconds > now {
            now = event.sealedAt.microseconds
            isNowChanged = true
        }
        if now >= nextExpiry {
            if nextExpiry != .min {
                for index in states.indices { states[index].expire(now: now, clocks: clocks, counters: &counters) }
            }
            nextExpiry = now + SourceClocks.idle / 4
        }
        let watermark = clocks.advance(event)
        let candidates = route(event.event.header.type)
        guard !candidates.isEmpty else { return }
        contents.reset(event.event)
        var counts: [Int] = []
        for rule in rules.literals.select(candidates, in: &contents) where rules.compiled[rule].matches(&contents) {
            metrics.matches += 1
            for correlation in rules.countedBy[rule] where !isCounted[correlation] {
                isCounted[correlation] = true
                counts.append(correlation)
            }
        }
        var isLate = false
        for correlation in counts {
            isCounted[correlation] = false
            if let watermark, event.event.time.microseconds < watermark - states[correlation].plan.lateness {
                isLate = true
            } else {
                count(event, correlation, &contents, &counters, &journal)
            }
        }
        if isLate { metrics.lateSkipped += 1 }
    }

    private mutating func count(
        _ event: SealedEvent, _ correlation: Int, _ contents: inout EventContents, _ counters: inout CorrelationState.Counters,
        _ journal: inout AlertJournal
    ) {
        let plan = rules.plans[correlation]
        for slot in plan.groupSlots where !plan.allowsMissingGroup && contents[slot].first?.original.isEmpty ?? true {
            metrics.missingGroup += 1
            return
        }
        var digest: UInt64 = 0
        if let slot = plan.valueSlot {
            guard let value = contents[slot].first?.original, !value.isEmpty else {
                metrics.missingGroup += 1
                return
            }
            digest = StableDigest.value(value)
        }
        metrics.hits += 1
        let hit = Hit(id: event.event.id, shard: event.shard, index: event.index, value: digest)
        let key = contents.groupKey(plan.groupSlots)
        var values: [String] = []
        if states[correlation].groups[key] == nil {
            values = plan.groupSlots.map { String(decoding: contents[$0].first?.original ?? [], as: UTF8.self) }
        }
        states[correlation].add(
            hit, key: key, tenant: event.event.header.tenant, values: values, now: now, budget: limits.groupsPerRule, clocks: clocks,
            counters: &counters,
            journal: &journal)
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
