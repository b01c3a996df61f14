import PostgreSQL

/// S3: what was done with administrative rights.
enum PrivilegedSection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let privileged: SQL = "(e.privileged or e.type in ('authz_admin', 'authz_change'))"
        var section = try await scope.section(
            .privileged, "Events marked as privileged, and administration and changes of roles whether marked or not.", events: privileged)
        section.tables = [
            try await scope.table(
                "By type", [.text("type"), .text("outcome"), .number("events")],
                """
                select e.type, e.outcome, count(*) from audit.event e where \(scope.inside) and \(privileged)
                group by 1, 2 order by 3 desc, 1, 2 limit \(ReportScope.rows)
                """),
            try await scope.table(
                "By person", [.text("tenant"), .text("actor"), .number("events"), .time("first"), .time("last")],
                """
                select e.tenant, e.actor, count(*), min(e.time), max(e.time) from audit.event e where \(scope.inside) and \(privileged)
                group by 1, 2 order by 3 desc, 1, 2 limit \(ReportScope.rows)
                """),
        ]
        section.charts = [try await scope.chart("Privileged acts", privileged)]
        section.exceptions = [
            try await scope.exceptions(
                "Privileged acts that name nobody",
                [.time("time"), .text("tenant"), .text("type"), .text("source"), .text("actor kind"), .text("id")],
                """
                select e.time, e.tenant, e.type, e.source, e.actor_kind, e.id::text, count(*) over () from audit.event e
                where \(scope.inside) and \(privileged) and e.actor is null and e.body is not null and e.actor_kind <> 'system'
                order by e.id limit \(ReportScope.listed)
                """)
        ]
        section.limits = ["What is privileged is what the application marked so."]
        return section
    }
}
