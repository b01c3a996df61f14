import ArgumentParser
import Logging

/// The options that every command has.
struct DatabaseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("PostgreSQL as libpq takes it (CARDEA_DATABASE_URL). Default: a private cluster.", valueName: "url"))
    var databaseURL: String?

    @Option(help: ArgumentHelp("Where the private cluster and the spool live (CARDEA_HOME).", valueName: "folder"))
    var home: String?

    @Option(help: ArgumentHelp("A JSON configuration file (CARDEA_CONFIG). Default: HOME/cardea.json, if there.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error (CARDEA_LOG_LEVEL).", valueName: "level"))
    var logLevel: String?
}
