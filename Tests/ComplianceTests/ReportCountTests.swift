import AuditEvents
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@testable import Compliance

@Suite("What reports count")
struct ReportCountTests {
    /// Counted here in other words than the sections use.
    private static let populations: [ReportTopic: String] = [
        .authentication: "type = any (array['authn_login_success', 'authn_login_successafterfail'])",
        .failures: "split_part(type, '_', 1) in ('authn', 'authz', 'session') and type <> 'authnx' and outcome in ('failure', 'denied')",
        .privileged: "privileged is true or type = 'authz_admin' or type = 'authz_change'",
        .lifeCycle: """
        type = any (array['user_created', 'user_updated', 'authz_change', 'authn_password_change', 'authn_token_created', 'authn_login_lock'])
        """,
        .sensitive: "coalesce(sensitivity, 'normal') <> 'normal' or starts_with(type, 'sensitive_')",
        .recordAccess: "type in ('audit_export_made', 'audit_export_fetched', 'audit_query_run')",
        .continuity: "type in ('sys_startup', 'sys_shutdown', 'sys_crash', 'audit_heartbeat')",
        .integrity: "type in ('audit_verified', 'audit_verification_failed')", .clocks: "true",
        .completeness: "split_part(type, '_', 1) not in ('audit', 'sys')",
        .custody: "type in ('audit_export_made', 'audit_export_fetched')",
    ]

    @Test("every section counts what an independent statement counts, over the change of the clocks, for all tenants and for some")
    func counts() async throws {
        try await withReportBed { bed in
            for tenants in [[], ["acme"], ["acme", "globex"]] {
                let report = try await bed.report(tenants: tenants)
                #expect(report.sections.map(\.topic) == ReportTopic.allCases)
                for section in report.sections {
                    guard let population = Self.populations[section.topic] else { continue }
                    let expected = try await bed.count(population, tenants: tenants)
                    #expect(section.count == expected && expected > 0, "\(section.topic.id) of \(tenants)")
                    for chart in section.charts {
                        #expect(chart.bars.allSatisfy { [ReportBed.first, ReportBed.last].contains($0.label) }, "\(section.topic.id)")
                        if ![.continuity, .review].contains(section.topic) {
                            #expect(chart.bars.reduce(0) { $0 + $1.value } == expected, "\(section.topic.id)")
                        }
                    }
                }
                let inTenants = tenants.isEmpty ? "true" : "tenant = any ('{\(tenants.joined(separator: ","))}')"
                let kept = try await bed.owner.query(
                    """
                    select count(*) from audit.event
                    where \(unsafe: inTenants) and time < '2026-03-30 00:00 Europe/Berlin'
                    """)[0].decode(0, as: Int64.self)
                #expect(report.sections[ReportTopic.retention.rawValue - 1].count == kept)
            }
        }
    }

    @Test("what stands out is counted as an independent statement counts it, and listed up to its bound")
    func exceptions() async throws {
        try await withReportBed { bed in
            let report = try await bed.report()
            func total(_ topic: ReportTopic, _ number: Int = 0) -> Int64 { report.sections[topic.rawValue - 1].exceptions[number].total }
            let expected: [(ReportTopic, String)] = [
                (.authentication, "type ~ '^authn_login_success(afterfail)?$' and privileged and body #>> '{details,factor}' = 'password'"),
                (
                    .privileged,
                    "(privileged or type in ('authz_admin', 'authz_change')) and body #>> '{actor,name}' is null and actor_kind <> 'system'"
                ),
                (
                    .lifeCycle,
                    "(split_part(type, '_', 1) = 'user' or type ~ '^(authz_change|authn_(password_change|token_created|login_lock))$') and outcome <> 'success'"
                ),
                (.sensitive, "(sensitivity in ('personal', 'restricted') or type = 'sensitive_read') and outcome in ('failure', 'denied')"),
                (.integrity, "type = 'audit_verification_failed'"),
                (
                    .completeness,
                    "split_part(type, '_', 1) in ('authn', 'authz') and (body #>> '{actor,name}' is null or body #>> '{client,ip}' is null)"
                ), (.custody, "type like 'audit!_export!_%' escape '!' and body #>> '{actor,name}' is null"),
            ]
            for (topic, condition) in expected {
                let count = try await bed.count(condition)
                #expect(total(topic) == count && count > 0, "\(topic)")
            }
            for section in report.sections {
                for exceptions in section.exceptions {
                    #expect(exceptions.table.rows.count == Int(min(exceptions.total, ReportScope.listed)), "\(exceptions.table.title)")
                    #expect(exceptions.table.rows.allSatisfy { $0.count == exceptions.table.columns.count })
                }
            }
        }
    }

