import PostgreSQL

/// S4: accounts, roles and credentials as they came, changed and went.
enum LifeCycleSection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let changes: SQL = """
            (e.type like 'user\\_%' or e.type in ('authz_change', 'authn_password_change', 'authn_password_change_fail', 'authn_token_created',
            'authn_token_revoked', 'authn_token_delete', 'authn_login_lock'))
            """
        var section = try await scope.section(
            .lifeCycle,
            "Accounts made, changed, locked and removed; roles changed; passwords, keys and tokens issued, changed and revoked.",
            events: changes)
        section.tables = [
            try await scope.table(
                "By act", [.text("type"), .text("change"), .text("outcome"), .number("events")],
                """
                select e.type, e.body #>> '{details,change}', e.outcome, count(*) from audit.event e where \(scope.inside) and \(changes)
                group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit \(ReportScope.rows)
                """),
            try await scope.table(
                "Latest changes of roles",
                [.time("time"), .text("tenant"), .text("actor"), .text("account"), .text("before"), .text("after")],
                """
                select e.time, e.tenant, e.actor, e.body ->> 'target', e.body #>> '{details,former_roles}', e.body #>> '{details,roles}'
                from audit.event e where \(scope.inside) and e.type = 'authz_change' order by e.id desc limit \(ReportScope.listed)
                """),
        ]
        section.charts = [try await scope.chart("Changes", changes)]
        section.exceptions = [
            try await scope.exceptions(
                "Changes that did not succeed",
                [.time("time"), .text("tenant"), .text("type"), .text("actor"), .text("reason"), .text("id")],
                """
                select e.time, e.tenant, e.type, e.actor, e.reason, e.id::text, count(*) over () from audit.event e
                where \(scope.inside) and \(changes) and e.outcome <> 'success' order by e.id limit \(ReportScope.listed)
                """)
        ]
        section.limits = ["Accounts of other systems, as an identity provider's, are here only where their logs are imported."]
        return section
    }
}
