public import AuditEvents

extension DetectionEngine {
    /// How far back in the sealer's time the state of rules reaches that were new or otherwise when this engine's rows were written, in
    /// microseconds; nil where the state of all rules is there.
    public var unknownReach: Int64? {
        states.indices.filter { !isKnown[$0] }.map { max(states[$0].plan.reach, 0) }.max()
    }

    /// Makes the state of rules that are new, or were changed, from what happened before: afterwards they stand as though they had been there.
    ///
    /// - Parameter history: the events before the first that comes next, in the order of the log, from `unknownReach` before it on.
    /// - Returns: the alerts of those rules; one that was raised already has the id that it had.
    public mutating func catchUp(on history: [SealedEvent]) -> [AlertChange] {
        let unknown = states.indices.filter { !isKnown[$0] }
        guard !unknown.isEmpty, !history.isEmpty else { return [] }
        var past = DetectionEngine(rules: rules, limits: limits, geo: geo)
        // What an unknown rule counts must run as well, though its own state and alerts are those that were kept.
        past.only = Set(unknown).union(unknown.flatMap { rules.index.counted(by: $0).correlations })
        let changes = past.process(history)
        for index in unknown { states[index] = past.states[index] }
        groupCount = states.reduce(0) { $0 + $1.groups.count }
        metrics.groups = groupCount
        let raised = Set(unknown.map { states[$0].plan.rule })
        var alerts: Set<AlertID> = []
        return changes.filter { change in
            switch change {
            case .open(let alert):
                guard raised.contains(alert.ruleID) else { return false }
                alerts.insert(alert.id)
                return true
            case .extend(let more): return alerts.contains(more.id)
            case .merge(let merge): return alerts.contains(merge.into)
            }
        }
    }
}
