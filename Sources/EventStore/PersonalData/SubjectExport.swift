public import AuditEvents
public import PostgreSQL

/// Everything that is stored about a subject, for whoever asks what is known about them: its events, oldest first, then what was made of them.
public struct SubjectExport: Sendable {
    /// Rows of one kind.
    public enum Section: String, Sendable, Hashable, CaseIterable { case events, views, alerts, notes, deliveries }

    private let subject: String
    private let tenant: String?

    /// What the subject's events call it, by which the other sections find it; so many of each at most.
    private struct Names {
        static let most = 10_000
        var actors: Set<String>
        var sessions: Set<String> = []
        var tokens: Set<String> = []

        mutating func add(_ body: EventBody) {
            for name in [body.actor?.id, body.actor?.name] { if let name, actors.count < Names.most { actors.insert(name) } }
            if let session = body.session, sessions.count < Names.most { sessions.insert(session) }
            if let token = body.token?.fingerprint, tokens.count < Names.most { tokens.insert(token) }
        }
    }

    public init(_ subject: String, tenant: String? = nil) { (self.subject, self.tenant) = (subject, tenant) }

    /// Gives the rows to `body` in portions, each with its `section`; returns how many there were in each.
    ///
    /// One transaction over one snapshot, so that the sections belong together.
    @discardableResult
    public func run(
        _ connection: PostgresConnection, _ body: (Section, [JSONObject]) async throws -> Void
    ) async throws -> [Section: Int] {
        try await connection.withTransaction { connection in
            try await connection.simple("set transaction isolation level repeatable read, read only")
            var counts: [Section: Int] = [:]
            var names = Names(actors: [subject])
            try await connection.stream(
                """
                select e.shard, e.recorded_at, l.index, \(unsafe: LogReader.columns)
                from audit.event e left join audit.log l on l.shard = e.shard and l.id = e.id
                where \(SubjectPresence.condition(subject, tenant: tenant))
                order by e.time, e.id
                """
            ) { rows in
                let found = try rows.map(EventQuery.found)
                for event in found { names.add(event.event.body) }
                counts[.events, default: 0] += found.count
                try await body(.events, found.map { SubjectExport.row(.events, $0.json) })
            }
            for (section, statement) in try await statements(names, connection) {
                try await connection.stream(statement) { rows in
                    let objects = try rows.compactMap { row in
                        try JSONValue(parsing: row.decode("row", as: String.self).utf8).object
                    }
                    counts[section, default: 0] += objects.count
                    try await body(section, objects.map { SubjectExport.row(section, $0) })
                }
            }
            return counts
        }
    }

    private static func row(_ section: Section, _ object: JSONObject) -> JSONObject {
        var object = object
        object["section"] = .string(section.rawValue)
        return object
    }

    private func statements(_ names: Names, _ connection: PostgresConnection) async throws -> [(Section, SQL)] {
        let actors = names.actors.sorted()
        let here: SQL = "(\(tenant)::text is null or t.tenant = \(tenant))"
        let conditions: [(String, SQL)] = [
            ("failed_login", "t.kind = 'account' and t.subject = any (\(actors))"),
            ("rate_limit_violation", "t.client = any (\(actors))"),
            ("session", "(t.actor = any (\(actors)) or t.session = any (\(names.sessions.sorted())))"),
            ("suspicious_token", "t.token = any (\(names.tokens.sorted()))"),
        ]
        var statements: [(Section, SQL)] = []
        for (view, condition) in conditions {
            // A view is there once a worker has run.
            let found = try await connection.query("select to_regclass(\("audit_view." + view))::text as name", as: String?.self)
            guard found.first.flatMap({ $0 }) != nil else { continue }
            statements.append(
                (
                    .views,
                    "select (to_jsonb(t) || jsonb_build_object('view', \(view)::text))::text as row from \(unsafe: "audit_view." + view) t where \(here) and \(condition)"
                ))
        }
        let grouped: SQL = "exists (select from jsonb_each_text(t.group_by) m where m.value = any (\(actors)))"
        statements.append(
            (
                .alerts,
                """
                select to_jsonb(t)::text as row from audit.alert t
                where \(here) and (\(grouped) or t.acknowledged_by = any (\(actors)) or t.assignee = any (\(actors)) or t.closed_by = any (\(actors)))
                order by t.opened_at, t.id
                """
            ))
        statements.append(
            (
                .notes,
                """
                select to_jsonb(c)::text as row from audit.alert_change c join audit.alert t on t.shard = c.shard and t.id = c.alert
                where \(here) and (c.actor = any (\(actors)) or c.assignee = any (\(actors))
                    or exists (select from unnest(\(actors)) n(name) where position(n.name in c.reason) > 0))
                order by c.time, c.event
                """
            ))
        statements.append(
            (
                .deliveries,
                """
                select to_jsonb(d)::text as row from audit.delivery d join audit.alert t on t.shard = d.shard and t.id = d.alert
                where \(here) and \(grouped) order by d.seq
                """
            ))
        return statements
    }
}
