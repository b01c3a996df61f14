import Alerting
import ArgumentParser
import AuditEvents
import Detection
import PostgreSQL

/// What the commands that change alerts share: each alert by itself, so that one that cannot be changed keeps no other back.
struct AlertChangeOptions: ParsableArguments {
    @Argument(help: "The alerts' ids, or enough of their beginnings.") var ids: [String]
    @OptionGroup var person: PersonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws { for id in ids { try AlertsCommand.check(id: id) } }

    func perform(_ act: AlertLife.Act, reason: String?, saying done: (StoredAlert) -> String) async throws {
        try await AlertsCommand.perform(
            act, on: ids, by: person.name, reason: reason, output: output.output, database: database, saying: done)
    }
}

extension AlertsCommand {
    /// Changes alerts one after the other, says what became of each, and fails in the end where one was refused.
    static func perform(
        _ act: AlertLife.Act, on ids: [String], by person: String, reason: String?, output: OutputFormat, database: DatabaseOptions,
        saying done: (StoredAlert) -> String
    ) async throws {
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.responder, connections: 1) { pool in
            let desk = AlertDesk(pool)
            var changed: [StoredAlert] = []
            var refused = 0
            func refuse(_ id: String, _ message: String, _ hint: String?) {
                refused += 1
                StandardError.write("cardea: \(id): \(message)\n" + (hint.map { "  \($0)\n" } ?? ""))
            }
            for id in ids {
                do {
                    let alert = try await pool.withConnection { try await AlertsCommand.alert(id, $0) }
                    changed.append(try await desk.change(alert, act, by: person, reason: reason))
                } catch let error as AlertingError {
                    refuse(id, error.message, error.hint)
                } catch let error as Failure {
                    refuse(id, error.message, error.hint)
                }
            }
            if output == .table {
                for alert in changed { StandardOutput.write(RowPrinter.visible("\(alert.id.description.prefix(8)) \(done(alert))") + "\n") }
            } else {
                var printer = RowPrinter(output, columns: AlertsCommand.csvColumns)
                printer.print(changed.map(\.json))
                printer.finish()
            }
            if refused > 0 { throw ExitCode(1) }
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ack", abstract: "Say that you have seen alerts.")
        @OptionGroup var change: AlertChangeOptions
        @Option(help: "Why, in your words.") var reason: String?

        func run() async throws {
            try await change.perform(.acknowledge, reason: reason) { alert in
                "acknowledged by \(alert.life.acknowledgedBy ?? "")\(alert.state.isActive ? "" : "; it was over already")"
            }
        }
    }

    struct Assign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say who deals with alerts.")
        @OptionGroup var change: AlertChangeOptions
        @Option(name: .customLong("to"), help: ArgumentHelp("Who; yourself unless said.", valueName: "name")) var assignee: String?
        @Option(help: "Why, in your words.") var reason: String?

        func run() async throws {
            try await change.perform(.assign(to: assignee ?? change.person.name), reason: reason) {
                "assigned to \($0.life.assignee ?? "")"
            }
        }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that alerts are over.",
            discussion: "An event that joins a resolved alert reopens it; one that joins a false positive does not.")
        @OptionGroup var change: AlertChangeOptions
        @Flag(help: "The rule was wrong; this needs --reason.") var falsePositive = false
        @Option(help: "Why, in your words.") var reason: String?

        func validate() throws {
            if falsePositive, reason?.isEmpty ?? true {
                throw ValidationError("--false-positive needs a --reason, for whoever tunes the rule.")
            }
        }

        func run() async throws {
            try await change.perform(falsePositive ? .markFalsePositive : .resolve, reason: reason) { _ in
                falsePositive ? "is a false positive" : "resolved"
            }
        }
    }

    struct Reopen: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say that alerts are not over after all.")
        @OptionGroup var change: AlertChangeOptions
        @Option(help: "Why, in your words.") var reason: String?

        func run() async throws { try await change.perform(.reopen, reason: reason) { _ in "reopened" } }
    }

    struct Note: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a note to an alert.")
        @Argument(help: "The alert's id, or enough of its beginning.") var id: String
        @Argument(help: "What there is to say; several words may stand without quotes.") var words: [String]
        @OptionGroup var person: PersonOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws { try AlertsCommand.check(id: id) }

        func run() async throws {
            try await AlertsCommand.perform(
                .note, on: [id], by: person.name, reason: words.joined(separator: " "), output: output.output, database: database
            ) { _ in "noted" }
        }
    }
}
