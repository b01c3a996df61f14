import Alerting
import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL

extension AlertsCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the alerts that somebody should look at, those with the newest events first.",
            discussion: """
                Left out unless --all: what somebody has closed, and what was seen before it became idle. Several values of one option are \
                alternatives; different options must all hold.
                """)

        @Option(
            help:
                "open, acknowledged, assigned, resolved, false_positive, reopened or merged. May be repeated or comma-separated, as all of these may."
        )
        var state: [String] = []
        @Option(help: "informational, low, medium, high or critical; high+ is high and above.") var severity: [String] = []
        @Option(help: "The rule's title or id; * matches anything.") var rule: [String] = []
        @Option(help: "The tenant.") var tenant: [String] = []
        @Option(
            help: ArgumentHelp(
                "With events from here on: 2026-11-23, 2026-11-23T10:00:00Z, or back from now: 90m, 24h, 7d.", valueName: "time"))
        var since: String?
        @Option(help: ArgumentHelp("With events up to here, included; a bare date includes its day.", valueName: "time")) var until: String?
        @Option(help: ArgumentHelp("Words that stand in the rule, the group, the tags or the names.", valueName: "words")) var text:
            [String] = []
        @Flag(help: "Also those that are closed.") var all = false
        @Option(help: "How many at most; 0 for all.") var limit: Int = 100
        @OptionGroup var person: PersonOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            guard limit >= 0 else { throw ValidationError("--limit is not negative.") }
            _ = try filter(now: .now())
        }

        private func filter(now: Timestamp) throws -> AlertFilter {
            var filter = AlertFilter()
            filter.includesSettled = all
            filter.states = try OptionValues.split(state, "--state").map { name in
                guard let state = AlertState(rawValue: name.replacing("-", with: "_")) else {
                    throw ValidationError("'\(name)' is no state: \(AlertState.allCases.map(\.rawValue).joined(separator: ", ")).")
                }
                return state
            }
            filter.severities = try OptionValues.split(severity, "--severity").flatMap { name in
                let isFloor = name.hasSuffix("+")
                guard let severity = Severity.allCases.first(where: { $0.name == (isFloor ? String(name.dropLast()) : name) }) else {
                    throw ValidationError(
                        "'\(name)' is no severity: \(Severity.allCases.map(\.name).joined(separator: ", ")), or one with + for that and above."
                    )
                }
                return isFloor ? Severity.allCases.filter { $0 >= severity } : [severity]
            }
            filter.rules = try OptionValues.split(rule, "--rule")
            filter.tenants = try OptionValues.split(tenant, "--tenant")
            (filter.since, filter.until) = try OptionValues.times(since: since, until: until, now: now)
            filter.text = text.flatMap { $0.split(separator: " ").map(String.init) }
            return filter
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            let inhibitions = try deployment.settings.inhibitions()
            let filter = try filter(now: .now())
            try await deployment.withPool(.reader, connections: 1) { pool in
                try await Staleness.warn(pool)
                try await Reading(.alerts, by: person.name).record(pool)
                // One more than asked for tells whether there is more.
                let most = limit == 0 ? nil : limit
                let (alerts, hidden, suppression) = try await pool.withConnection { connection in
                    let alerts = try await AlertStore().list(connection, filter, limit: most.map { $0 + 1 })
                    var settled = filter
                    settled.includesSettled = true
                    let isEmptyByDefault = alerts.isEmpty && !all && filter.states.isEmpty
                    let hidden = isEmptyByDefault ? try await AlertStore().list(connection, settled, limit: 1).count : 0
                    return (alerts, hidden, try await SilenceStore().suppression(connection, inhibitions: inhibitions))
                }
                var printer = RowPrinter(output.output, columns: output.output == .csv ? AlertsCommand.csvColumns : AlertsCommand.columns)
                let now = Timestamp.now()
                printer.print(alerts.prefix(most ?? .max).map { AlertsCommand.json($0, suppression, at: now) })
                printer.finish()
                if alerts.count > most ?? .max { StandardError.write("more: --limit 0 shows all\n") }
                if alerts.isEmpty, output.output == .table {
                    StandardError.write(
                        hidden > 0 ? "no alerts that somebody should look at; --all shows those that are closed\n" : "no alerts\n")
                }
            }
        }
    }
}
