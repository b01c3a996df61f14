import PostgreSQL

/// S2: what was refused, and how often in a row.
enum FailuresSection: ReportSectionReader {
    /// From so many failures in a row on, an account stands out: PCI DSS 8.3.4 locks after at most ten.
    static let streak: Int64 = 10

    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let refused: SQL = """
            (e.type like 'authn\\_%' or e.type like 'authz\\_%' or e.type like 'session\\_%') and e.outcome in ('failure', 'denied')
            """
        // A streak ends with a success: failures are numbered by how many successes stand before them.
        let streaks: SQL = """
            select tenant, actor, max(failures) as longest, sum(failures)::bigint as failures, max(last) as last
            from (
                select tenant, actor, successes, count(*) as failures, max(time) as last
                from (
                    select e.tenant, e.actor, e.time, e.type,
                        count(*) filter (where e.type <> 'authn_login_fail')
                            over (partition by e.tenant, e.actor order by e.id rows unbounded preceding) as successes
                    from audit.event e
                    where \(scope.inside) and e.actor is not null
                        and e.type in ('authn_login_fail', 'authn_login_success', 'authn_login_successafterfail')
                ) numbered
                where type = 'authn_login_fail' group by 1, 2, 3
            ) runs
            group by 1, 2
            """
        let columns: [ReportScope.Column] = [
            .text("tenant"), .text("account"), .number("longest streak"), .number("failures"), .time("last failure"),
        ]
        var section = try await scope.section(
            .failures, "Events of authentication, authorization and sessions that failed or were denied.", events: refused)
        section.tables = [
            try await scope.table(
                "By type and reason", [.text("type"), .text("outcome"), .text("reason"), .number("events")],
                """
                select e.type, e.outcome, e.reason, count(*) from audit.event e where \(scope.inside) and \(refused)
                group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit \(ReportScope.rows)
                """),
            try await scope.table(
                "Longest streaks of failed sign-ins", columns,
                "select * from (\(streaks)) s order by longest desc, failures desc, tenant, actor limit \(ReportScope.listed)"),
        ]
        section.charts = [try await scope.chart("Failed and denied", refused)]
        section.exceptions = [
            try await scope.exceptions(
                "Accounts with \(streak) failed sign-ins in a row or more", columns,
                """
                select s.*, count(*) over () from (\(streaks)) s where longest >= \(streak)
                order by longest desc, failures desc, tenant, actor limit \(ReportScope.listed)
                """)
        ]
        section.limits = ["Failures whose account is not named, or erased, are counted but belong to no streak."]
        return section
    }
}
