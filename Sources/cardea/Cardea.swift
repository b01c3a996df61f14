import ArgumentParser

/// The command line. A new verb: a file in `Commands`, its line here.
@main
struct Cardea: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cardea",
        abstract: "The security record of an application: gap-free, ordered, searchable, with views and alerts.",
        discussion: """
            Without --database-url (or CARDEA_DATABASE_URL) cardea runs a PostgreSQL of its own under --home, started on demand \
            and left running until `cardea down`.

            To begin: `cardea import /var/log/nginx/access.log`, `cardea worker --until-idle`, then `cardea alerts`, `cardea views failed_login`, \
            `cardea query --status 404`. Or `cardea up --example`, and send it requests.

            Exit status: 0 done, 1 failed (verify: tampered), 2 wrong usage, 3 incomplete.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "Run", subcommands: [Up.self, Down.self, WorkerCommand.self, Migrate.self, Doctor.self]),
            CommandGroup(name: "Fill", subcommands: [Import.self]),
            CommandGroup(
                name: "Look",
                subcommands: [
                    Query.self, Tail.self, ViewsCommand.self, AlertsCommand.self, DeliveriesCommand.self, RulesCommand.self,
                    RoutesCommand.self,
                ]),
            CommandGroup(
                name: "Prove",
                subcommands: [
                    ExportCommand.self, ReportCommand.self, ReviewCommand.self, VerifyCommand.self, ProveCommand.self, KeysCommand.self,
                    TilesCommand.self,
                ]),
            CommandGroup(
                name: "Maintain",
                subcommands: [
                    ProjectionsCommand.self, SubjectCommand.self, HoldCommand.self, RetentionCommand.self, BenchCommand.self,
                    Completion.self,
                ]),
        ])

    static func main() async {
        ignoresBrokenPipes
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(error)
        }
    }
}

/// Prints a completion script.
struct Completion: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a completion script for a shell.",
        discussion: "For bash: cardea completion bash > ~/.local/share/bash-completion/completions/cardea")

    @Argument(help: "bash, zsh or fish.") var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else { throw ValidationError("'\(shell)' is not bash, zsh or fish.") }
        StandardOutput.write(Cardea.completionScript(for: shell) + "\n")
    }
}
