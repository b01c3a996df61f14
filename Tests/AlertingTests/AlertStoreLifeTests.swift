import AuditEvents
import PostgreSQL
import Testing

@testable import Alerting
@testable import Detection

@Suite("Alerts under detection and people")
struct AlertStoreLifeTests {
    private func states(_ bed: AlertBed, _ alerts: Alert...) async throws -> [String] {
        var states: [String] = []
        for alert in alerts { states.append(try await bed.stored(alert.id).state.rawValue) }
        return states
    }

    @Test("an event after a person's resolve reopens the alert; a false positive only counts it", arguments: [1, 4])
    func hits(shards: Int) async throws {
        try await withAlertBed(shards: shards) { bed in
            let (a, b) = (bed.alert("192.0.2.1"), bed.alert("192.0.2.2"))
            try await bed.apply(.open(a), .open(b))
            _ = try await bed.desk.change(bed.stored(a.id), .resolve, by: "ann")
            _ = try await bed.desk.change(bed.stored(b.id), .markFalsePositive, by: "ann", reason: "ours")
            try await bed.apply(bed.more(a, at: 100), bed.more(b, at: 100))
            #expect(try await states(bed, a, b) == ["reopened", "false_positive"])
            for alert in [a, b] { #expect(try await bed.stored(alert.id).count == 7) }
            let last = try #require(try await bed.history(a.id).last)
            #expect(last.kind == "reopened" && last.reason == "hits" && last.actor == nil)
            let told = try await bed.told().filter { $0.type == "audit_alert_reopened" }
            #expect(told.count == 1 && told[0].reason == "hits" && told[0].id == last.event?.description && told[0].actor == nil)
            try await bed.apply(bed.more(a, at: 110, count: 8))
            #expect(try await bed.told().filter { $0.type == "audit_alert_reopened" }.count == 1, "once")
        }
    }

    @Test("an idle alert is resolved by that, and a late event undoes it", arguments: [1, 4])
    func idle(shards: Int) async throws {
        try await withAlertBed(shards: shards) { bed in
            let (a, b) = (bed.alert("192.0.2.1"), bed.alert("192.0.2.2"))
            try await bed.apply(.open(a), .open(b))
            _ = try await bed.desk.change(bed.stored(a.id), .assign(to: "bob"), by: "ann")
            _ = try await bed.desk.change(bed.stored(b.id), .resolve, by: "ann")
            for _ in 0..<2 { try await bed.idle(a, b) }
            #expect(try await states(bed, a, b) == ["resolved", "resolved"])
            #expect(try await bed.stored(a.id).life.closing == .idle(from: .assigned))
            #expect(try await bed.stored(b.id).life.isIdle)
            #expect(try await bed.history(b.id).count == 1, "what a person closed is not closed again")
            #expect(try await bed.told().filter { $0.type == "audit_alert_resolved" }.map(\.reason) == [nil, "idle"])
            try await bed.apply(bed.more(a, at: 100))
            let after = try await bed.stored(a.id)
            #expect(after.state == .assigned && !after.life.isIdle && after.closedAt == nil && after.life.assignee == "bob")
        }
    }

    @Test("of one rule and group only the latest alert is active")
    func oneActive() async throws {
        try await withAlertBed { bed in
            let first = bed.alert(at: 0)
            let second = bed.alert(at: 10_000)
            let earlier = bed.alert(at: -10_000)
            let other = bed.alert("192.0.2.9", at: 5_000)
            try await bed.apply(.open(first))
            try await bed.apply(.open(second), .open(other))
            #expect(try await states(bed, first, second, other) == ["resolved", "open", "open"])
            try await bed.apply(.open(earlier))
            #expect(try await states(bed, first, second, earlier) == ["resolved", "open", "resolved"], "an older file")
            // A late event to the first: it is counted, and does not bring a second active alert about.
            let before = try await bed.told().count
            try await bed.apply(bed.more(first, at: 60))
            #expect(try await states(bed, first, second) == ["resolved", "open"])
            #expect(try await bed.stored(first.id).count == 7)
            #expect(try await bed.told().count == before, "what is done and undone at once is not told")
        }
    }

    @Test("of two alerts that turn out to be one the later ends, and what nobody has judged is open again")
    func merge() async throws {
        try await withAlertBed { bed in
            let (a, b) = (bed.alert(at: 0), bed.alert(at: 1000))
            try await bed.apply(.open(a))
            _ = try await bed.desk.change(bed.stored(a.id), .markFalsePositive, by: "ann", reason: "ours")
            try await bed.apply(.open(b))
            let seen = try await bed.stored(b.id)
            try await bed.apply(
                .merge(AlertMerge(absorbed: b.id, into: a.id, tenant: AlertBed.tenant)), bed.more(a, at: 500, count: 13))
            #expect(try await states(bed, a, b) == ["reopened", "merged"])
            #expect(try await bed.stored(b.id).mergedInto == a.id)
            #expect(try await bed.stored(a.id).count == 13)
            #expect(try await bed.told().map(\.type).suffix(2).sorted() == ["audit_alert_merged", "audit_alert_reopened"])
            let events = try await bed.worker.query(
                "select count(*) as n from audit.alert_event where alert = \(PostgresUUID(a.id))", as: Int64.self)
            #expect(events == [13])
            let error = await #expect(throws: AlertingError.self) { try await bed.desk.change(seen, .acknowledge, by: "ann") }
            #expect(error?.code == .conflict)
            let refused = await #expect(throws: AlertingError.self) {
                try await bed.desk.change(bed.stored(b.id), .note, by: "ann", reason: "x")
            }
            #expect(refused?.code == .transition)
        }
    }

    @Test("when the worker's transaction fails, nothing of the life is changed and nothing is told")
    func rollback() async throws {
        struct Undone: Error {}
        try await withAlertBed { bed in
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            _ = try await bed.desk.change(bed.stored(alert.id), .resolve, by: "ann")
            let before = try await bed.stored(alert.id)
            await #expect(throws: Undone.self) {
                try await bed.worker.withTransaction { connection in
                    try await AlertStore().apply([bed.more(alert, at: 99)], shard: bed.shard, in: connection)
                    throw Undone()
                }
            }
            #expect(try await bed.stored(alert.id) == before)
            #expect(try await bed.told().count == 2)
        }
    }

    @Test("the text of the rule is kept as it was, once, and says when the alert is idle")
    func rule() async throws {
        try await withAlertBed { bed in
            let rule = try #require(bed.rules.correlations.first { $0.metadata.name == "brute_force_address" })
            let (a, b) = (bed.alert("192.0.2.1", rule: rule.id), bed.alert("192.0.2.2", rule: rule.id))
            let expiries = try await bed.apply(.open(a), .open(b))
            #expect(expiries.map(\.time) == [a, b].map { $0.lastSeen.advanced(bySeconds: 600) }, "the timespan and the lateness")
            #expect(Set(try await bed.worker.withConnection { try await AlertStore().expiries(shard: bed.shard, $0) }) == Set(expiries))
            let digest = try #require(try await bed.stored(a.id).ruleDigest)
            let source = try #require(try await bed.responder.withConnection { try await AlertStore().ruleSource(digest, $0) })
            #expect(source.contains("title: Brute force from one address") && source.contains("name: failed_login"))
            let again = try RuleSet(files: [(name: "then", yaml: Array(source.utf8))])
            #expect(again.definition(of: rule.id)?.digest == digest, "what was kept is what it was made of")
            #expect(try await bed.worker.query("select count(*) as n from audit.rule_version", as: Int64.self) == [1])
        }
    }
}
