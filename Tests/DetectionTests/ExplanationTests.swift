import AuditEvents
import AuditTesting
import Testing

@testable import Detection

@Suite("Explaining an alert")
struct ExplanationTests {
    static let yaml = """
        title: Failed
        name: failed
        logsource: {category: authentication}
        detection:
            failure:
                type: authn_login_fail
                user|startswith: [ro, adm]
            grave:
                - sc-status|gte: 400
                - reason: null
            own:
                client_ip|cidr: 10.0.0.0/8
            condition: failure and 1 of grave* and not own
        ---
        title: Many failed
        id: many
        correlation:
            type: event_count
            rules: [failed]
            group-by: [client_ip]
            timespan: 1m
            condition: {gte: 3}
        ---
        title: Something else
        id: other
        logsource: {category: authentication}
        detection:
            a: {type: authn_login_success}
            condition: a
        """

    private func rules() throws -> RuleSet { try RuleSet(files: [(name: "x.yml", yaml: Array(Self.yaml.utf8))]) }

    private func event(_ user: String = "root", at seconds: Int64 = 0, type: EventType = .loginFailure, ip: String = "192.0.2.1")
        -> AuditEvent
    {
        let time = (Timestamp("2026-11-20T12:00:00Z") ?? .epoch).advanced(bySeconds: seconds)
        return AuditEvent(
            header: EventHeader(id: EventID(time: time), source: "s", type: type, outcome: .failure, status: 401),
            body: EventBody(actor: .init(name: user), client: .init(ip: ip)))
    }

