import AuditEvents
import AuditTesting
import Detection
import Testing

@testable import Alerting

@Suite("Silences and inhibition")
struct AlertSuppressionTests {
    static let now = Timestamp("2026-11-23T12:00:00Z") ?? .epoch

    private func alert(
        _ number: UInt64 = 1, tenant: String = "acme", rule: String = "scanning", severity: Severity = .medium,
        group: [String: String] = ["client_ip": "192.0.2.1"]
    ) -> AlertFacts {
        AlertFacts(
            id: AlertID(high: number, low: 0), tenant: tenant, ruleID: rule, ruleTitle: "Scanning for paths", severity: severity,
            group: group)
    }

    private func silence(_ matchers: String..., id: String = "s", from: Int64 = -60, to: Int64 = 60) throws -> Silence {
        try Silence(
            id: id, matchers: matchers.map { try AlertMatcher($0) }, startsAt: Self.now.advanced(bySeconds: from),
            endsAt: Self.now.advanced(bySeconds: to), author: "ann", comment: "test", createdAt: Self.now)
    }

    @Test(
        "a matcher compares a label of the alert with a value, by bytes, or with an expression that must match the whole",
        arguments: [
            ("rule=scanning", true), ("rule=Scanning for paths", true), ("rule=scan", false), ("rule!=scanning", false),
            ("rule!=other", true),
            ("rule=~scan.*", true), ("rule=~can", false), ("rule!~scan.*", false), ("rule!~x|y", true), ("severity=medium", true),
            ("severity=~high|critical", false), ("severity!=low", true), ("tenant=acme", true), ("tenant=ACME", false),
            ("client_ip=192.0.2.1", true), ("client_ip=~192\\.0\\.2\\..*", true), ("client_ip=~192.0.2", false), ("actor=", true),
            ("actor!=", false), ("actor=root", false), ("actor!=root", true), ("group.client_ip=192.0.2.1", true), ("client_ip=", false),
            ("client_ip=~", false), ("actor=~", true), ("client_ip=~(?i)192.*", true), ("rule=~a|scanning", true),
        ])
    func matching(text: String, expected: Bool) throws {
        let matcher = try AlertMatcher(text)
        #expect(matcher.matches(alert()) == expected)
        #expect(matcher.description == text)
        #expect(try AlertMatcher(matcher.description) == matcher)
    }

    @Test("a group's field that a label hides is named with group. in front")
    func hidden() throws {
        let alert = alert(group: ["tenant": "inner"])
        #expect(try AlertMatcher("tenant=acme").matches(alert))
        #expect(try AlertMatcher("group.tenant=inner").matches(alert))
    }

    @Test(
        "what is no matcher is refused, with what would be one",
        arguments: ["", "rule", "=x", "!=x", "a b=c", "rule!x", "rule=~(", "rule=~a)|(b", "rule=~(a)\\1", "rule!~[", "rule=~(?=x)"])
    func refused(text: String) {
        let error = #expect(throws: AlertingError.self) { try AlertMatcher(text) }
        #expect(error?.code == .matcher)
        #expect(throws: AlertingError.self) { try AlertMatcher("a=" + String(repeating: "x", count: 2000)) }
    }

    @Test("an expression takes time in proportion to the text, whatever it is")
    func linear() throws {
        let matcher = try AlertMatcher("client_ip=~(a+)+b")
        let long = alert(group: ["client_ip": String(repeating: "a", count: 20_000)])
        let start = ContinuousClock.now
        #expect(!matcher.matches(long))
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test("all matchers of a silence must hold, from its beginning to before its end")
    func silences() throws {
        let suppression = AlertSuppression(silences: [try silence("rule=scanning", "client_ip=192.0.2.1")])
        #expect(suppression.verdict(for: alert(), at: Self.now) == .silenced(by: "s"))
        #expect(suppression.verdict(for: alert(group: ["client_ip": "192.0.2.2"]), at: Self.now) == .deliver)
        for (offset, expected) in [(-61, false), (-60, true), (0, true), (59, true), (60, false), (61, false)] as [(Int64, Bool)] {
            let verdict = suppression.verdict(for: alert(), at: Self.now.advanced(bySeconds: offset))
            #expect((verdict == .silenced(by: "s")) == expected, "\(offset)")
        }
        let two = AlertSuppression(silences: [try silence("rule=scanning", id: "a"), try silence("tenant=acme", id: "b", to: 90)])
        #expect(two.verdict(for: alert(), at: Self.now) == .silenced(by: "b"), "the one that ends last")
    }

    @Test("a silence that matches nothing in particular, ends first or never is refused")
    func silenceBounds() throws {
        #expect(throws: AlertingError.self) { try silence() }
        #expect(throws: AlertingError.self) { try silence("rule=x", from: 10, to: 10) }
        #expect(throws: AlertingError.self) { try silence("rule=x", from: 0, to: 400 * 86_400) }
        let many = try (0..<33).map { try AlertMatcher("l\($0)=x") }
        #expect(throws: AlertingError.self) {
            try Silence(
                id: "s", matchers: many, startsAt: Self.now, endsAt: Self.now.advanced(bySeconds: 1), author: "a", comment: "c",
                createdAt: Self.now)
        }
    }

