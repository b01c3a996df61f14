import AuditEvents
import AuditTesting

@testable import Detection

/// A generated rule, its events in the order of time, and what the definition of an alert says about them.
struct CorrelationCase {
    static let second: Int64 = 1_000_000
    static let start: Int64 = 1_767_225_600 * second

    let isValueCount: Bool
    let threshold: Int
    let timespan: Int
    let suppress: Int
    let lateness: Int
    let events: [SealedEvent]
    let rules: RuleSet

    /// - Parameter isHammered: whether one account has nearly all events, many in each second.
    init(seed: Int, isHammered: Bool = false) throws {
        var random = SeededGenerator(seed: seed)
        isValueCount = isHammered || Bool.random(using: &random)
        threshold = Int.random(in: 1...5, using: &random)
        timespan = Int.random(in: 2...12, using: &random)
        suppress = timespan + (Bool.random(using: &random) ? 0 : Int.random(in: 1...15, using: &random))
        lateness = Int.random(in: 0...40, using: &random)
        let density = Int.random(in: 1...8, using: &random)
        let groups = Int.random(in: 1...3, using: &random)
        let count = isHammered ? 300 : Int.random(in: 1...70, using: &random)
        var events: [SealedEvent] = []
        var time = Self.start
        for index in 0..<count {
            // Gaps in whole seconds, so that bounds of windows and equal times are met often.
            let pause = Int.random(in: 0...(isHammered ? 100 : 10), using: &random) == 0
            let step = isHammered ? Int.random(in: 0...9, using: &random) / 9 : Int.random(in: 0...density, using: &random)
            time += Int64(pause ? 30 : step) * Self.second
            let id = EventID(time: Timestamp(microseconds: time), entropy: random.next())
            let body = EventBody(
                actor: .init(
                    name: "user\(isHammered && Int.random(in: 0..<20, using: &random) > 0 ? 0 : Int.random(in: 0..<6, using: &random))"),
                client: .init(ip: "192.0.2.\(Int.random(in: 0..<groups, using: &random))"))
            let header = EventHeader(
                id: id, tenant: Int.random(in: 0...4, using: &random) == 0 ? "other" : "default", source: "sshd", type: .loginFailure,
                outcome: .failure)
            events.append(
                SealedEvent(
                    shard: 0, index: Int64(index), sealedAt: Timestamp(microseconds: Self.start + 1_000_000 * Self.second),
                    event: AuditEvent(header: header, body: body)))
        }
        self.events = events
        let yaml = Self.yaml(
            isValueCount: isValueCount, threshold: threshold, timespan: timespan, suppress: suppress, lateness: lateness)
        rules = try RuleSet(files: [("case.yml", Array(yaml.utf8))])
    }

    private static func yaml(isValueCount: Bool, threshold: Int, timespan: Int, suppress: Int, lateness: Int) -> String {
        """
        title: Failed sign-in
        name: failed
        logsource: {category: authentication}
        detection: {selection: {type: authn_login_fail}, condition: selection}
        ---
        title: Case
        id: case
        correlation:
            type: \(isValueCount ? "value_count" : "event_count")
            rules: [failed]
            group-by: [client_ip]
            timespan: \(timespan)s
            condition: {gte: \(threshold)\(isValueCount ? ", field: actor" : "")}
        cardea: {suppress: \(suppress)s, lateness: \(lateness)s}
        """
    }

    /// The events in another order, in which none is later than the lateness: each is put behind others by less than that.
    func shuffled(_ random: inout SeededGenerator) -> [SealedEvent] {
        let delayed = events.map { event in
            (event.event.time.microseconds + Int64.random(in: 0...Int64(lateness) * Self.second, using: &random), event)
        }
        return delayed.sorted { ($0.0, $0.1.event.id) < ($1.0, $1.1.event.id) }.enumerated().map { index, delayed in
            var event = delayed.1
            event.index = Int64(index)
            return event
        }
    }

    /// The definition of an alert, written down as it is said: a fold over each group's hits in the order of time.
    func reference() -> Set<AlertBook.Entry> {
        struct Key: Hashable { var tenant: String, ip: String }
        var alerts: Set<AlertBook.Entry> = []
        let groups = Dictionary(grouping: events) { Key(tenant: $0.event.header.tenant, ip: $0.event.body.client?.ip ?? "") }
        for (key, members) in groups {
            let hits = members.map(\.event).sorted { $0.id < $1.id }
            var counted: [AuditEvent] = []
            var open: [AuditEvent] = []
            func close() {
                if let alert = AlertBook.Entry(open, tenant: key.tenant, ip: key.ip) { alerts.insert(alert) }
                open = []
            }
            for hit in hits {
                if let last = open.last {
                    if hit.time.microseconds(since: last.time) <= Int64(suppress) * Self.second {
                        open.append(hit)
                        continue
                    }
                    close()
                }
                counted.append(hit)
                let window = counted.filter { $0.time.microseconds > hit.time.microseconds - Int64(timespan) * Self.second }
                let number = isValueCount ? Set(window.map { $0.body.actor?.name }).count : window.count
                if number >= threshold {
                    open = window
                    counted = []
                }
            }
            close()
        }
        return alerts
    }
}