    @Test("the longest streak of failures is that of a walk through the events in order")
    func streaks() async throws {
        try await withReportBed { bed in
            let period = try await bed.period()
            struct Account: Hashable { var tenant, name: String }
            var (running, longest): ([Account: Int64], [Account: Int64]) = ([:], [:])
            for event in bed.events.sorted(by: { $0.id < $1.id }) where (period.since...period.until).contains(event.time) {
                guard let name = event.body.actor?.name else { continue }
                let account = Account(tenant: event.header.tenant, name: name)
                switch event.header.type {
                case .loginFailure:
                    running[account, default: 0] += 1
                    longest[account] = max(longest[account] ?? 0, running[account] ?? 0)
                case .loginSuccess, .loginSuccessAfterFailure: running[account] = 0
                default: break
                }
            }
            let table = try await bed.report().sections[1].tables[1]
            #expect(table.rows.count == min(longest.count, Int(ReportScope.listed)) && !longest.isEmpty)
            for row in table.rows {
                #expect(row[2] == .number(longest[Account(tenant: row[0].text, name: row[1].text)] ?? -1), "\(row)")
            }
        }
    }

    @Test("missing heartbeats are a gap with its numbers, and a process that says no goodbye fell silent")
    func gaps() async throws {
        try await withReportBed { bed in
            let section = try await bed.report().sections[ReportTopic.continuity.rawValue - 1]
            #expect(section.exceptions[0].total == 1 && section.exceptions[1].total == 1 && section.criterion?.isMet == false)
            let from = try #require(Timestamp("2026-03-28T10:04:00Z"))
            #expect(
                section.exceptions[0].table.rows.first
                    == [
                        .text("acme"), .text("beating"), .text("i1"), .time(from), .time(from.advanced(bySeconds: 180)), .number(180),
                        .number(2),
                    ])
        }
    }

    @Test("times to acknowledge and resolve are those of the changes by people; merged alerts count for nothing")
    func review() async throws {
        try await withReportBed { bed in
            try await bed.owner.execute(
                """
                insert into audit.alert (
                    shard, id, tenant, rule_id, rule_title, severity, tags, group_by, first_seen, last_seen, count, opened_at, state, acknowledged_by,
                    closing, closed_by, closed_at)
                select 0, gen_random_uuid(), case when n % 2 = 0 then 'acme' else 'globex' end, 'r', 'Rule', 4, '{}', '{}', at, at, 1, at,
                    case when n <= 10 then 'resolved' when n = 11 then 'merged' else 'open' end, null,
                    case when n <= 10 then 'person' end, case when n <= 10 then 'ann' end, case when n <= 10 then at end
                from (select n, '2026-03-29 23:59 Europe/Berlin'::timestamptz as at from generate_series(1, 20) n) s
                """)
            try await bed.owner.execute(
                """
                insert into audit.alert_change (shard, alert, event, time, kind, from_state, to_state, actor)
                select 0, id, gen_random_uuid(), opened_at + make_interval(secs => 60 * n), kind, 'open', 'open', 'ann'
                from (select id, opened_at, row_number() over (order by id) as n from audit.alert where state = 'resolved') a,
                    (values ('acknowledged', 0), ('resolved', 1)) k (kind, later)
                """)
            let section = try await bed.report().sections[ReportTopic.review.rawValue - 1]
            #expect(section.count == 19)
            #expect(
                section.tables[0].rows
                    == [
                        [
                            .number(19), .number(10), .number(330), .number(546), .number(594), .number(10), .number(330), .number(546),
                            .number(594),
                        ]
                    ])
            #expect(section.exceptions[0].total == 9)
            #expect(try await bed.report(tenants: ["acme"]).sections[ReportTopic.review.rawValue - 1].count == 10)
        }
    }

    @Test("a review that was attested after the period is in its report, and in that of no other period before")
    func attestations() async throws {
        try await withReportBed { bed in
            func attested(_ report: Report) -> [[ReportValue]] {
                report.sections[ReportTopic.review.rawValue - 1].tables[2].rows.filter { $0[4] == .text("Looked.") }
            }
            let period = try await bed.period()
            let event = try ReviewAttestation(person: "ann", period: period, statement: "Looked.", reportDigest: "00ff").events(at: .now())[
                0]
            _ = try await Appender(bed.writer).append([try EventEncoder().encode(event, now: .now())])
            #expect(attested(try await bed.report()).map { $0[1] } == [.text("ann")])
            #expect(attested(try await bed.report(tenants: ["acme"])).isEmpty)
            let before = ReportPeriod(since: .epoch, until: Timestamp(microseconds: period.since.microseconds - 1))
            #expect(attested(try await ReportReader.read(.soc2, before, bed.reader)).isEmpty)
        }
    }

    @Test("signed checkpoints and cosignatures are told where the database has them, and their absence where not")
    func checkpoints() async throws {
        try await withReportBed { bed in
            try await bed.owner.execute(
                """
                create table if not exists audit.signed_checkpoint (
                    shard int, size bigint, root bytea, note text, signed_at timestamptz, primary key (shard, size))
                """)
            try await bed.owner.execute(
                """
                create table if not exists audit.cosignature (
                    shard int, size bigint, name text, key_id bytea, signature bytea, time timestamptz)
                """)
            let without = try await bed.report().sections[ReportTopic.integrity.rawValue - 1]
            #expect(without.limits.contains { $0.hasPrefix("Tamper-detecting") })
            try await bed.owner.execute("grant select on audit.signed_checkpoint, audit.cosignature to cardea_reader")
            try await bed.owner.execute(
                """
                insert into audit.signed_checkpoint (shard, size, root, note, signed_at)
                select 0, n, sha256(n::text::bytea), 'note', '2026-03-28 12:00Z' from generate_series(1, 3) n
                """)
            try await bed.owner.execute(
                """
                insert into audit.cosignature (shard, size, name, key_id, signature, time)
                values (0, 2, 'witness', '\\x01020304', sha256('x'), '2026-03-28 13:00Z')
                """)
            let section = try await bed.report().sections[ReportTopic.integrity.rawValue - 1]
            let table = try #require(section.tables.first { $0.title == "Signed checkpoints" })
            #expect(table.rows.count == 1 && table.rows[0][1] == .number(3) && table.rows[0][2] == .number(3))
            #expect(section.tables.last?.rows.first?.first == .text("witness"))
            #expect(section.limits.contains { $0.hasPrefix("Tamper-evident") })
        }
    }

    @Test("a tenant that is not on the record, a zone that is none and a time that is none are refused")
    func refusals() async throws {
        try await withReportBed { bed in
            await #expect(throws: ReportError.self) { try await bed.report(tenants: ["nobody"]) }
            try await bed.reader.withConnection { connection in
                for (since, until, zone) in [
                    ("2026-03-28", "2026-03-29", "Mars/Olympus"), ("2026-02-30", "2026-03-29", "UTC"), ("2026-03-29", "2026-03-28", "UTC"),
                    ("yesterday", "2026-03-28", "UTC"), ("2026-03-28", "2026-03-28'; drop table audit.event; --", "UTC"),
                    ("2026-03-28", "2026-03-28", "UTC'; select 1; --"),
                ] {
                    await #expect(throws: ReportError.self, "\(since) \(until) \(zone)") {
                        try await ReportPeriod.resolve(since: since, until: until, zone: zone, connection)
                    }
                }
                // 23, 25 and 24 hours.
                for (day, hours) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-24", 24)] as [(String, Int64)] {
                    let period = try await ReportPeriod.resolve(since: day, until: day, zone: ReportBed.zone, connection)
                    #expect(period.until.microseconds(since: period.since) == hours * 3_600_000_000 - 1)
                }
            }
        }
    }
}
