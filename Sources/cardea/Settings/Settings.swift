import Configuration
import EventStore
import Glibc
import Logging
import Projections
import SystemPackage

/// What cardea was told: flags first, then the environment (`CARDEA_…`), then the configuration file.
struct Settings {
    var databaseURL: String?
    var home: String
    var logLevel: Logger.Level
    var store = StoreConfiguration()
    let reader: ConfigReader

    /// Reads the settings.
    ///
    /// - `databaseURL` (string, secret): as libpq takes it; without it a private cluster is used
    /// - `home` (string): default `/var/lib/cardea` for root, `$XDG_STATE_HOME/cardea` or `~/.local/state/cardea` for others
    /// - `logLevel` (string, default: "notice")
    /// - `store.batchSize` (int, 500), `store.batchDelayMilliseconds` (int, 5), `store.bufferCapacity` (int, 20000)
    /// - `store.backPressure` (string, "block" or "refuse"), `store.spoolDirectory` (string, HOME/spool), `store.spoolLimitMegabytes` (int, 1024)
    /// - `rules.folder` (string, HOME/rules): see `WorkingRules`
    /// - `alerts.receivers` (string, HOME/receivers.yml): see `WorkingDelivery`; `alerts.inhibitions`: see `inhibitions()`
    /// - `example.…`: see `ExampleAPI.Configuration`
    init(_ options: DatabaseOptions) async throws {
        var flags: [AbsoluteConfigKey: ConfigValue] = [:]
        if let url = options.databaseURL { flags["databaseURL"] = ConfigValue(.string(url), isSecret: true) }
        if let home = options.home { flags["home"] = ConfigValue(.string(home), isSecret: false) }
        if let level = options.logLevel { flags["logLevel"] = ConfigValue(.string(level), isSecret: false) }
        let environment = EnvironmentVariablesProvider(secretsSpecifier: .specific(["CARDEA_DATABASE_URL", "CARDEA_LOG_KEY"])).prefixKeys(
            with: "cardea")
        var providers: [any ConfigProvider] = [InMemoryProvider(name: "flags", values: flags), environment]

        let early = ConfigReader(providers: providers)
        let home = try Settings.absolute(early.string(forKey: "home") ?? Settings.defaultHome())
        let named = options.config ?? early.string(forKey: "config")
        let file = named ?? home + "/cardea.json"
        do {
            providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(file), allowMissing: named == nil))
        } catch {
            throw Failure("the configuration file \(file) cannot be read: \(error)", hint: "It must be a JSON object; see the README.")
        }
        reader = ConfigReader(providers: providers)

        databaseURL = reader.string(forKey: "databaseURL", isSecret: true).flatMap { $0.isEmpty ? nil : $0 }
        self.home = try Settings.absolute(reader.string(forKey: "home") ?? home)
        let level = reader.string(forKey: "logLevel", default: "notice")
        guard let known = Logger.Level(rawValue: level) else {
            throw Failure("'\(level)' is not a log level", hint: "trace, debug, info, notice, warning, error or critical.", status: 2)
        }
        logLevel = known
        store.batchSize = try bounded("store.batchSize", store.batchSize, 1...10_000)
        store.batchDelay = .milliseconds(try bounded("store.batchDelayMilliseconds", 5, 0...10_000))
        store.bufferCapacity = try bounded("store.bufferCapacity", store.bufferCapacity, 1...10_000_000)
        let policy = reader.string(forKey: "store.backPressure", default: "block")
        guard let backPressure = StoreConfiguration.BackPressure.named(policy) else {
            throw Failure("store.backPressure is '\(policy)'", hint: "It is block or refuse.", status: 2)
        }
        store.backPressure = backPressure
        store.spoolDirectory = reader.string(forKey: "store.spoolDirectory", default: self.home + "/spool")
        store.spoolLimit = try bounded("store.spoolLimitMegabytes", 1024, 1...1_000_000) << 20
    }

    /// Makes the home folder, where a database of somebody else's left it unmade: the spool lies there.
    func makeHome() throws {
        var path = ""
        for part in home.split(separator: "/") {
            path += "/" + part
            guard mkdir(path, 0o711) == 0 || errno == EEXIST || access(path, F_OK) == 0 else {
                throw Failure(
                    "the folder \(path) cannot be made: \(String(cString: strerror(errno)))", hint: "Name one that can: --home FOLDER.")
            }
        }
    }

    private func bounded(_ key: ConfigKey, _ fallback: Int, _ range: ClosedRange<Int>) throws -> Int {
        let value = reader.int(forKey: key, default: fallback)
        guard range.contains(value) else {
            throw Failure("\(key) is \(value)", hint: "It goes from \(range.lowerBound) to \(range.upperBound).", status: 2)
        }
        return value
    }

    private static func defaultHome() throws -> String {
        if geteuid() == 0 { return "/var/lib/cardea" }
        if let state = variable("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/cardea" }
        guard let home = variable("HOME") else {
            throw Failure("neither HOME nor XDG_STATE_HOME is set", hint: "Say where to live: --home FOLDER.", status: 2)
        }
        return home + "/.local/state/cardea"
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } }

    private static func absolute(_ path: String) throws -> String {
        guard !path.isEmpty else { throw Failure("--home is empty", status: 2) }
        if path.hasPrefix("/") { return path }
        guard let current = getcwd(nil, 0) else { throw Failure("the current folder cannot be told") }
        defer { free(current) }
        return String(cString: current) + "/" + path
    }
}
