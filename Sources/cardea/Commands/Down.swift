import ArgumentParser
import PostgreSQL

struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the private cluster.", discussion: "Its data stays; any command starts it again.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let settings = try await Settings(database)
        guard settings.databaseURL == nil else {
            throw Failure(
                "a database URL is given, and that server is not Cardea's to stop",
                hint: "Leave --database-url and CARDEA_DATABASE_URL out.")
        }
        let cluster = PrivateCluster(home: settings.home, logger: Deployment.logger(settings.logLevel))
        let before = try await cluster.status()
        try await cluster.stop()
        StandardError.write(before.state == .running ? "cardea: stopped\n" : "cardea: it was not running\n")
    }
}
