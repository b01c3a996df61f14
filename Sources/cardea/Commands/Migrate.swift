import ArgumentParser
import EventStore

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the schema into the database, or up to date.",
        discussion:
            "Idempotent, and safe when started twice at once. Refuses a database newer than itself. Shards may be added later, never taken away; a tenant stays in its shard."
    )

    @Option(help: "How many shards there should be at least. Default: as many as there are, or 1.") var shards: Int?
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        if let shards, !(1...1024).contains(shards) { throw ValidationError("--shards goes from 1 to 1024.") }
    }

    func run() async throws {
        let deployment = try await Deployment.open(database, migrating: true)
        let report = try await Migrator(deployment.configuration(nil), logger: deployment.logger).migrate(shards: shards)
        let changes =
            report.changed
            ? "\(report.migrations.count) migrations, \(report.objects.count) functions, \(report.partitions) partitions" : "nothing to do"
        StandardOutput.write("schema version \(report.version), shards \(report.shards): \(changes)\n")
    }
}
