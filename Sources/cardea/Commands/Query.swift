import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL

/// The options that choose events; `query` and `tail` share them.
struct FilterOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "actor:ada type:authn_* -outcome:success ip:192.0.2.0/24 status:>=500 since:2h \"free text\"; the options below ask for more.",
            valueName: "query"))
    var query: [String] = []
    @Option(help: "Event type; * matches anything, as in authn_*. May be repeated or comma-separated, as all of these may.") var type:
        [String] = []
    @Option(help: "success, failure, denied, error or unknown.") var outcome: [String] = []
    @Option(help: "The actor's name or id; * matches anything.") var actor: [String] = []
    @Option(help: "The client's address, or a network as 10.0.0.0/8.") var ip: [String] = []
    @Option(help: "The route's template; * matches anything.") var route: [String] = []
    @Option(help: "HTTP status: 404, 4xx or 400-403.") var status: [String] = []
    @Option(help: "The tenant.") var tenant: [String] = []
    @Option(help: "The source; * matches anything.") var source: [String] = []
    @Option(help: ArgumentHelp("From here on: 2026-11-23, 2026-11-23T10:00:00Z, or back from now: 90m, 24h, 7d.", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("Up to here, included; a bare date includes its day.", valueName: "time")) var until: String?
    @Option(help: ArgumentHelp("Words that stand anywhere in the event.", valueName: "words")) var text: [String] = []
    @Flag(help: "Also Cardea's own acts (audit_*).") var own = false

    func filter(now: Timestamp) throws -> EventFilter {
        var filter = EventFilter()
        filter.types = try OptionValues.split(type, "--type")
        filter.outcomes = try OptionValues.split(outcome, "--outcome").map { name in
            guard let outcome = Outcome(rawValue: name) else {
                throw ValidationError("'\(name)' is no outcome: \(Outcome.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            return outcome
        }
        filter.actors = try OptionValues.split(actor, "--actor")
        filter.addresses = try OptionValues.split(ip, "--ip").map { address in
            guard PostgresInet(address).isValid else { throw ValidationError("'\(address)' is no address or network.") }
            return address
        }
        filter.routes = try OptionValues.split(route, "--route")
        filter.statuses = try OptionValues.split(status, "--status").map { text in
            guard let range = FilterOptions.statusRange(text) else { throw ValidationError("'\(text)' is no status: 404, 4xx or 400-403.") }
            return range
        }
        filter.tenants = try OptionValues.split(tenant, "--tenant")
        filter.sources = try OptionValues.split(source, "--source")
        (filter.since, filter.until) = try OptionValues.times(since: since, until: until, now: now)
        filter.text = text.flatMap { $0.split(separator: " ").map(String.init) }
        filter.own = own
        let written = query.joined(separator: " ")
        do { filter.written = try QueryExpression(written, now: now) } catch {
            throw ValidationError("\(RowPrinter.visible(error.description))")
        }
        let expression = filter.expression
        if let first = expression.since, let last = expression.until, first > last {
            throw ValidationError("The query's times and --since, --until leave nothing between them.")
        }
        return filter
    }

    static func statusRange(_ text: String) -> ClosedRange<Int16>? {
        if let one = Int16(text) { return one...one }
        if text.count == 3, text.lowercased().hasSuffix("xx"), let first = Int16(text.prefix(1)) { return first * 100...first * 100 + 99 }
        let ends = text.split(separator: "-").map { Int16($0) }
        guard ends.count == 2, let low = ends[0], let high = ends[1], low <= high else { return nil }
        return low...high
    }
}

enum EventColumns {
    static let table: [RowPrinter.Column] = [
        .init("time"), .init("type"), .init("outcome"), .init("reason"),
        .init("actor") { row in
            let actor = row["body"]?.object?["actor"]?.object
            return actor?["name"] ?? actor?["id"]
        }, .init("ip", "body.client.ip"), .init("method"), .init("status"),
        .init("target") { row in row["route"] ?? row["body"]?.object?["path"] ?? row["body"]?.object?["target"] },
        .init("source"), .init("id"),
    ]

    static let csv: [RowPrinter.Column] =
        [.init("shard"), .init("index")] + table.dropLast(3) + [
            .init("route"), .init("path", "body.path"), .init("source"), .init("tenant"), .init("severity"), .init("duration_us"),
            .init("user_agent", "body.client.user_agent"), .init("session", "body.session"), .init("token", "body.token.fingerprint"),
            .init("request_id", "body.request_id"), .init("id"),
        ]
}

struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Search the record, newest first.",
        discussion: """
            cardea query 'actor:ada type:authn_* -outcome:success since:24h'. The same key again, or a list with commas, are alternatives; different \
            keys must all hold; - before a key excludes. Ranges: status:>=500, status:400..499, duration:>250ms, severity:>=high. * stands for \
            anything, key:* for having any; quotes keep a text together. Times: 2026-11-23, 2026-11-23T10:00:00Z, 2h, 30d; tz:Europe/Berlin says \
            whose clocks. Write -- before a query that begins with a minus. Several values of one option are alternatives; different options must \
            all hold. Cardea's own acts are left out unless --own, own:true or the type asks. That somebody looked is an event on the record.
            """
    )

    @OptionGroup var filters: FilterOptions
    @Option(help: "How many events at most; 0 for all.") var limit: Int = 100
    @Option(help: ArgumentHelp("Go on after this cursor, which the answer before ended with.", valueName: "cursor")) var after: String?
    @Flag(help: "Print only how many events match.") var count = false
    @OptionGroup var person: PersonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit is not negative.") }
        if let after, EventID(after) == nil { throw ValidationError("'\(after)' is no cursor.") }
        _ = try filters.filter(now: .now())
    }

    func run() async throws {
        var query = EventQuery(try filters.filter(now: .now()), after: after.flatMap(EventID.init))
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.reader, connections: 1) { pool in
            try await Reading(.query, by: person.name, query: query.expression.text).record(pool)
            if count {
                let number = try await pool.withConnection { [query] in try await query.count($0) }
                StandardOutput.write("\(number)\n")
                return
            }
            var printer = RowPrinter(output.output, columns: output.output == .csv ? EventColumns.csv : EventColumns.table)
            var left = limit == 0 ? Int.max : limit
            while left > 0 {
                // One more than asked for tells whether there is more.
                let size = min(left, 1000)
                let found = try await pool.withConnection { [query] in try await query.run($0, limit: size + 1) }
                printer.print(found.prefix(size).map(\.json))
                left -= min(found.count, size)
                guard found.count > size, let last = found.prefix(size).last else { break }
                query.after = last.event.id
                if left == 0 { StandardError.write("more: --after \(last.event.id)\n") }
            }
            printer.finish()
        }
    }
}
