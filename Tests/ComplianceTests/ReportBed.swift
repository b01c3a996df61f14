import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@testable import Compliance

/// A record of generated events around two days on whose border the clocks of Berlin changed, and what a test asks of it.
struct ReportBed: Sendable {
    let owner: PostgresPool
    let reader: PostgresPool
    let writer: PostgresPool
    let events: [AuditEvent]

    static let zone = "Europe/Berlin"
    static let (first, last) = ("2026-03-28", "2026-03-29")

    func period(tenants: [String] = []) async throws -> ReportPeriod {
        try await reader.withConnection {
            try await .resolve(since: ReportBed.first, until: ReportBed.last, zone: ReportBed.zone, tenants: tenants, $0)
        }
    }

    func report(_ framework: ReportFramework = .pciDSS, tenants: [String] = []) async throws -> Report {
        try await ReportReader.read(framework, try await period(tenants: tenants), reader)
    }

    /// How many events a condition of the test's own holds for, in days of the zone instead of moments.
    func count(_ condition: String, tenants: [String] = []) async throws -> Int64 {
        let inside = tenants.isEmpty ? "" : "and tenant in (\(tenants.map { SQL.quoted(literal: $0) }.joined(separator: ",")))"
        return try await owner.query(
            """
            select count(*) as n from audit.event
            where (time at time zone 'Europe/Berlin')::date in ('2026-03-28', '2026-03-29') \(unsafe: inside) and (\(unsafe: condition))
            """)[0].decode("n", as: Int64.self)
    }

    static let hostile = "=cmd|' /C calc'!A0<script>alert(1)</script>\"&\u{202e}"

    static let types: [String] = [
        "authn_login_success", "authn_login_successafterfail", "authn_login_fail", "authn_login_lock", "authn_token_rejected", "authz_fail",
        "authz_success", "authz_change", "authz_admin", "user_created", "user_updated", "authn_password_change", "authn_token_created",
        "session_expired", "session_created", "http_request", "sensitive_read", "sys_startup", "sys_shutdown", "sys_crash",
        "audit_heartbeat",
        "audit_export_made", "audit_export_fetched", "audit_verified", "audit_verification_failed", "audit_review_attested",
        "audit_hold_placed",
        "audit_subject_erased", "audit_query_run", "userland", "authnx",
    ]

    static func generated(seed: Int) -> [AuditEvent] {
        var generator = SeededGenerator(seed: seed)
        let edges = [
            "2026-03-27T22:59:59.999999Z", "2026-03-27T23:00:00Z", "2026-03-28T22:59:59.999999Z", "2026-03-28T23:00:00Z",
            "2026-03-29T00:59:59Z",
            "2026-03-29T01:00:00Z", "2026-03-29T21:59:59.999999Z", "2026-03-29T22:00:00Z", "2026-03-29T23:00:00Z",
        ].compactMap { Timestamp($0) }
        return (0..<1500).map { number in
            let time =
                number < 300
                ? edges[number % edges.count]
                : Timestamp(microseconds: 1_774_600_000_000_000 + Int64.random(in: 0..<260_000_000_000, using: &generator))
            let type = types.randomElement(using: &generator) ?? ""
            var header = EventHeader(
                id: EventID(time: time, entropy: generator.next()),
                tenant: ["acme", "globex", "default"].randomElement(using: &generator) ?? "",
                source: ["shop", "api"].randomElement(using: &generator) ?? "", type: EventType(type),
                outcome: type.hasSuffix("_fail") ? .failure : Outcome.allCases.randomElement(using: &generator) ?? .unknown,
                actorKind: .user, privileged: Int.random(in: 0..<3, using: &generator) == 0,
                sensitivity: [nil, nil, .normal, .personal, .restricted].randomElement(using: &generator) ?? nil)
            header.reason = ["bad_password", nil].randomElement(using: &generator) ?? nil
            var body = EventBody()
            if Int.random(in: 0..<5, using: &generator) > 0 {
                body.actor = .init(name: ["ann", "bob", "eve", hostile].randomElement(using: &generator) ?? "")
            }
            if Bool.random(using: &generator) { body.client = .init(ip: "203.0.113.7") }
            if let factor = ["password", "password+totp", nil].randomElement(using: &generator) ?? nil {
                body.details["factor"] = .string(factor)
            }
            return AuditEvent(header: header, body: body)
        }
    }

    /// Beats of one process a minute apart, of which numbers 5 and 6 are missing, and which ends without a word.
    static func beats() -> [AuditEvent] {
        let start = Timestamp("2026-03-28T10:00:00Z") ?? .epoch
        return [0, 1, 2, 3, 4, 7, 8].map { (sequence: Int64) in
            AuditEvent(
                header: EventHeader(
                    id: EventID(time: start.advanced(bySeconds: 60 * sequence), entropy: UInt64(sequence)), tenant: "acme",
                    source: "beating",
                    type: sequence == 0 ? .systemStartup : .auditHeartbeat, outcome: .success, actorKind: .system),
                body: EventBody(details: ["instance": "i1", "sequence": .int(sequence), "interval_seconds": 60]))
        }
    }
}

func withReportBed(_ body: (ReportBed) async throws -> Void) async throws {
    try await withTestDatabase { database in
        _ = try await Migrator(database.configuration(), logger: .quiet).migrate(shards: 2)
        let (owner, reader) = (database.pool(maximumConnections: 2), database.pool(role: "cardea_reader", maximumConnections: 2))
        let writer = database.pool(role: "cardea_worker", maximumConnections: 2)
        let events = ReportBed.generated(seed: 7) + ReportBed.beats()
        let encoder = EventEncoder()
        let log = PostgresEventLog(writer)
        _ = try await log.append(try events.map { try encoder.encode($0, now: .now()) })
        for shard in try await log.shards() { _ = try await log.seal(shard) }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(ReportBed(owner: owner, reader: reader, writer: writer, events: events))) } catch {
            outcome = .failure(error)
        }
        for pool in [owner, reader, writer] { await pool.close() }
        try outcome.get()
    }
}
