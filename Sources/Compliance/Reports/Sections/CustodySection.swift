import PostgreSQL

/// S13: which packages left, by whom, to whom.
enum CustodySection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let exports: SQL = "e.type in ('audit_export_made', 'audit_export_fetched')"
        var section = try await scope.section(.custody, "Exports that were made and fetched.", events: exports)
        section.tables = [
            try await scope.table(
                "Latest exports", [.time("time"), .text("act"), .text("outcome"), .text("person"), .text("tenant"), .text("package")],
                """
                select e.time, e.type, e.outcome, e.actor, e.tenant, coalesce(e.body ->> 'target', e.body #>> '{details,package}')
                from audit.event e where \(scope.inside) and \(exports) order by e.id desc limit \(ReportScope.rows)
                """),
            try await scope.table(
                "By person", [.text("person"), .number("made"), .number("fetched")],
                """
                select e.actor, count(*) filter (where e.type = 'audit_export_made'), count(*) filter (where e.type = 'audit_export_fetched')
                from audit.event e where \(scope.inside) and \(exports) group by 1 order by 2 desc, 3 desc, 1 limit \(ReportScope.rows)
                """),
        ]
        section.exceptions = [
            try await scope.exceptions(
                "Exports that name nobody", [.time("time"), .text("tenant"), .text("act"), .text("id")],
                """
                select e.time, e.tenant, e.type, e.id::text, count(*) over () from audit.event e
                where \(scope.inside) and \(exports) and e.actor is null and e.body is not null order by e.id limit \(ReportScope.listed)
                """)
        ]
        section.limits = ["What becomes of a package after it left is not in the record."]
        return section
    }
}
