import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL
import Projections

struct ViewsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "views",
        abstract: "Show a view: what the record adds up to.",
        discussion: "Views: \(ProjectionCatalog.views.joined(separator: ", ")). Without a name, lists them.")

    @Argument(help: "The view's name.", completion: .list(ProjectionCatalog.views)) var name: String?
    @Option(help: "The tenant. May be repeated.") var tenant: [String] = []
    @Option(help: "How many rows at most; 0 for all.") var limit: Int = 100
    @OptionGroup var person: PersonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit is not negative.") }
        if let name, !ProjectionCatalog.views.contains(name) {
            throw ValidationError("There is no view '\(name)'. There are: \(ProjectionCatalog.views.joined(separator: ", ")).")
        }
    }

    /// What a view is sorted by: the rows that matter most first.
    private static let orders: [String: String] = [
        "failed_login": "failures desc, subject", "suspicious_token": "last_seen desc, token",
        "rate_limit_violation": "violations desc, client",
        "session": "last_seen desc, session", "request_summary": "minute desc, requests desc, route",
    ]

    func run() async throws {
        guard let name else {
            StandardOutput.write(ProjectionCatalog.views.joined(separator: "\n") + "\n")
            return
        }
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.reader, connections: 1) { pool in
            try await Staleness.warn(pool)
            guard try await !pool.query("select 1 where to_regclass(\("audit_view." + name)) is not null").isEmpty else {
                throw Failure(
                    "the view \(name) has not been built yet", hint: "Run `cardea worker --until-idle`, or leave `cardea up` running.")
            }
            try await Reading(.view, by: person.name, target: "view/\(name)").record(pool)
            let order = ViewsCommand.orders[name] ?? "1"
            let bound: SQL = limit == 0 ? "" : "limit \(Int64(limit))"
            let columns = try await pool.query(
                """
                select attname as name from pg_attribute
                where attrelid = to_regclass(\("audit_view." + name)) and attnum > 0 and not attisdropped order by attnum
                """
            ).map { try $0.decode("name", as: String.self) }
            var printer = RowPrinter(output.output, columns: columns.filter { $0 != "shard" || output.output != .table }.map { .init($0) })
            try await pool.withConnection { connection in
                let rows = try await connection.query(
                    """
                    select to_jsonb(v) as row from audit_view.\(identifier: name) v
                    where cardinality(\(tenant)) = 0 or v.tenant = any (\(tenant)) order by \(unsafe: order) \(bound)
                    """)
                for start in stride(from: 0, to: rows.count, by: 1000) {
                    printer.print(
                        try rows[start..<min(rows.count, start + 1000)].map { row in
                            try ViewsCommand.row(row.decode("row", as: PostgresJSON.self).text)
                        })
                }
            }
            printer.finish()
        }
    }

    /// A row's JSON with its times in Cardea's form.
    private static func row(_ text: String) throws -> JSONObject {
        guard let object = try JSONValue(parsing: text.utf8).object else { return [:] }
        return JSONObject(
            object.members.map { member in
                guard case .string(let text) = member.value, text.hasSuffix("+00:00"), let time = Timestamp(text) else {
                    return (member.key, member.value)
                }
                return (member.key, .string(time.description))
            })
    }
}

/// Says on standard error when views and alerts are behind the record.
enum Staleness {
    /// Whether anything but Cardea's own acts waits: who looks leaves an event behind, and is not to be told of it.
    private static func others(_ pool: PostgresPool) async throws -> Bool {
        try await pool.query(
            """
            select exists (
                select from audit.head h
                left join audit.checkpoint c on c.shard = h.shard and c.name = 'detection'
                join audit.log l on l.shard = h.shard and l.index >= coalesce(c.next_index, 0)
                join audit.event e on e.shard = l.shard and e.id = l.id and e.time = l.time and e.type not like 'audit\\_%')
            """, as: Bool.self)[0]
    }

    static func warn(_ pool: PostgresPool) async throws {
        let row = try await pool.query(
            """
            select coalesce(sum(h.next_index - c.next_index), 0)::bigint as behind, count(c.name) as projections,
                (select coalesce(sum(next_index), 0)::bigint from audit.head) as total
            from audit.head h join audit.checkpoint c on c.shard = h.shard and c.name = 'detection'
            """)[0]
        let projections = try row.decode("projections", as: Int64.self)
        let behind = try row.decode(projections == 0 ? "total" : "behind", as: Int64.self)
        if behind > 0, try await others(pool) {
            StandardError.write(
                "cardea: \(behind) events are not folded in yet; `cardea worker --until-idle` does it, or leave `cardea up` running\n")
        }
    }
}
