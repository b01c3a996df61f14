import PostgreSQL

/// S1: who got in, by what.
enum AuthenticationSection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let signIns: SQL = "e.type in ('authn_login_success', 'authn_login_successafterfail')"
        let factor: SQL = """
            case when e.body is null then '(erased)' else coalesce(e.body #>> '{details,factor}', '(not told)') end
            """
        var section = try await scope.section(.authentication, "Sign-ins that succeeded.", events: signIns)
        section.tables = [
            try await scope.table(
                "Sign-ins by factor", [.text("factor"), .number("sign-ins"), .number("accounts")],
                """
                select \(factor), count(*), count(distinct (e.tenant, e.actor)) filter (where e.actor is not null)
                from audit.event e where \(scope.inside) and \(signIns) group by 1 order by 2 desc, 1 limit \(ReportScope.rows)
                """),
            try await scope.table(
                "Authentication by method", [.text("type"), .text("outcome"), .text("source"), .number("events")],
                """
                select e.type, e.outcome, e.source, count(*) from audit.event e where \(scope.inside) and e.type like 'authn\\_%'
                group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit \(ReportScope.rows)
                """),
        ]
        section.charts = [try await scope.chart("Sign-ins that succeeded", signIns)]
        section.exceptions = [
            try await scope.exceptions(
                "Sign-ins with administrative rights by a single factor",
                [.time("time"), .text("tenant"), .text("actor"), .text("factor"), .text("source")],
                """
                select e.time, e.tenant, e.actor, \(factor), e.source, count(*) over () from audit.event e
                where \(scope.inside) and \(signIns) and e.privileged and e.body #>> '{details,factor}' not like '%+%'
                order by e.id limit \(ReportScope.listed)
                """)
        ]
        section.limits = [
            "A factor is what the application told. Where it told none, nothing is assumed.",
            "That a second factor is required of anybody is a setting of the application, which the record does not hold.",
        ]
        return section
    }
}
