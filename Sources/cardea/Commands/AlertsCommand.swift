import Alerting
import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL

struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "List alerts, or show one with its events.",
        subcommands: [List.self, Show.self], defaultSubcommand: List.self)

    static let columns: [RowPrinter.Column] = [
        .init("id") { $0["id"]?.string.map { .string(String($0.prefix(8))) } }, .init("severity"), .init("rule"),
        .init("group") { row in
            row["group"]?.object.map { group in
                .string(group.members.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: " "))
            }
        }, .init("count"), .init("first_seen"), .init("last_seen"),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List alerts, those with the newest events first.")

        @Option(help: "The tenant. May be repeated.") var tenant: [String] = []
        @Option(help: "How many at most; 0 for all.") var limit: Int = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            guard limit >= 0 else { throw ValidationError("--limit is not negative.") }
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.reader, connections: 1) { pool in
                try await Staleness.warn(pool)
                // One more than asked for tells whether there is more.
                let most = limit == 0 ? nil : limit
                let alerts = try await pool.withConnection { try await AlertStore().list($0, tenants: tenant, limit: most.map { $0 + 1 }) }
                var columns = AlertsCommand.columns
                if output.output == .csv { columns[0] = .init("id") }
                var printer = RowPrinter(output.output, columns: columns)
                printer.print(alerts.prefix(most ?? .max).map(\.json))
                printer.finish()
                if alerts.count > most ?? .max { StandardError.write("more: --limit 0 shows all\n") }
                if alerts.isEmpty, output.output == .table { StandardError.write("no alerts\n") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show an alert and exactly the events behind it.")

        @Argument(help: "The alert's id, or enough of its beginning.") var id: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            guard id.filter(\.isHexDigit).count >= 4, id.allSatisfy({ $0.isHexDigit || $0 == "-" }) else {
                throw ValidationError("'\(id)' is no alert id; give at least 4 of its hex digits.")
            }
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.reader, connections: 1) { pool in
                let (alert, events) = try await pool.withConnection { connection in
                    let store = AlertStore()
                    let found = try await store.find(id, connection)
                    guard let alert = found.first else {
                        throw Failure("there is no alert \(id)", hint: "`cardea alerts list` shows them.")
                    }
                    guard found.count == 1 else { throw Failure("\(found.count) alerts begin with \(id)", hint: "Give more of the id.") }
                    return (alert, try await EventQuery.events(store.events(of: alert, connection), shard: alert.shard, connection))
                }
                var object = alert.json
                switch output.output {
                case .json, .jsonl:
                    object["events"] = .array(events.map { .object($0.json) })
                    StandardOutput.write(RowPrinter.text(.object(object)) + "\n")
                case .csv:
                    var printer = RowPrinter(.csv, columns: EventColumns.csv)
                    printer.print(events.map(\.json))
                    printer.finish()
                case .table:
                    for key in [
                        "id", "rule", "author", "severity", "tags", "tenant", "group", "state", "count", "first_seen", "last_seen",
                        "opened_at",
                    ] {
                        let value = object[key] ?? .null
                        let text = value.string ?? value.array?.compactMap(\.string).joined(separator: " ") ?? RowPrinter.text(value)
                        StandardOutput.write(
                            Colour.bold(key) + String(repeating: " ", count: 12 - key.count) + RowPrinter.visible(text) + "\n")
                    }
                    StandardOutput.write("\n")
                    var printer = RowPrinter(.table, columns: EventColumns.table)
                    printer.print(events.map(\.json))
                    printer.finish()
                }
            }
        }
    }
}
