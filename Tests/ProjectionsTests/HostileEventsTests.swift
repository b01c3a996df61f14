import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@testable import Projections

/// Rows that no append of Cardea's would make, put beside ordinary events by whoever owns the database.
@Suite("Hostile events")
struct HostileEventsTests {
    private struct Row {
        var time: Timestamp
        var tenant: String
        var source: String
        var type: String
        var outcome: String
        var reason: String?
        var severity: Int16
        var actorKind: String
        var sensitivity: String?
        var method: String?
        var route: String?
        var status: Int16?
        var duration: Int64?
        var body: String?
    }

    private static let texts = [
        "", " ", "\u{202e}evil\u{2066}", "a\u{301}\u{301}\u{301}", "'; drop table audit.event; --", "\"{}[]\\",
        "\u{1F469}\u{200D}\u{1F4BB}", "null", "%s%n",
        "192.0.2.1", String(repeating: "x", count: 3000), String(repeating: "é\u{0}".replacing("\u{0}", with: "\u{1}"), count: 2000),
        String((0..<9000).map { Character(UnicodeScalar(0x4e00 + $0 * 7 % 20000) ?? "x") }),
    ]
    private static let types = [
        "authn_login_fail", "authn_login_success", "authn_token_revoked", "excess_rate_limit_exceeded", "http_request", "session_created",
        "audit_heartbeat", "audit_import", "audit_alert_opened", "audit_event_quarantined", "nonsense", "",
    ]
    private static let bodies = [
        "null", "[]", "7", "\"text\"", "{}", #"{"actor":7,"client":[],"details":"x","path":{}}"#,
        #"{"actor":{"name":{"a":[1]}},"client":{"ip":"not an ip","port":99999999}}"#,
        #"{"client":{"ip":"192.0.2.1; --","user_agent":[]},"details":{"lost":1e400,"n":-1e308,"x":123456789012345678901234567890}}"#,
        #"{"details":"# + String(repeating: #"{"a":"#, count: 400) + "1" + String(repeating: "}", count: 400) + "}",
        "{\"details\":{" + (0..<3000).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}}",
        "{\"actor\":{\"name\":\"\(String(repeating: "n", count: 500_000))\"},\"client\":{\"ip\":\"192.0.2.9\"}}",
        "{\"path\":\"/\(String(repeating: "%2e%2e/", count: 20_000))\",\"client\":{\"ip\":\"192.0.2.9\"}}",
        #"{"token":{"fingerprint":"fp_é"},"session":"","actor":{"name":""},"client":{"ip":"2001:db8::ffff:ffff:ffff:ffff"}}"#,
    ]

    private func row(_ random: inout SeededGenerator) -> Row {
        func text() -> String { Self.texts.randomElement(using: &random) ?? "" }
        func maybe(_ value: String) -> String? { Bool.random(using: &random) ? value : nil }
        return Row(
            time: Timestamp.now().advanced(bySeconds: -Int64.random(in: 0...3000, using: &random)),
            tenant: Bool.random(using: &random) ? "acme" : text(), source: text(), type: Self.types.randomElement(using: &random) ?? "",
            outcome: Bool.random(using: &random) ? "failure" : text(), reason: maybe(text()),
            severity: [0, 1, -32768, 32767].randomElement(using: &random) ?? 0, actorKind: text(), sensitivity: maybe(text()),
            method: maybe(text()), route: maybe(text()), status: [nil, 200, -1, 32767, -32768].randomElement(using: &random) ?? nil,
            duration: [nil, 0, -1, .max, .min].randomElement(using: &random) ?? nil,
            body: maybe(Self.bodies.randomElement(using: &random) ?? "{}"))
    }

    private func insert(_ rows: [Row], _ bed: WorkerBed) async throws {
        let pool = bed.database.pool()
        try await pool.withTransaction { connection in
            for row in rows {
                let id = EventID(time: row.time)
                try await connection.execute(
                    """
                    insert into audit.event (
                        id, time, shard, severity, privileged, tenant, source, type, outcome, actor_kind, reason, sensitivity, method, route, status,
                        duration_us, body_hash, body)
                    values (
                        \(PostgresUUID(high: id.high, low: id.low)), \(PostgresTimestamp(row.time)), 0, \(row.severity), false, \(row.tenant),
                        \(row.source), \(row.type), \(row.outcome), \(row.actorKind), \(row.reason), \(row.sensitivity), \(row.method), \(row.route),
                        \(row.status), \(row.duration), '\\x00', \(row.body.map { PostgresJSON(text: $0) }))
                    """)
            }
        }
        await pool.close()
    }

    @Test("whatever a row holds, the shard goes on, ordinary events are folded, and an attack among them is found", arguments: 1...4)
    func generated(seed: Int) async throws {
        try await withWorkerBed(shards: 1) { bed in
            var random = SeededGenerator(seed: seed)
            func attack(_ second: Int64) -> AuditEvent {
                AuditEvent(
                    header: EventHeader(
                        id: EventID(time: .now().advanced(bySeconds: second - 60)), tenant: "acme", source: "app", type: .loginFailure,
                        outcome: .failure),
                    body: EventBody(actor: .init(name: "ada"), client: .init(ip: "198.51.100.7")))
            }
            for round in 0..<4 {
                try await insert((0..<60).map { _ in row(&random) }, bed)
                try await bed.store((0..<3).map { attack(Int64(round * 3 + $0)) })
            }
            for _ in 0..<2 { try await bed.worker(batch: 50).runUntilIdle() }
            #expect(try await bed.isIdle())
            let alerts = try await bed.pool.query(
                "select count from audit.alert where group_by ->> 'client_ip' = '198.51.100.7' and tenant = 'acme'", as: Int64.self)
            #expect(alerts.contains(12), "\(alerts)")
            let schema = try #require(try await bed.generations.all().first { $0.name == "failed_login" && $0.isLive }).schema
            let failures = try await bed.pool.query(
                "select failures from \(unsafe: schema).failed_login where kind = 'account' and subject = 'ada' and tenant = 'acme'",
                as: Int64.self)
            #expect(failures == [12])
            // What was set aside is told, but what tells of something set aside.
            let aside = try await bed.pool.query("select projection || ' ' || reason from audit.quarantine", as: String.self)
            #expect(aside.count < 40, "\(aside)")
        }
    }
}
