import ArgumentParser
import AuditEvents
import EventStore

/// How long events stay.
struct RetentionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention", abstract: "How long events are kept, and dropping what is past that.",
        discussion: """
            Whole partitions go, once the windows of all tenants with events in them are over, no legal hold is on them, and every projection has \
            folded them. Their places in the log and their hashes stay. Without a setting events are kept for ever.
            """,
        subcommands: [RetentionSet.self, RetentionShow.self, RetentionPlanCommand.self, RetentionApply.self])

    static let columns: [RowPrinter.Column] = [
        "partition", "from", "to", "events", "bytes", "tenants", "goes", "kept_by",
    ].map { .init($0) }
}

struct RetentionSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "set", abstract: "Set how long events are kept.")
    @Option(help: ArgumentHelp("How long: 400d, 57w, 2y; or forever.", valueName: "span")) var keep: String
    @Option(help: "Of this tenant; of all without a setting of their own unless said.") var tenant: String?
    @OptionGroup var person: PersonOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard keep == "forever" || KeepSpan.days(keep) != nil else {
            throw ValidationError("--keep '\(keep)' is no span of 1 to 36,500 days: 400d, 57w, 2y, forever.")
        }
        if keep == "forever", tenant != nil {
            throw ValidationError("A tenant keeps as long as all others or as long as its own setting says: --keep 36500d for 100 years.")
        }
        if tenant?.isEmpty == true { throw ValidationError("--tenant is empty.") }
    }

    func run() async throws {
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.admin, connections: 1) { pool in
            try await Retention(pool).set(days: KeepSpan.days(keep), tenant: tenant, by: person.name)
            StandardOutput.write(RowPrinter.visible("\(tenant ?? "all tenants without a setting of their own") keep \(keep)") + "\n")
        }
    }
}

struct RetentionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show how long events are kept.")
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.admin, connections: 1) { pool in
            let settings = try await Retention(pool).settings()
            var printer = RowPrinter(
                output.output,
                columns: [.init("tenant") { $0["tenant"] == .null ? "(all others)" : $0["tenant"] }]
                    + ["keep_days", "set_by", "set_at"].map { .init($0) })
            printer.print(settings.map(\.json))
            printer.finish()
            if settings.isEmpty, output.output == .table { StandardError.write("events are kept for ever\n") }
        }
    }
}

struct RetentionPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "plan", abstract: "Show what would go, and what keeps the rest.")
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.admin, connections: 1) { pool in
            let plan = try await Retention(pool).plan()
            var printer = RowPrinter(output.output, columns: RetentionCommand.columns)
            printer.print(plan.map(\.json))
            printer.finish()
            StandardError.write("\(plan.filter(\.goes).count) of \(plan.count) past partitions would go\n")
        }
    }
}

struct RetentionApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "apply", abstract: "Drop what is past retention; cannot be undone.")
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var person: PersonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let deployment = try await Deployment.open(database)
        // What is dropped must have its leaves first.
        try await deployment.withPool(.worker, connections: 2) { try await ProofDesk.bringUpToDate(deployment, $0, by: person.name) }
        try await deployment.withPool(.admin, connections: 2) { pool in
            let retention = Retention(pool)
            try await retention.dropLeftovers()
            let going = try await retention.plan().filter(\.goes)
            guard !going.isEmpty else {
                StandardError.write("nothing is past retention\n")
                return
            }
            let events = going.reduce(0) { $0 + $1.events }
            try Confirmation.ask("Drop \(going.count) partitions with \(events) events? This cannot be undone.", yes: yes)
            var printer = RowPrinter(output.output, columns: Array(RetentionCommand.columns.dropLast(2)))
            for plan in going {
                try await retention.drop(plan, by: person.name)
                printer.print([plan.json])
            }
            printer.finish()
        }
    }
}
