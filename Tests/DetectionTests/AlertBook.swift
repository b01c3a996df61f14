import AuditEvents
import Detection
import Testing

/// Alerts as a store would hold them: applies changes in order and complains of those that a store could not apply.
struct AlertBook {
    struct Entry: Hashable {
        var rule: String
        var tenant: String
        var group: [Alert.GroupField]
        var first: Timestamp
        var last: Timestamp
        var count: Int
        var events: Set<EventID>

        init(
            rule: String, tenant: String, group: [Alert.GroupField], first: Timestamp, last: Timestamp, count: Int, events: Set<EventID>
        ) {
            (self.rule, self.tenant, self.group) = (rule, tenant, group)
            (self.first, self.last, self.count, self.events) = (first, last, count, events)
        }

        /// The alert of a generated rule over these events of an address, in the order of time; nil without any.
        init?(_ events: [AuditEvent], tenant: String, ip: String) {
            guard let first = events.first, let last = events.last else { return nil }
            self.init(
                rule: "case", tenant: tenant, group: [.init(field: "client_ip", value: ip)], first: first.time, last: last.time,
                count: events.count, events: Set(events.map(\.id)))
        }
    }

    private(set) var alerts: [AlertID: Entry] = [:]

    mutating func apply(_ changes: [AlertChange], sourceLocation: SourceLocation = #_sourceLocation) {
        for change in changes {
            switch change {
            case .open(let alert):
                #expect(alerts[alert.id] == nil, "an alert is opened once", sourceLocation: sourceLocation)
                alerts[alert.id] = Entry(
                    rule: alert.ruleID, tenant: alert.tenant, group: alert.group, first: alert.firstSeen, last: alert.lastSeen,
                    count: alert.count, events: [])
                add(alert.events, to: alert.id, sourceLocation)
            case .extend(let more):
                #expect(alerts[more.id] != nil, "only an open alert is extended", sourceLocation: sourceLocation)
                alerts[more.id]?.first = more.firstSeen
                alerts[more.id]?.last = more.lastSeen
                alerts[more.id]?.count = more.count
                add(more.events, to: more.id, sourceLocation)
            case .merge(let merge):
                let absorbed = alerts.removeValue(forKey: merge.absorbed)
                #expect(absorbed != nil && alerts[merge.into] != nil, "two open alerts are merged", sourceLocation: sourceLocation)
                #expect(absorbed?.tenant == merge.tenant, sourceLocation: sourceLocation)
                for event in absorbed?.events ?? [] {
                    let isNew = alerts[merge.into]?.events.insert(event).inserted
                    #expect(isNew == true, "no event is in two alerts of a group", sourceLocation: sourceLocation)
                }
            }
        }
    }

    private mutating func add(_ events: [AlertEvent], to id: AlertID, _ sourceLocation: SourceLocation) {
        for event in events {
            let isNew = alerts[id]?.events.insert(event.id).inserted
            #expect(isNew == true, "an event joins an alert once", sourceLocation: sourceLocation)
        }
    }

    var entries: Set<Entry> { Set(alerts.values) }

    /// Every alert's count and times agree with its events.
    func expectConsistent(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(entries.count == alerts.count, "no two alerts are alike", sourceLocation: sourceLocation)
        for entry in alerts.values {
            #expect(entry.count == entry.events.count, sourceLocation: sourceLocation)
            #expect(entry.first == entry.events.map(\.time).min(), sourceLocation: sourceLocation)
            #expect(entry.last == entry.events.map(\.time).max(), sourceLocation: sourceLocation)
        }
    }
}
