import AuditEvents

/// The name of a row of an engine's state.
public struct StateKey: Sendable, Hashable {
    /// What kind of row: `group`, `source`, `clock`, `rule`, `seen` or `pressure`.
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
    /// The rows that changed since the last call, at most one change for each key, always in the same order of keys.
    public mutating func takeStateChanges() -> [StateChange] {
        var changes = rejected.map { StateChange.delete($0) }
        rejected = []
        func append(_ key: StateKey, _ value: [UInt8]?) {
            changes.append(value.map { .upsert(StateRow(key: key, value: $0)) } ?? .delete(key))
        }
        if isNowChanged {
            var row = StateEncoder()
            row.add(signed: now)
            append(StateKey(kind: "clock", rule: "", tenant: "", group: ""), row.bytes)
            isNowChanged = false
        }
        for key in clocks.takeChanged() {
            append(
                StateKey(kind: "source", rule: "", tenant: key.tenant, group: key.source),
                clocks.tenants[key.tenant]?[key.source].map(StateEncoder.encode))
        }
        for index in states.indices where !isKnown[index] {
            var row = StateEncoder()
            row.add(fixed: states[index].plan.definition)
            append(StateKey(kind: "rule", rule: states[index].plan.rule, tenant: "", group: ""), row.bytes)
            isKnown[index] = true
        }
        for index in states.indices {
            let plan = states[index].plan
            for (key, tenant) in states[index].takeChanged() {
                append(
                    StateKey(kind: "group", rule: plan.rule, tenant: tenant, group: key.name),
                    states[index].groups[key].map { StateEncoder.encode($0, plan: plan) })
            }
            if let additions = states[index].seen?.additions, let pages = states[index].seen?.takePages() {
                for (page, words) in pages {
                    var row = StateEncoder()
                    row.add(UInt64(limits.groupsPerRule))
                    row.add(UInt64(additions))
                    for word in words { row.add(fixed: word) }
                    append(StateKey(kind: "seen", rule: plan.rule, tenant: "", group: "\(page)"), row.bytes)
                }
            }
            if states[index].isPressureChanged, let period = states[index].pressedIn {
                var row = StateEncoder()
                row.add(signed: period)
                append(StateKey(kind: "pressure", rule: plan.rule, tenant: "", group: ""), row.bytes)
                states[index].isPressureChanged = false
            }
        }
        return changes
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
        groupCount = states.reduce(0) { $0 + $1.groups.count }
        metrics.groups = groupCount
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
        case "rule":
            guard let index = byRule[row.key.rule], decoder.fixed() == states[index].plan.definition else { return false }
            isKnown[index] = true
        case "group":
            guard let index = byRule[row.key.rule] else { return false }
            let plan = states[index].plan
            guard let group = decoder.group(tenant: row.key.tenant, plan: plan) else { return false }
            let key = GroupKey(tenant: row.key.tenant, values: group.values.map(\.utf8))
            guard key.name == row.key.group else { return false }
            states[index].restore(group, key: key)
        case "seen":
            guard let index = byRule[row.key.rule], let page = Int(row.key.group), decoder.number() == UInt64(limits.groupsPerRule),
                let additions = decoder.number()
            else { return false }
            var words: [UInt64] = []
            while let word = decoder.fixed() { words.append(word) }
            if states[index].seen == nil { states[index].seen = SeenKeys(capacity: limits.groupsPerRule) }
            guard states[index].seen?.restore(page: page, words: words, additions: Int(clamping: additions)) == true else { return false }
        case "pressure":
            guard let index = byRule[row.key.rule], let period = decoder.signed() else { return false }
            states[index].pressedIn = period
        default: return false
        }
        return true
    }
}
