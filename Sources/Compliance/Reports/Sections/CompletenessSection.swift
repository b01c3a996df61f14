import PostgreSQL

/// S12: how many events say who, what, when, how it ended, from where, and on what.
enum CompletenessSection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let population: SQL = "e.type not like 'audit\\_%' and e.type not like 'sys\\_%'"
        let columns: [ReportScope.Column] = [
            .number("events"), .number("with who"), .number("with outcome"), .number("with origin"), .number("with object"),
            .number("erased or withheld"),
        ]
        let counts: SQL = """
            count(*), count(e.actor), count(*) filter (where e.outcome <> 'unknown'), count(e.client_ip),
            count(*) filter (where coalesce(e.route, e.body ->> 'target', e.body ->> 'path') is not null), count(*) filter (where e.body is null)
            """
        var section = try await scope.section(.completeness, "All events but Cardea's own and those of systems.", events: population)
        section.tables = [
            try await scope.table(
                "In all (type and time are in every event)", columns,
                "select \(counts) from audit.event e where \(scope.inside) and \(population)"),
            try await scope.table(
                "By type", [.text("type")] + columns,
                """
                select e.type, \(counts) from audit.event e where \(scope.inside) and \(population)
                group by 1 order by 2 desc, 1 limit \(ReportScope.rows)
                """),
        ]
        section.exceptions = [
            try await scope.exceptions(
                "Events of authentication and authorization without who or from where",
                [.time("time"), .text("tenant"), .text("type"), .text("source"), .text("id")],
                """
                select e.time, e.tenant, e.type, e.source, e.id::text, count(*) over () from audit.event e
                where \(scope.inside) and (e.type like 'authn\\_%' or e.type like 'authz\\_%') and e.body is not null
                    and (e.actor is null or e.client_ip is null)
                order by e.id limit \(ReportScope.listed)
                """)
        ]
        section.limits = ["A request by nobody who signed in has no actor; that is no defect of it."]
        return section
    }
}