    @Test("each test that an event passed is named with what the event had; of several values the one that matched")
    func predicates() throws {
        let found = try rules().explain(event(), for: "many")
        #expect(found.map(\.ruleTitle) == ["Failed"])
        let texts = found[0].predicates.map { "\($0.selection) \($0.field ?? "") \($0.test): \($0.values.joined(separator: ","))" }
        #expect(
            texts == [
                "failure type authn_login_fail: authn_login_fail", "failure user ro*: root", "grave sc-status gte 400: 401",
                "grave reason is empty: ",
            ], "\(texts)")
    }

    @Test("an event that does not count has no explanation, and neither has a rule that is not there")
    func none() throws {
        let rules = try rules()
        #expect(rules.explain(event("bob"), for: "many") == [])
        #expect(rules.explain(event(ip: "10.1.2.3"), for: "many") == [])
        #expect(rules.explain(event(type: .loginSuccess), for: "many") == [])
        #expect(rules.explain(event(), for: "nosuch") == [])
        #expect(rules.explain(event(type: .loginSuccess), for: "other").count == 1)
    }

    @Test("judged again, in whatever order they come, the events show which one met the condition and what was in its window")
    func replay() throws {
        let rules = try rules()
        let sealed = [0, 100, 110, 120, 130].enumerated().map { place, offset in
            let event = event(at: Int64(offset))
            return SealedEvent(shard: 0, index: Int64(place), sealedAt: event.time, event: event)
        }
        for events in [sealed, sealed.reversed()] {
            let replay = try #require(rules.replay(events, for: "many"))
            #expect(replay.fired == sealed[3].event.id)
            #expect(replay.window == sealed[1...3].map(\.event.id))
            #expect(replay.count == 4 && replay.timespanMicroseconds == 60_000_000 && replay.groupBy == ["client_ip"])
        }
        #expect(rules.replay([], for: "many")?.fired == nil)
        #expect(rules.replay(sealed, for: "nosuch") == nil)
    }

    @Test("a rule that waits until all have come is judged again as well")
    func settledReplay() throws {
        let yaml = Self.yaml.replacing("condition: {gte: 3}", with: "condition: {eq: 3}")
        let rules = try RuleSet(files: [(name: "x.yml", yaml: Array(yaml.utf8))])
        let sealed = [0, 10, 20, 30].enumerated().map { place, offset in
            let event = event(at: Int64(offset))
            return SealedEvent(shard: 0, index: Int64(place), sealedAt: event.time, event: event)
        }
        for events in [sealed, sealed.reversed()] {
            let replay = try #require(rules.replay(events, for: "many"))
            #expect(replay.fired == sealed[2].event.id, "the fourth is one too many")
            #expect(replay.window == sealed[..<3].map(\.event.id) && replay.count == 3)
        }
    }

    @Test("what a correlation of correlations met its condition with is found among all events, for its alert holds but those that fired")
    func chainReplay() throws {
        let yaml =
            Self.yaml + """

                ---
                title: Success after many failures
                id: chain
                correlation:
                    type: temporal_ordered
                    rules: [many, other]
                    group-by: [client_ip]
                    timespan: 5m
                """
        let rules = try RuleSet(files: [(name: "x.yml", yaml: Array(yaml.utf8))])
        let events =
            [0, 5, 10].map { event(at: $0) } + [
                event(at: 20, ip: "192.0.2.9"), event("root", at: 30, type: EventType("authn_login_success")),
            ]
        let sealed = events.enumerated().map { place, event in
            SealedEvent(shard: 0, index: Int64(place), sealedAt: event.time, event: event)
        }
        var engine = DetectionEngine(rules: rules)
        let opened = (engine.process(sealed) + engine.finish()).compactMap { if case .open(let alert) = $0 { alert } else { nil } }
        let alert = try #require(opened.first { $0.ruleID == "chain" })
        let own = sealed.filter { sealed in alert.events.contains { $0.id == sealed.event.id } }
        #expect(own.count == 2 && rules.replay(own, for: "chain")?.fired == nil)
        let replay = try #require(rules.replay(sealed.shuffled(), for: "chain", alert: alert.id))
        #expect(replay.fired == sealed[4].event.id && replay.window == own.map(\.event.id))
        #expect(rules.replay(sealed, for: "chain", alert: AlertID(high: 1, low: 1))?.fired == nil)
    }

    @Test("a definition holds the rule and those that it counts, nothing else, and is what it was made of")
    func definition() throws {
        let rules = try rules()
        let many = try #require(rules.definition(of: "many"))
        #expect(
            many.source.contains("title: Failed") && many.source.contains("title: Many failed") && !many.source.contains("Something else"))
        #expect(many.idleAfterMicroseconds == 360_000_000 && many.digest.utf8.count == 32)
        let other = try #require(rules.definition(of: "other"))
        #expect(other.source.contains("Something else") && !other.source.contains("Many") && other.digest != many.digest)
        #expect(rules.definition(of: "failed") == nil, "it raises no alert")
        #expect(rules.definition(of: "many") == many)
    }

    @Test("every rule of the pack can be read again from its definition, and is the same")
    func pack() throws {
        let pack = try RuleSet.builtIn()
        for correlation in pack.correlations {
            let definition = try #require(pack.definition(of: correlation.id))
            let again = try RuleSet(files: [(name: "again", yaml: Array(definition.source.utf8))])
            #expect(again.definition(of: correlation.id) == definition, "\(correlation.title)")
        }
    }
}

@Suite("Expressions that match a whole text")
struct LinearPatternTests {
    @Test(
        "the whole text must match",
        arguments: [
            ("a|bc", "bc", true), ("a|bc", "abc", false), ("", "", true), ("", "x", false), (".*", "é\u{301}", true),
            ("(?i)AB", "ab", true), ("^a$", "a", true),
        ])
    func whole(pattern: String, text: String, expected: Bool) throws { #expect(try LinearPattern(pattern).matches(text) == expected) }

    @Test(
        "what cannot be matched in linear time, or closes what it did not open, is refused",
        arguments: ["(", "a)|(b", "(a)\\1", "(?=a)", "a{2000}", "a\\"])
    func refused(pattern: String) { #expect(throws: LinearPattern.Refusal.self) { try LinearPattern(pattern) } }
}
