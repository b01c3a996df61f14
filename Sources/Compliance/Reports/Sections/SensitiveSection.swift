import PostgreSQL

/// S5: who touched data that is more than ordinary.
enum SensitiveSection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let sensitive: SQL = "(e.sensitivity in ('personal', 'confidential', 'restricted') or e.type like 'sensitive\\_%')"
        var section = try await scope.section(
            .sensitive, "Events on data marked personal, confidential or restricted.", events: sensitive)
        section.tables = [
            try await scope.table(
                "By sensitivity and act", [.text("sensitivity"), .text("type"), .text("method"), .text("outcome"), .number("events")],
                """
                select e.sensitivity, e.type, e.method, e.outcome, count(*) from audit.event e where \(scope.inside) and \(sensitive)
                group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4 limit \(ReportScope.rows)
                """),
            try await scope.table(
                "By person", [.text("tenant"), .text("actor"), .number("events"), .number("routes")],
                """
                select e.tenant, e.actor, count(*), count(distinct e.route) from audit.event e where \(scope.inside) and \(sensitive)
                group by 1, 2 order by 3 desc, 1, 2 limit \(ReportScope.rows)
                """),
        ]
        section.charts = [try await scope.chart("Access to sensitive data", sensitive)]
        section.exceptions = [
            try await scope.exceptions(
                "Access that was denied or failed",
                [.time("time"), .text("tenant"), .text("actor"), .text("route"), .text("reason"), .text("id")],
                """
                select e.time, e.tenant, e.actor, e.route, e.reason, e.id::text, count(*) over () from audit.event e
                where \(scope.inside) and \(sensitive) and e.outcome in ('denied', 'failure') order by e.id limit \(ReportScope.listed)
                """)
        ]
        section.limits = ["What is sensitive is what the application marked so; unmarked data is not here."]
        return section
    }
}
