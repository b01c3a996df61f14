import Alerting
import ArgumentParser
import AuditEvents
import PostgreSQL

struct DeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "List what receivers were told of alerts and what is dead; send it once more.",
        discussion: """
            A delivery that fails is tried again ten times over three days, then it is dead: listed here, an event on the record \
            (audit_delivery_dead), and sent once more by `replay`. Done ones are kept for 90 days.
            """,
        subcommands: [List.self, Show.self, Replay.self], defaultSubcommand: List.self)

    static let columns: [RowPrinter.Column] = [
        .init("id") { $0["id"]?.string.map { .string(String($0.prefix(8))) } }, .init("receiver"), .init("kind"), .init("state"),
        .init("rule"), .init("attempts"), .init("due_at"), .init("status"), .init("detail"),
    ]
    static let csvColumns: [RowPrinter.Column] = [
        "id", "receiver", "kind", "state", "alert", "rule", "tenant", "severity", "attempts", "created_at", "due_at", "finished_at",
        "status",
        "detail",
    ].map { .init($0) }

    static func check(_ state: [String]) throws -> [Delivery.State] {
        try OptionValues.split(state, "--state").map { name in
            guard let state = Delivery.State(rawValue: name) else {
                throw ValidationError("'\(name)' is no state: \(Delivery.State.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            return state
        }
    }

    static func found(_ id: String, _ connection: PostgresConnection) async throws -> Delivery {
        let found = try await DeliveryStore().list(prefix: id, limit: 2, connection)
        guard let delivery = found.first else { throw Failure("there is no delivery \(id)", hint: "`cardea deliveries` lists them.") }
        guard found.count == 1 else { throw Failure("several deliveries begin with \(id)", hint: "Give more of the id.") }
        return delivery
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List deliveries, the newest first.")
        @Option(help: "pending, delivered or dead. May be repeated or comma-separated.") var state: [String] = []
        @Option(help: "The receiver.") var receiver: String?
        @Option(help: "How many at most; 0 for all.") var limit: Int = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            guard limit >= 0 else { throw ValidationError("--limit is not negative.") }
            _ = try DeliveriesCommand.check(state)
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            let states = try DeliveriesCommand.check(state)
            try await deployment.withPool(.reader, connections: 1) { pool in
                let most = limit == 0 ? nil : limit
                let deliveries = try await pool.withConnection {
                    try await DeliveryStore().list(states: states, receiver: receiver, limit: most.map { $0 + 1 }, $0)
                }
                var printer = RowPrinter(
                    output.output, columns: output.output == .csv ? DeliveriesCommand.csvColumns : DeliveriesCommand.columns)
                printer.print(deliveries.prefix(most ?? .max).map(\.json))
                printer.finish()
                if deliveries.count > most ?? .max { StandardError.write("more: --limit 0 shows all\n") }
                if deliveries.isEmpty, output.output == .table { StandardError.write("no deliveries\n") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a delivery and the alert as it was told.")
        @Argument(help: "The delivery's id, or enough of its beginning.") var id: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws { try AlertsCommand.check(id: id) }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.reader, connections: 1) { pool in
                let delivery = try await pool.withConnection { try await DeliveriesCommand.found(id, $0) }
                var json = delivery.json
                json["told"] = .object(delivery.alert.json)
                switch output.output {
                case .json, .jsonl: StandardOutput.write(RowPrinter.text(.object(json)) + "\n")
                case .csv:
                    var printer = RowPrinter(.csv, columns: DeliveriesCommand.csvColumns)
                    printer.print([json])
                    printer.finish()
                case .table:
                    for member in json where member.key != "told" && member.value != .null {
                        let text = member.value.string ?? RowPrinter.text(member.value)
                        StandardOutput.write(
                            Colour.bold(member.key) + String(repeating: " ", count: max(1, 14 - member.key.count))
                                + RowPrinter.visible(text)
                                + "\n")
                    }
                    StandardOutput.write("\n" + Colour.bold("The alert as it was told") + "\n")
                    AlertsCommand.Show.head(delivery.alert.json)
                }
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send deliveries once more, from their first attempt on.",
            discussion:
                "Give ids, or --dead for all that are dead, of one --receiver perhaps. A receiver that is disabled: `cardea alerts test` first."
        )
        @Argument(help: "The deliveries' ids, or enough of their beginnings.") var ids: [String] = []
        @Flag(help: "All that are dead, 10,000 at once.") var dead = false
        @Option(help: "With --dead: of this receiver alone.") var receiver: String?
        @OptionGroup var person: PersonOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            guard dead != !ids.isEmpty else { throw ValidationError("Give ids, or --dead.") }
            guard receiver == nil || dead else { throw ValidationError("--receiver goes with --dead.") }
            for id in ids { try AlertsCommand.check(id: id) }
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.responder, connections: 1) { pool in
                var deliveries: [Delivery] = []
                if dead {
                    deliveries = try await pool.withConnection {
                        try await DeliveryStore().list(states: [.dead], receiver: receiver, limit: 10_000, $0)
                    }
                } else {
                    for id in ids { deliveries.append(try await pool.withConnection { try await DeliveriesCommand.found(id, $0) }) }
                }
                let count = try await AlertDesk(pool).replay(deliveries, by: person.name)
                StandardOutput.write("\(count) to be sent once more\n")
                if count < deliveries.count {
                    StandardError.write("cardea: \(deliveries.count - count) are on their way already\n")
                }
            }
        }
    }
}
