import ArgumentParser
import AuditEvents
import EventStore

/// Legal holds.
struct HoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Legal holds: what they cover is neither erased nor dropped.",
        discussion: """
            A hold without --subject covers everybody, without --tenant every tenant, without --since and --until all time. One with a subject keeps \
            the partitions of its span too, whoever else is in them.
            """,
        subcommands: [HoldSet.self, HoldRelease.self, HoldList.self])

    static let columns: [RowPrinter.Column] = [
        "name", "subject", "tenant", "since", "until", "reason", "set_by", "set_at", "released_at", "release_reason",
    ].map { .init($0) }
}

struct HoldSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "set", abstract: "Set a hold.")
    @Argument(help: "Its name, used once.") var name: String
    @Option(help: "Why.") var reason: String
    @Option(help: "Whose data: an actor's id or name, exactly.") var subject: String?
    @Option(help: "In this tenant's record alone.") var tenant: String?
    @Option(help: ArgumentHelp("Events from here on: 2026-11-23, 90d.", valueName: "time")) var since: String?
    @Option(help: ArgumentHelp("Events up to here, included.", valueName: "time")) var until: String?
    @OptionGroup var person: PersonOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws { _ = try OptionValues.times(since: since, until: until, now: .now()) }

    func run() async throws {
        let times = try OptionValues.times(since: since, until: until, now: .now())
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.admin, connections: 1) { pool in
            let hold = LegalHold(name: name, reason: reason, subject: subject, tenant: tenant, since: times.since, until: times.until)
            try await LegalHolds(pool).set(hold, by: person.name)
            StandardOutput.write(RowPrinter.visible("\(name) holds until it is released") + "\n")
        }
    }
}

struct HoldRelease: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "release", abstract: "Release a hold.")
    @Argument(help: "Its name.") var name: String
    @Option(help: "Why.") var reason: String
    @OptionGroup var person: PersonOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.admin, connections: 1) { pool in
            try await LegalHolds(pool).release(name, reason: reason, by: person.name)
            StandardOutput.write(RowPrinter.visible("\(name) is released") + "\n")
        }
    }
}

struct HoldList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the holds.")
    @Flag(help: "Also those that were released.") var all = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.admin, connections: 1) { pool in
            let holds = try await LegalHolds(pool).all().filter { all || $0.releasedAt == nil }
            var printer = RowPrinter(output.output, columns: HoldCommand.columns)
            printer.print(holds.map(\.json))
            printer.finish()
            if holds.isEmpty, output.output == .table { StandardError.write("no holds\n") }
        }
    }
}
