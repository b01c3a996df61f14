import ArgumentParser
import AuditEvents
import Detection
import PostgreSQL
import Projections

struct ProjectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "projections", abstract: "See how far views and detection are, or build a view anew.",
        subcommands: [List.self, Rebuild.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List every projection's generations, shard by shard, and what each has left to do.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.reader, connections: 1) { pool in
                let rows = try await ProjectionCatalog(pool, logger: deployment.logger).status().map { status -> JSONObject in
                    [
                        "name": .string(status.name), "generation": .int(Int64(status.generation)), "version": .int(Int64(status.version)),
                        "state": .string(status.state), "shard": .int(Int64(status.shard)), "next_index": .int(status.next),
                        "end_index": .int(status.end), "lag": .int(status.lag),
                    ]
                }
                var printer = RowPrinter(
                    output.output,
                    columns: ["name", "generation", "version", "state", "shard", "next_index", "end_index", "lag"].map { .init($0) })
                printer.print(rows)
                printer.finish()
            }
        }
    }

    struct Rebuild: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Build a view anew from the first event, while the old one serves, then switch.",
            discussion: "Views: \(ProjectionCatalog.views.joined(separator: ", ")). Alerts are never rebuilt.")

        @Argument(help: "The view's name.", completion: .list(ProjectionCatalog.views)) var name: String
        @Flag(help: "Only begin; workers that run do the rest.") var noWait = false
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            guard ProjectionCatalog.views.contains(name) else {
                throw ValidationError(
                    name == "detection"
                        ? "Alerts are never rebuilt: somebody may have acted on them."
                        : "There is no view '\(name)'. There are: \(ProjectionCatalog.views.joined(separator: ", ")).")
            }
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.worker) { pool in
                let catalog = ProjectionCatalog(pool, logger: deployment.logger)
                let generation = try await catalog.rebuild(name)
                if noWait {
                    StandardOutput.write("generation \(generation) of \(name) begun; see `cardea projections list`\n")
                    return
                }
                let worker = Worker(
                    pool: pool, listening: deployment.configuration(.worker), configuration: .init(id: Deployment.workerID()),
                    rules: try await WorkingRules(deployment.settings).load(pool).atWork, logger: deployment.logger)
                while try await !catalog.isLive(name, generation) {
                    let folded = try await worker.runUntilIdle { folded in
                        if StandardError.isTerminal { StandardError.write("\r\u{1b}[K\(folded) events folded") }
                    }
                    if folded == 0 { try await Task.sleep(for: .milliseconds(100)) }
                }
                if StandardError.isTerminal { StandardError.write("\r\u{1b}[K") }
                StandardOutput.write("\(name) was rebuilt; generation \(generation) serves\n")
            }
        }
    }
}
