import Alerting
import Configuration
import Detection
import Glibc
import Logging
import PostgreSQL
import Projections
import ServiceLifecycle

/// The rules at work: cardea's own, those of a folder in front of them, the folder's settings, and what was turned off or on.
///
/// The folder is `rules.folder` in the configuration (`CARDEA_RULES_FOLDER`), HOME/rules unless set. A file `settings.yml` in it holds
/// `RuleSettings`; every other `.yml` and `.yaml` in it and beneath is a rule file.
struct WorkingRules {
    static let settingsName = "settings.yml"

    let folder: String

    /// What was loaded.
    struct Loaded {
        var set: RuleSet
        var geo: GeoDatabase?
        var settings: RuleSettings
        /// The names of the folder's files.
        var files: [String]

        var atWork: RulesAtWork { RulesAtWork(set, geo: geo) }

        /// Says which rules are off for want of a file of addresses.
        func tell() {
            guard geo == nil, !set.needingGeo.isEmpty else { return }
            let titles = set.needingGeo.joined(separator: ", ")
            StandardError.write(
                "cardea: off, for no file says where addresses are (geo in \(WorkingRules.settingsName)): \(RowPrinter.visible(titles))\n")
        }
    }

    /// - Throws: `Failure` where a folder was named and is not there.
    init(_ settings: Settings) throws {
        let named = settings.reader.string(forKey: "rules.folder")
        folder = named ?? settings.home + "/rules"
        if let named, access(named, R_OK | X_OK) != 0 {
            throw Failure(
                "the folder of rules \(RowPrinter.visible(named)): \(String(cString: strerror(errno)))",
                hint: "rules.folder (CARDEA_RULES_FOLDER) names it.", status: 2)
        }
    }

    private var settingsPath: String { "\(folder)/\(Self.settingsName)" }

    /// - Throws: `Failure`, with all faults of the files.
    func load(switches: [RuleSwitches.Switch] = []) throws -> Loaded {
        var files: [RuleFiles.File] = []
        if access(folder, F_OK) == 0 { files = try RuleFiles.inFolder(folder) }
        var settings = RuleSettings()
        do {
            if let place = files.firstIndex(where: { $0.name == settingsPath }) {
                let file = files.remove(at: place)
                settings = try RuleSettings(file.yaml, file: file.name)
            }
            var tuning = settings.tuning
            tuning.switches = Dictionary(switches.map { ($0.rule, $0.isEnabled) }) { $1 }
            let set = try RuleSet(files: files, beneath: RuleSet.builtInFiles, placeholders: settings.placeholders, tuning: tuning)
            return Loaded(set: set, geo: try settings.geo.map(Self.geo), settings: settings, files: files.map(\.name))
        } catch let errors as RuleErrors {
            throw Failure(errors.description, hint: "`cardea rules lint \(folder)` says more about rules.")
        }
    }

    private static func geo(_ path: String) throws -> GeoDatabase {
        do {
            return try GeoDatabase(try RuleFiles.contents(of: path, maximum: GeoDatabase.maximumBytes))
        } catch let error as GeoDatabaseError {
            throw Failure("\(RowPrinter.visible(path)): \(error)", hint: "geo names a file such as GeoLite2-City.mmdb.")
        }
    }

    /// Loads what is at work now.
    func load(_ pool: PostgresPool) async throws -> Loaded {
        try load(switches: try await pool.withConnection { try await RuleSwitches().all($0) })
    }

    /// What changes when some file does.
    ///
    /// - Parameter geo: the file of addresses that is at work.
    func stamps(geo: String?) throws -> [RuleFiles.Stamp] {
        let addresses = geo.flatMap { RuleFiles.Stamp($0) }.map { [$0] } ?? []
        return access(folder, F_OK) == 0 ? try RuleFiles.stamps(inFolder: folder) + addresses : addresses
    }
}

/// Follows the folder and the switches while a worker runs; what does not load leaves the last good rules at work.
struct RulesWatcher: Service {
    let rules: WorkingRules
    let atWork: RulesAtWork
    let pool: PostgresPool
    let logger: Logger

    private struct Seen: Equatable {
        var stamps: [RuleFiles.Stamp]
        var switches: [RuleSwitches.Switch]
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // The first look compares with what was loaded before the worker began: a file may have changed in between.
            var seen: Seen?
            var geo: String?
            while !Task.isCancelled {
                do {
                    let now = try await look(geo)
                    if now != seen {
                        let isFirst = seen == nil
                        seen = now
                        let loaded = try rules.load(switches: now.switches)
                        if loaded.settings.geo != geo {
                            geo = loaded.settings.geo
                            seen = try await look(geo)
                        }
                        if !isFirst || loaded.set.fingerprint != atWork.fingerprint { replace(loaded) }
                    }
                } catch {
                    if !Task.isCancelled {
                        logger.warning("The rules cannot be loaded; the last good ones stay at work", metadata: ["error": "\(error)"])
                    }
                }
                try? await Task.sleep(for: .seconds(2))
            }
        }
    }

    private func replace(_ loaded: WorkingRules.Loaded) {
        atWork.replace(loaded.set, geo: loaded.geo)
        logger.notice(
            "The rules were loaded anew",
            metadata: ["rules.count": "\(loaded.set.correlations.count)", "rules.fingerprint": "\(loaded.set.fingerprint)"])
    }

    private func look(_ geo: String?) async throws -> Seen {
        Seen(stamps: try rules.stamps(geo: geo), switches: try await pool.withConnection { try await RuleSwitches().all($0) })
    }
}
