import AuditEvents
import EventStore
import PostgreSQL

/// S9: what alerted, how long people took, and what they attested.
enum ReviewSection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let period = scope.period
        let span: SQL = """
            a.opened_at between \(PostgresTimestamp(period.since)) and \(PostgresTimestamp(period.until)) and a.state <> 'merged'
            """
        let alerts: SQL = period.tenants.isEmpty ? span : span + " and a.tenant = any (\(period.tenants))"
        // greatest() passes over nulls: without the cases what nobody did would have taken no time.
        // A person's first act is the acknowledgement, whatever it is; an end is the first one that a person or idleness brought.
        let lives: SQL = """
            select a.rule_title, a.rule_id, a.severity, a.state, a.id, a.tenant, a.opened_at,
                case when seen.time is not null then extract(epoch from greatest(seen.time - a.opened_at, interval '0')) end as to_acknowledge,
                case when over.time is not null then extract(epoch from greatest(over.time - a.opened_at, interval '0')) end as to_resolve
            from audit.alert a
            left join lateral (
                select min(c.time) as time from audit.alert_change c
                where c.shard = a.shard and c.alert = a.id and c.actor is not null and c.kind <> 'noted'
            ) seen on true
            left join lateral (
                select min(c.time) as time from audit.alert_change c
                where c.shard = a.shard and c.alert = a.id and c.kind in ('resolved', 'false_positive')
            ) over on true
            where \(alerts)
            """
        // Made in the period, or later about some of it: a review comes after what it reviews. Its times are texts of one width, in UTC.
        let ofTenants: SQL = period.tenants.isEmpty ? "true" : "e.tenant = any (\(period.tenants))"
        let attested: SQL = """
            e.type = 'audit_review_attested' and \(ofTenants) and e.time >= \(PostgresTimestamp(period.since))
            and (e.time <= \(PostgresTimestamp(period.until))
                or (e.body #>> '{details,since}' <= \(period.until.description) and e.body #>> '{details,until}' >= \(period.since.description)))
            """
        func seconds(_ share: Double, _ column: String) -> SQL {
            "floor(percentile_cont(\(share)) within group (order by \(unsafe: column)))::bigint"
        }
        let count = try await scope.count("audit.alert a where \(alerts)")
        var section = ReportSection(
            topic: .review,
            population: "Alerts that opened in the period (by the clock of the database), without those merged into others.",
            query: ("select count(*) from audit.alert a where \(alerts)" as SQL).text, count: count)
        section.tables = [
            try await scope.table(
                "Seconds to respond",
                [
                    .number("alerts"), .number("acknowledged"), .number("median"), .number("p90"), .number("p99"), .number("ended"),
                    .number("median to end"), .number("p90 to end"), .number("p99 to end"),
                ],
                """
                select count(*), count(to_acknowledge), \(seconds(0.5, "to_acknowledge")), \(seconds(0.9, "to_acknowledge")),
                    \(seconds(0.99, "to_acknowledge")), count(to_resolve), \(seconds(0.5, "to_resolve")), \(seconds(0.9, "to_resolve")),
                    \(seconds(0.99, "to_resolve"))
                from (\(lives)) l
                """),
            try await scope.table(
                "By rule", [.text("rule"), .number("severity"), .number("alerts"), .number("acknowledged"), .number("false positives")],
                """
                select rule_title, severity::bigint, count(*), count(to_acknowledge), count(*) filter (where state = 'false_positive')
                from (\(lives)) l group by rule_id, 1, 2 order by 3 desc, 1, 2 limit \(ReportScope.rows)
                """),
            try await scope.table(
                "Attested reviews, made in the period or about it",
                [.time("time"), .text("person"), .text("since"), .text("until"), .text("statement"), .text("report (SHA-256)")],
                """
                select e.time, e.actor, e.body #>> '{details,since}', e.body #>> '{details,until}', e.body #>> '{details,statement}',
                    e.body #>> '{details,report_sha256}'
                from audit.event e where \(attested) order by e.id desc limit \(ReportScope.rows)
                """),
        ]
        let opened = try await scope.connection.query(
            "select \(scope.bucket("a.opened_at")), count(*) from audit.alert a where \(alerts) group by 1 order by 1 limit 400")
        section.charts = [
            ReportChart(
                title: "Alerts opened",
                bars: try opened.map { .init(label: try $0.decode(0, as: String.self), value: try $0.decode(1, as: Int64.self)) })
        ]
        section.exceptions = [
            try await scope.exceptions(
                "Alerts that nobody has acknowledged",
                [.time("opened"), .text("tenant"), .text("rule"), .number("severity"), .text("state"), .text("id")],
                """
                select opened_at, tenant, rule_title, severity::bigint, state, id::text, count(*) over () from (\(lives)) l
                where to_acknowledge is null order by severity desc, opened_at, id limit \(ReportScope.listed)
                """)
        ]
        section.limits = [
            "That somebody looked is shown by what they did here, and by what they attested; looking alone leaves nothing.",
            "An attestation is a person's word; the record shows who gave it, when, and over which file.",
        ]
        return section
    }
}
