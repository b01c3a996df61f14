import AuditEvents

/// Collects what happens to alerts while a batch is judged: one entry for an alert, however many events it takes up.
struct AlertJournal {
    struct Values {
        var firstSeen: Int64
        var lastSeen: Int64
        var count: Int
    }

    private var entries: [AlertChange] = []
    /// The events of each entry, kept apart so that they grow in place.
    private var events: [[AlertEvent]] = []
    private var places: [AlertID: Int] = [:]
    private(set) var opened = 0
    private(set) var merged = 0

    /// The changes, in order.
    consuming func changes() -> [AlertChange] {
        for place in entries.indices {
            switch entries[place] {
            case .open(var alert):
                alert.events = events[place]
                entries[place] = .open(alert)
            case .extend(var more):
                more.events = events[place]
                entries[place] = .extend(more)
            case .merge: break
            }
        }
        return entries
    }

    mutating func open(_ alert: Alert, with hits: some Sequence<Hit>) {
        opened += 1
        append(.open(alert), for: alert.id, hits)
    }

    mutating func extend(_ id: AlertID, tenant: String, _ values: Values, with hits: some Sequence<Hit>) {
        let first = Timestamp(microseconds: values.firstSeen)
        let last = Timestamp(microseconds: values.lastSeen)
        guard let place = places[id] else {
            let more = AlertExtension(id: id, tenant: tenant, firstSeen: first, lastSeen: last, count: values.count, events: [])
            return append(.extend(more), for: id, hits)
        }
        switch entries[place] {
        case .open(var alert):
            (alert.firstSeen, alert.lastSeen, alert.count) = (first, last, values.count)
            entries[place] = .open(alert)
        case .extend(var more):
            (more.firstSeen, more.lastSeen, more.count) = (first, last, values.count)
            entries[place] = .extend(more)
        case .merge: break
        }
        for hit in hits { events[place].append(hit.alertEvent) }
    }

    /// What follows for either alert comes after the merge.
    mutating func merge(_ absorbed: AlertID, into survivor: AlertID, tenant: String) {
        merged += 1
        places[absorbed] = nil
        places[survivor] = nil
        entries.append(.merge(AlertMerge(absorbed: absorbed, into: survivor, tenant: tenant)))
        events.append([])
    }

    private mutating func append(_ change: AlertChange, for id: AlertID, _ hits: some Sequence<Hit>) {
        places[id] = entries.count
        entries.append(change)
        events.append(hits.map(\.alertEvent))
    }
}
