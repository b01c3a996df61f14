import Alerting
import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL

extension AlertsCommand {
    struct SilenceCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "silence", abstract: "Tell nobody about certain alerts for a while; they are stored and listed all the same.",
            discussion: """
                For example: `cardea alerts silence rule=scanning client_ip=~192\\.0\\.2\\..* --for 2h --comment "the yearly test"`. Labels: \
                rule (title or id), severity, tenant, and the fields that the rule groups by. =, !=, =~ and !~ compare; an expression must match \
                the whole value. All matchers must hold.
                """,
            subcommands: [Create.self, Expire.self, SilenceList.self], defaultSubcommand: Create.self)
    }

    static let silenceColumns: [RowPrinter.Column] = [
        "id", "state", "matchers", "starts_at", "ends_at", "author", "comment",
    ].map { .init($0) }

    static func json(_ silence: Silence, at now: Timestamp) -> JSONObject {
        [
            "id": .string(silence.id), "state": .string(silence.state(at: now).rawValue),
            "matchers": .array(silence.matchers.map { .string($0.description) }), "starts_at": .string(silence.startsAt.description),
            "ends_at": .string(silence.endsAt.description), "author": .string(silence.author), "comment": .string(silence.comment),
            "created_at": .string(silence.createdAt.description), "expired_by": silence.expiredBy.map(JSONValue.string) ?? .null,
        ]
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Begin a silence.")
        @Argument(help: "Conditions on an alert: rule=scanning, severity!=high, client_ip=~10\\..*") var matchers: [String] = []
        @Option(help: ArgumentHelp("Silence this alert's rule and group instead.", valueName: "id")) var alert: String?
        @Option(name: .customLong("for"), help: ArgumentHelp("How long: 30m, 2h, 3d, 1w.", valueName: "span")) var span: String
        @Option(help: ArgumentHelp("When it begins; now unless said.", valueName: "time")) var from: String?
        @Option(help: "Why, for whoever wonders.") var comment: String
        @OptionGroup var person: PersonOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            if let alert { try AlertsCommand.check(id: alert) }
            guard matchers.isEmpty != (alert == nil) else { throw ValidationError("Give matchers such as rule=scanning, or --alert.") }
            for text in matchers { do { _ = try AlertMatcher(text) } catch { throw ValidationError(error.description) } }
            _ = try seconds()
            if let from, TimeExpression.parse(from, now: .now()) == nil {
                throw ValidationError("--from '\(from)' is no time: 2026-11-23, 2026-11-23T10:00:00Z.")
            }
        }

        private func seconds() throws -> Int64 {
            let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
            guard let unit = span.last.flatMap({ units[$0] }), let count = Int64(span.dropLast()), count > 0, count < 100_000_000,
                count * unit <= Silence.maximumSeconds
            else { throw ValidationError("--for '\(span)' is no span up to a year: 30m, 2h, 3d, 1w.") }
            return count * unit
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.responder, connections: 1) { pool in
                var chosen = try matchers.map { try AlertMatcher($0) }
                if let alert {
                    let found = try await pool.withConnection { try await AlertsCommand.alert(alert, $0) }
                    chosen = [try AlertMatcher("rule", .equal, found.ruleID), try AlertMatcher("tenant", .equal, found.tenant)]
                    for member in found.group {
                        let hidden = ["rule", "severity", "tenant"].contains(member.key) || member.key.hasPrefix("group.")
                        chosen.append(try AlertMatcher((hidden ? "group." : "") + member.key, .equal, member.value.string ?? ""))
                    }
                }
                let silence = try await Failure.ofAlerting {
                    try await AlertDesk(pool).silence(
                        chosen, from: from.flatMap { TimeExpression.parse($0, now: .now()) }, seconds: try seconds(), by: person.name,
                        comment: comment)
                }
                let object = AlertsCommand.json(silence, at: .now())
                switch output.output {
                case .table: StandardOutput.write("\(silence.id) silences until \(silence.endsAt)\n")
                case .json, .jsonl: StandardOutput.write(RowPrinter.text(.object(object)) + "\n")
                case .csv:
                    var printer = RowPrinter(.csv, columns: AlertsCommand.silenceColumns)
                    printer.print([object])
                    printer.finish()
                }
            }
        }
    }

    struct Expire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a silence before its time.")
        @Argument(help: "The silence's id; `cardea alerts silences` shows it.") var id: String
        @OptionGroup var person: PersonOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.responder, connections: 1) { pool in
                try await Failure.ofAlerting { try await AlertDesk(pool).expire(id, by: person.name) }
                StandardOutput.write(RowPrinter.visible("\(id) expired") + "\n")
            }
        }
    }

    struct Silences: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "silences", abstract: "List the silences that hold or will hold.")
        @OptionGroup var options: SilenceListOptions

        func run() async throws { try await options.list() }
    }

    /// The same, where somebody looks for it beside `create`.
    struct SilenceList: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the silences that hold or will hold.")
        @OptionGroup var options: SilenceListOptions

        func run() async throws { try await options.list() }
    }
}

struct SilenceListOptions: ParsableArguments {
    @Flag(help: "Also those of the last 90 days that have ended.") var all = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func list() async throws {
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.reader, connections: 1) { pool in
            let now = Timestamp.now()
            let silences = try await pool.withConnection { try await SilenceStore().all($0) }.filter {
                all || $0.state(at: now) != .expired
            }
            var printer = RowPrinter(output.output, columns: AlertsCommand.silenceColumns)
            printer.print(silences.map { AlertsCommand.json($0, at: now) })
            printer.finish()
            if silences.isEmpty, output.output == .table { StandardError.write("no silences\n") }
        }
    }
}

extension Failure {
    /// Does `body`; what alerting refuses is a failure with its next step.
    static func ofAlerting<R>(_ body: () async throws -> R) async throws -> R {
        do { return try await body() } catch let error as AlertingError { throw Failure(error.message, hint: error.hint) }
    }
}
