import AuditEvents
import DatabaseTesting
import Detection
import PostgreSQL
import Testing

@testable import Projections

@Suite("Rules are replaced at work")
struct RulesAtWorkTests {
    private static func rules(_ thresholds: [(id: String, least: Int)]) throws -> RuleSet {
        var yaml = """
            title: Failed sign-in
            name: failed
            logsource: {category: authentication}
            detection: {selection: {type: authn_login_fail}, condition: selection}

            """
        for rule in thresholds {
            yaml += """
                ---
                title: \(rule.id)
                id: \(rule.id)
                correlation: {type: event_count, rules: [failed], group-by: [client_ip], timespan: 1h, condition: {gte: \(rule.least)}}

                """
        }
        return try RuleSet(files: [("rules.yml", Array(yaml.utf8))])
    }

    private func failures(_ range: Range<Int>, from start: Timestamp) -> [AuditEvent] {
        range.map { place in
            AuditEvent(
                header: EventHeader(
                    id: EventID(time: start.advanced(bySeconds: Int64(place))), source: "api", type: .loginFailure, outcome: .failure),
                body: EventBody(actor: .init(name: "ann"), client: .init(ip: "192.0.2.1")))
        }
    }

    @Test("half an attack before and half after is one attack, for the rules that stay and for those that come", arguments: [1, 4])
    func replaced(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            let start = Timestamp.now().advanced(bySeconds: -600)
            func alerts() async throws -> [String] {
                try await bed.pool.query("select rule_id || ' ' || count from audit.alert order by rule_id", as: String.self)
            }
            let atWork = RulesAtWork(try Self.rules([("stays", 8), ("goes", 2)]))
            let worker = Worker(
                pool: bed.pool, listening: bed.database.configuration(role: "cardea_worker"), configuration: .init(id: "w"), rules: atWork,
                logger: .quiet)
            try await bed.withRunning(worker) {
                try await bed.store(failures(0..<5, from: start))
                try await eventually("it is folded") { try await bed.isIdle() }
                #expect(try await alerts() == ["goes 5"])
                atWork.replace(try Self.rules([("stays", 8), ("comes", 7), ("late", 4)]), geo: nil)
                try await bed.store(failures(5..<8, from: start))
                try await eventually("it is folded") { try await bed.isIdle() }
            }
            #expect(try await alerts() == ["comes 8", "goes 5", "late 8", "stays 8"])
            let rules = try await bed.pool.query(
                "select distinct rule from audit.detection_state where rule <> '' order by rule", as: String.self)
            #expect(rules == ["comes", "late", "stays"], "of a rule that is gone nothing is kept")
        }
    }
}
