import AuditEvents
import Detection
import PostgreSQL
import Testing

@testable import Alerting

@Suite("Who is told")
struct RoutingTests {
    static let two = """
        receivers:
            all: {type: webhook, url: 'http://127.0.0.1:1/a', allow_private: true}
            some: {type: webhook, url: 'http://127.0.0.1:1/b', allow_private: true, resolved: false, repeat: 1h}
            am: {type: alertmanager, url: 'http://127.0.0.1:1', allow_private: true}
        routes:
            - {receivers: [all]}
            - {receivers: [some, all], severity: critical}
            - {receivers: some, rules: [wanted], tenants: [acme]}
            - {receivers: am, tenants: [other]}
        """

    @Test("each receiver of each route that matches is told once, and of the end those that know of the beginning")
    func routes() async throws {
        try await withAlertBed { bed in
            let settings = try AlertBed.settings(Self.two)
            try await bed.apply(.open(bed.alert()), .open(bed.alert("192.0.2.2", rule: "wanted")))
            try await bed.route(settings)
            #expect(try await bed.plan() == ["all firing", "all firing", "some firing"])
            for alert in [bed.alert(), bed.alert("192.0.2.2", rule: "wanted")] {
                let found = try await bed.worker.query(
                    "select id::text from audit.alert where rule_id = \(alert.ruleID)", as: String.self)[0]
                let stored = try #require(try await bed.responder.withConnection { try await AlertStore().find(found, $0) }.first)
                _ = try await bed.desk.change(stored, .resolve, by: "ann")
            }
            try await bed.route(settings)
            #expect(try await bed.plan().dropFirst(3) == ["all resolved", "all resolved"])
            #expect(try await bed.count("audit.outbox") == 0)
        }
    }

    @Test("a silence defers what is told; over it goes by when the alert is over, and its end is told in spite of it")
    func silences() async throws {
        try await withAlertBed { bed in
            let settings = try AlertBed.settings(Self.two)
            let (known, held, over) = (bed.alert(), bed.alert("192.0.2.2"), bed.alert("192.0.2.3"))
            try await bed.apply(.open(known))
            try await bed.route(settings)
            let silence = try await bed.desk.silence([try AlertMatcher("rule=brute_force")], seconds: 3600, by: "ann", comment: "test")
            try await bed.apply(.open(held), .open(over))
            try await bed.route(settings)
            #expect(try await bed.plan() == ["all firing"])
            #expect(try await bed.count("audit.outbox") == 2)
            for alert in [known, over] { _ = try await bed.desk.change(try await bed.stored(alert.id), .resolve, by: "ann") }
            try await bed.force("update audit.outbox set due_at = clock_timestamp()")
            try await bed.route(settings)
            #expect(try await bed.plan() == ["all firing", "all resolved"])
            #expect(try await bed.count("audit.outbox") == 1)
            try await bed.desk.expire(silence.id, by: "ann")
            try await bed.force("update audit.outbox set due_at = clock_timestamp()")
            try await bed.route(settings)
            #expect(try await bed.plan() == ["all firing", "all resolved", "all firing"])
            #expect(try await bed.deliveries().last?.alert.id == held.id.description)
            #expect(try await bed.count("audit.outbox") == 0)
        }
    }

    @Test("an inhibited alert waits for the one that mutes it")
    func inhibition() async throws {
        try await withAlertBed { bed in
            let settings = try AlertBed.settings(Self.two)
            let inhibitions = [try Inhibition("rule=big mutes rule=brute_force equal client_ip")]
            let big = bed.alert(rule: "big")
            try await bed.apply(.open(big), .open(bed.alert()))
            try await bed.route(settings, inhibitions: inhibitions)
            #expect(try await bed.plan() == ["all firing"])
            _ = try await bed.desk.change(try await bed.stored(big.id), .resolve, by: "ann")
            try await bed.force("update audit.outbox set due_at = clock_timestamp()")
            try await bed.route(settings, inhibitions: inhibitions)
            // The end was written after what waited.
            #expect(try await bed.plan().sorted() == ["all firing", "all firing", "all resolved"])
        }
    }

    @Test("who has told nobody that it is seen is told again; Alertmanager as long as it is active")
    func repeats() async throws {
        try await withAlertBed { bed in
            let settings = try AlertBed.settings(
                """
                receivers:
                    hook: {type: webhook, url: 'http://127.0.0.1:1/a', allow_private: true}
                    am: {type: alertmanager, url: 'http://127.0.0.1:1', allow_private: true}
                    once: {type: webhook, url: 'http://127.0.0.1:1/c', allow_private: true, repeat: never}
                """)
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            try await bed.route(settings)
            let later = "update audit.delivery set repeat_at = clock_timestamp() where repeat_at is not null"
            let delivered = "update audit.delivery set state = 'delivered', finished_at = clock_timestamp() where state = 'pending'"
            // While the first is on its way nothing is repeated.
            try await bed.force(later)
            try await bed.route(settings)
            #expect(try await bed.plan() == ["hook firing", "am firing", "once firing"])
            for statement in [delivered, later] { try await bed.force(statement) }
            try await bed.route(settings)
            #expect(try await bed.plan().dropFirst(3).sorted() == ["am firing", "hook firing"])
            _ = try await bed.desk.change(try await bed.stored(alert.id), .acknowledge, by: "ann")
            for statement in [delivered, later] { try await bed.force(statement) }
            try await bed.route(settings)
            // Of its repetitions the last is kept.
            #expect(try await bed.plan().dropFirst(3) == ["hook firing", "am firing"])
            _ = try await bed.desk.change(try await bed.stored(alert.id), .resolve, by: "ann")
            for statement in [delivered, later] { try await bed.force(statement) }
            try await bed.route(settings)
            #expect(try await bed.plan() == ["hook firing", "am firing", "once firing", "hook resolved", "am resolved", "once resolved"])
            try await bed.force(later)
            try await bed.route(settings)
            #expect(try await bed.count("audit.delivery") == 6)
        }
    }

    @Test("two that route at once tell nobody twice")
    func race() async throws {
        try await withAlertBed { bed in
            let settings = try AlertBed.settings(Self.two)
            for number in 0..<40 { try await bed.apply(.open(bed.alert("192.0.2.\(number)"))) }
            await withTaskGroup { group in
                for _ in 0..<4 { group.addTask { try? await bed.route(settings) } }
            }
            try await bed.route(settings)
            #expect(try await bed.count("audit.delivery") == 40)
            #expect(try await bed.count("audit.outbox") == 0)
        }
    }

    @Test("where nobody is to be told, news is kept for an hour and then forgotten")
    func nobody() async throws {
        try await withAlertBed { bed in
            try await bed.apply(.open(bed.alert()))
            try await bed.worker.withTransaction { try await DeliveryStore().tidy(DeliverySettings(), $0) }
            #expect(try await bed.count("audit.outbox") == 1)
            try await bed.force("update audit.outbox set created_at = created_at - interval '61 minutes'")
            try await bed.worker.withTransaction { try await DeliveryStore().tidy(DeliverySettings(), $0) }
            #expect(try await bed.count("audit.outbox") == 0)
        }
    }
}
