import AuditEvents

/// The name of a row of an engine's state.
public struct StateKey: Sendable, Hashable {
    /// What kind of row: `group`, `source` or `clock`.
    public var kind: String
    /// The rule's id; empty for rows that are no rule's.
    public var rule: String
    public var tenant: String
    /// Names the group or source; at most 32 characters for a group, a source's own name for a source.
    public var group: String

    public init(kind: String, rule: String, tenant: String, group: String) {
        (self.kind, self.rule, self.tenant, self.group) = (kind, rule, tenant, group)
    }
}

/// A row of an engine's state.
public struct StateRow: Sendable, Hashable {
    public var key: StateKey
    /// Cardea's own binary form; its first byte is the form's version. Holds the group's values, so it is personal data.
    public var value: [UInt8]

    public init(key: StateKey, value: [UInt8]) { (self.key, self.value) = (key, value) }
}

/// What to do to the stored rows.
public enum StateChange: Sendable, Hashable {
    case upsert(StateRow)
    case delete(StateKey)
}

extension DetectionEngine {
    /// The rows that changed since the last call, at most one change for each key, sorted by key so that two writers do not lock each other.
    public mutating func takeStateChanges() -> [StateChange] {
        var changes: [(key: StateKey, value: [UInt8]?)] = rejected.map { ($0, nil) }
        rejected = []
        if isNowChanged {
            var row = StateEncoder()
            row.add(signed: now)
            changes.append((StateKey(kind: "clock", rule: "", tenant: "", group: ""), row.bytes))
            isNowChanged = false
        }
        for key in clocks.takeChanged() {
            let name = StateKey(kind: "source", rule: "", tenant: key.tenant, group: key.source)
            changes.append((name, clocks.tenants[key.tenant]?[key.source].map(StateEncoder.encode)))
        }
        for index in states.indices {
            for key in states[index].takeChanged() {
                let plan = states[index].plan
                let group = states[index].groups[key]
                let name = StateKey(kind: "group", rule: plan.rule, tenant: key.tenant, group: key.name)
                changes.append((name, group.map { StateEncoder.encode($0, plan: plan) }))
            }
        }
        return changes.sorted { StateKey.precedes($0.key, $1.key) }.map { change in
            change.value.map { .upsert(StateRow(key: change.key, value: $0)) } ?? .delete(change.key)
        }
    }

    /// Takes up rows that an engine with the same rules wrote: a new engine is then equal to that one.
    ///
    /// Rows of rules that are gone or defined otherwise are left out, counted, and deleted by the next `takeStateChanges()`.
    public mutating func restore(_ rows: some Sequence<StateRow>) {
        let byRule = Dictionary(uniqueKeysWithValues: states.enumerated().map { ($1.plan.rule, $0) })
        for row in rows where !restore(row, byRule) {
            metrics.rowsRejected += 1
            rejected.append(row.key)
        }
        metrics.groups = states.reduce(0) { $0 + $1.groups.count }
    }

    private mutating func restore(_ row: StateRow, _ byRule: [String: Int]) -> Bool {
        var decoder = StateDecoder(row.value)
        switch row.key.kind {
        case "clock":
            guard let time = decoder.signed() else { return false }
            now = max(now, time)
        case "source":
            guard let clock = decoder.clock() else { return false }
            clocks.restore(SourceClocks.Key(tenant: row.key.tenant, source: row.key.group), clock)
        case "group":
            guard let index = byRule[row.key.rule] else { return false }
            let plan = states[index].plan
            guard let group = decoder.group(tenant: row.key.tenant, plan: plan) else { return false }
            var key = GroupKey(tenant: row.key.tenant)
            for value in group.values { key.add(value.utf8) }
            guard key.name == row.key.group else { return false }
            states[index].restore(group, key: key)
        default: return false
        }
        return true
    }
}

extension StateKey {
    static func precedes(_ a: StateKey, _ b: StateKey) -> Bool {
        for (left, right) in [(a.kind, b.kind), (a.rule, b.rule), (a.tenant, b.tenant), (a.group, b.group)] {
            if !left.utf8.elementsEqual(right.utf8) { return left.utf8.lexicographicallyPrecedes(right.utf8) }
        }
        return false
    }
}
