import AuditEvents
import EventStore
import PostgreSQL

/// S10: how far back the record reaches, what was erased, and what is held.
enum RetentionSection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let period = scope.period
        let until = PostgresTimestamp(period.until)
        // The whole record up to the period's end, for what is kept is older than the period.
        let kept: SQL = period.tenants.isEmpty ? "e.time <= \(until)" : "e.time <= \(until) and e.tenant = any (\(period.tenants))"
        let from: SQL = "audit.event e where \(kept)"
        var section = ReportSection(
            topic: .retention, population: "All events of the record up to the end of the period.",
            query: "select count(*) from \(from.text)", count: try await scope.count(from))
        let spans: SQL = """
            select e.tenant, count(*) as events, min(e.time) as oldest, max(e.time) as newest,
                floor(extract(epoch from \(until) - min(e.time)) / 86400)::bigint as days
            from audit.event e where \(kept) group by 1
            """
        let columns: [ReportScope.Column] = [.text("tenant"), .number("events"), .time("oldest"), .time("newest"), .number("days online")]
        section.tables = [
            try await scope.table(
                "Online window by tenant", columns, "select * from (\(spans)) s order by days, tenant limit \(ReportScope.rows)"),
            try await scope.table(
                "Erasures, holds and retention in the period", [.text("type"), .text("outcome"), .number("events"), .time("last")],
                """
                select e.type, e.outcome, count(*), max(e.time) from audit.event e
                where \(scope.inside) and e.type ~ '^audit_.*(eras|hold|retention|dropped|pruned)'
                group by 1, 2 order by 1, 2 limit \(ReportScope.rows)
                """),
        ]
        section.tables.append(
            try await scope.table(
                "Legal holds in force", [.text("hold"), .text("tenant"), .time("since"), .time("until"), .time("set at")],
                "select name, tenant, since, until, set_at from audit.hold where released_at is null order by name limit \(ReportScope.rows)"
            ))
        section.exceptions = [
            try await scope.exceptions(
                "Tenants with less than 365 days online", columns,
                "select s.*, count(*) over () from (\(spans)) s where days < 365 order by days, tenant limit \(ReportScope.listed)")
        ]
        section.limits = [
            "A tenant that began later than a year ago has nothing older to keep.",
            "Backups and archives outside of the database are not seen.",
        ]
        return section
    }
}
