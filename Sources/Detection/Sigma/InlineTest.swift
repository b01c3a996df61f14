public import AuditEvents

/// A test that a rule carries: events at offsets, and the alerts that they must give.
///
/// ```yaml
/// cardea:
///     tests:
///         - name: the sixth failure fires
///           events:
///               - {at: 0s, every: 10s, repeat: 6, type: authn_login_fail, client_ip: 192.0.2.1, actor: "user{n}"}
///           alerts:
///               - {group: {client_ip: 192.0.2.1}, count: 6}
/// ```
/// `{n}` in a value stands for the repetition, from 0. Field names are Cardea's own.
public struct InlineTest: Sendable, Hashable {
    public struct Alert: Sendable, Hashable {
        /// The group's fields; a test may name fewer than the rule has.
        public var group: [String: String]
        public var count: Int
    }

    public var name: String
    /// The events, sealed in the order of the file.
    public var events: [SealedEvent]
    /// Every alert of the rule that must be there; no other may be.
    public var alerts: [Alert]
    /// Where the test's addresses are.
    public var geo: GeoFixture
    /// Where it stands, for messages.
    public var line: Int

    static let start = Timestamp(microseconds: 1_767_225_600_000_000)
    static let maximumEvents = 10_000

    static func parse(_ node: RuleNode) throws(RuleError) -> [InlineTest] {
        guard let elements = node.elements else { throw node.error(.structure, "tests must be a list") }
        var tests: [InlineTest] = []
        for element in elements { tests.append(try InlineTest(element)) }
        return tests
    }

    private init(_ node: RuleNode) throws(RuleError) {
        let members = try node.requireMembers("a test")
        try members.refuseOthers(than: ["name", "events", "alerts", "geo"], in: "a test")
        name = try members.require("name").requireText("name")
        line = node.line
        geo = try members["geo"].map { (node) throws(RuleError) in try GeoFixture(node) } ?? GeoFixture()
        events = []
        alerts = []
        let eventsNode = try members.require("events")
        guard let eventNodes = eventsNode.elements else { throw eventsNode.error(.structure, "events must be a list") }
        for element in eventNodes {
            let fields = try element.requireMembers("an event")
            let at = try fields["at"].map { (node) throws(RuleError) in try Duration(sigma: node, what: "at") } ?? .zero
            let every = try fields["every"].map { (node) throws(RuleError) in try Duration(sigma: node, what: "every") } ?? .zero
            let times = Int(fields["repeat"]?.scalar?.text ?? "1") ?? 0
            guard times >= 1, events.count + times <= Self.maximumEvents else {
                throw element.error(.value, "repeat must be from 1 to \(Self.maximumEvents)", construct: "repeat")
            }
            for n in 0..<times {
                let offset = at.microseconds + every.microseconds * Int64(n)
                let id = EventID(
                    time: Timestamp(microseconds: Self.start.microseconds + offset), entropy: UInt64(events.count + 1))
                var event = AuditEvent(header: EventHeader(id: id, source: "test", type: .httpRequest, outcome: .unknown))
                for key in fields.order where !["at", "every", "repeat"].contains(key) {
                    guard let value = fields[key] else { continue }
                    let text = try value.requireText(key).replacing("{n}", with: String(n))
                    guard FieldMap.set(key, to: text, in: &event) else {
                        throw value.error(
                            .value, "an event of a test has no such field, or not with this value", construct: "\(key): \(text)")
                    }
                }
                events.append(SealedEvent(shard: 0, index: 0, sealedAt: event.time, event: event))
            }
        }
        // However they are written, they happen in the order of their time.
        events.sort { $0.event.id < $1.event.id }
        for place in events.indices { events[place].index = Int64(place) }
        let alertsNode = try members.require("alerts")
        guard let alertNodes = alertsNode.elements else { throw alertsNode.error(.structure, "alerts must be a list") }
        for element in alertNodes {
            let fields = try element.requireMembers("an expected alert")
            try fields.refuseOthers(than: ["group", "count"], in: "an expected alert")
            var group: [String: String] = [:]
            if let groupNode = try fields["group"]?.requireMembers("group") {
                for key in groupNode.order { group[key] = groupNode[key]?.scalar?.text ?? "" }
            }
            let count = try fields.require("count")
            guard let number = Int(count.scalar?.text ?? "") else { throw count.error(.value, "count must be a whole number") }
            alerts.append(Alert(group: group, count: number))
        }
    }
}
