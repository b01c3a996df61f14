import ArgumentParser
import AuditEvents
import Detection
import EventStore

extension RulesCommand {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a rule as it is at work: its file's text with the rules that it counts, and what is set for it.")

        @Argument(help: "The rule's name or id; `cardea rules list` shows both.") var rule: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let loaded = try await RulesCommand.atWork(database)
            let metadata = try loaded.set.metadata(named: rule)
            let source = loaded.set.source(of: metadata)
            let isEnabled = loaded.set.tuning.isEnabled(metadata)
            let row: JSONObject = [
                "id": .string(metadata.id), "name": .string(metadata.name ?? metadata.id), "title": .string(metadata.title),
                "level": .string(metadata.level.rawValue), "enabled": .bool(isEnabled), "file": .string(metadata.file),
                "description": .string(metadata.description ?? ""), "tags": .array(metadata.tags.map { .string($0) }),
                "false_positives": .array(metadata.falsePositives.map { .string($0) }), "source": .string(source),
            ]
            guard output.output == .table else {
                var printer = RowPrinter(output.output, columns: ["name", "title", "level", "enabled", "file", "source"].map { .init($0) })
                printer.print([row])
                return printer.finish()
            }
            StandardError.write("cardea: \(RowPrinter.visible(metadata.file)), \(isEnabled ? "enabled" : "disabled")\n")
            StandardOutput.write(source)
        }
    }

    /// The rules at work. A database that is not there or not up is not needed: only what was turned off and on is in it.
    static func atWork(_ options: DatabaseOptions) async throws -> WorkingRules.Loaded {
        let settings = try await Settings(options)
        let working = try WorkingRules(settings)
        guard let deployment = try await Deployment.openIfRunning(settings) else { return try working.load() }
        return try await deployment.withPool(.reader, connections: 1) { try await working.load($0) }
    }
}