    @Test(
        "an inhibition reads as a line and writes itself as one",
        arguments: [
            "rule=brute_force mutes severity=~low|medium equal client_ip", "severity=critical mutes severity!=critical",
            "rule=a tenant=b mutes rule=c rule!=d equal client_ip actor", "\"rule=Brute force from one address\" mutes severity=low",
        ])
    func inhibitionText(text: String) throws {
        let inhibition = try Inhibition(text)
        #expect(inhibition.description == text)
        #expect(try Inhibition(inhibition.description) == inhibition)
    }

    @Test(
        "what is no inhibition is refused",
        arguments: ["", "rule=a", "mutes rule=a", "rule=a mutes", "rule=a mutes equal x", "rule=a mutes \"rule=b", "rule mutes rule=b"])
    func inhibitionRefused(text: String) { #expect(throws: AlertingError.self) { try Inhibition(text) } }

    @Test("an active alert mutes others with the same labels, of its own tenant, and never itself or its like")
    func inhibition() throws {
        let inhibition = try Inhibition("severity=critical mutes severity=~low|medium|critical equal client_ip")
        let grave = alert(9, rule: "takeover", severity: .critical)
        let suppression = AlertSuppression(silences: [], inhibitions: [inhibition], active: [grave])
        #expect(suppression.verdict(for: alert(), at: Self.now) == .inhibited(by: grave.id))
        #expect(suppression.verdict(for: alert(severity: .high), at: Self.now) == .deliver)
        #expect(suppression.verdict(for: alert(tenant: "other"), at: Self.now) == .deliver)
        #expect(suppression.verdict(for: alert(group: ["client_ip": "192.0.2.2"]), at: Self.now) == .deliver)
        #expect(suppression.verdict(for: alert(group: [:]), at: Self.now) == .deliver, "a label that only one has differs")
        #expect(suppression.verdict(for: grave, at: Self.now) == .deliver)
        let like = alert(10, rule: "takeover", severity: .critical)
        #expect(
            AlertSuppression(silences: [], inhibitions: [inhibition], active: [grave, like]).verdict(for: like, at: Self.now) == .deliver)
        #expect(AlertSuppression(silences: [], inhibitions: [inhibition], active: []).verdict(for: alert(), at: Self.now) == .deliver)
        let both = AlertSuppression(silences: [try silence("tenant=acme")], inhibitions: [inhibition], active: [grave])
        #expect(both.verdict(for: alert(), at: Self.now) == .silenced(by: "s"), "a silence counts first")
    }

    @Test("the verdict is the same in whatever order silences and alerts are given", arguments: 0..<50)
    func order(seed: Int) throws {
        var random = SeededGenerator(seed: seed)
        var silences = try (0..<6).map { number in
            try silence(
                ["severity=medium", "client_ip=~192.*", "rule!=scanning", "tenant=acme"].randomElement(using: &random) ?? "",
                id: "s\(number)",
                from: Int64.random(in: -90 ... -1, using: &random), to: Int64.random(in: 0...90, using: &random))
        }
        var active = (0..<6).map { number in
            alert(UInt64(number), rule: "r\(number)", severity: Severity.allCases.randomElement(using: &random) ?? .low)
        }
        let inhibition = try Inhibition("severity=~high|critical mutes severity=~low|medium equal client_ip")
        let first = AlertSuppression(silences: silences, inhibitions: [inhibition], active: active).verdict(for: alert(99), at: Self.now)
        for _ in 0..<5 {
            silences.shuffle(using: &random)
            active.shuffle(using: &random)
            #expect(
                AlertSuppression(silences: silences, inhibitions: [inhibition], active: active).verdict(for: alert(99), at: Self.now)
                    == first)
        }
    }
}

@Suite("Watching for idle alerts")
struct IdleWatchTests {
    private func expiry(_ number: UInt64, _ seconds: Int64, tenant: String = "t") -> AlertExpiry {
        AlertExpiry(id: AlertID(high: number, low: 0), tenant: tenant, time: Timestamp(microseconds: seconds * 1_000_000))
    }

    private func due(_ watch: inout IdleWatch, _ seconds: Int64) -> [UInt64] {
        watch.due { _ in Timestamp(microseconds: seconds * 1_000_000) }.map(\.high)
    }

    @Test("an alert is due once event time has passed its last event by as long as its rule says, once")
    func due() {
        var watch = IdleWatch([expiry(1, 10), expiry(2, 20)])
        #expect(due(&watch, 10) == [])
        #expect(due(&watch, 11) == [1])
        #expect(due(&watch, 11) == [])
        watch.note(expiry(2, 30))
        #expect(due(&watch, 25) == [])
        #expect(due(&watch, 31) == [2])
        #expect(watch.count == 0)
        watch.note(expiry(1, 5))
        #expect(due(&watch, 31) == [1], "one that came alive again is watched again")
    }

    @Test("each tenant has its own event time")
    func tenants() {
        var watch = IdleWatch([expiry(1, 10, tenant: "a"), expiry(2, 10, tenant: "b")])
        #expect(watch.due { $0 == "a" ? Timestamp(microseconds: 11_000_000) : .minimum }.map(\.high) == [1])
        #expect(watch.due { _ in .maximum }.map(\.high) == [2])
    }

    @Test("what is due comes in portions, the earliest first")
    func portions() {
        var watch = IdleWatch((0..<2500).map { expiry($0, Int64(2500 - $0)) })
        let first = due(&watch, 9999)
        #expect(first.count == IdleWatch.most && first.first == 2499)
        #expect(due(&watch, 9999).count == 1000)
        #expect(due(&watch, 9999).count == 500)
        #expect(due(&watch, 9999) == [])
    }
}
