import FoundationEssentials
import Glibc

/// The programs of one installed PostgreSQL server.
struct ServerBinaries: Sendable {
    let folder: String
    /// The major version, such as 15.
    let major: Int

    var initdb: String { "\(folder)/initdb" }
    var pgCtl: String { "\(folder)/pg_ctl" }

    /// Looks at `pg_config --bindir`, Debian's folders (newest first) and the PATH. With `major`, only that version will do.
    static func find(major: Int? = nil) throws -> ServerBinaries {
        var found: [ServerBinaries] = []
        for folder in candidates() {
            guard ["postgres", "initdb", "pg_ctl"].allSatisfy({ access("\(folder)/\($0)", X_OK) == 0 }),
                let version = version(of: folder)
            else { continue }
            let binaries = ServerBinaries(folder: folder, major: version)
            if major == nil || major == version { return binaries }
            found.append(binaries)
        }
        if let major, let other = found.first {
            throw PostgresError(
                .cluster, "the data folder is of PostgreSQL \(major), but only \(other.major) is installed",
                hint: "apt-get install postgresql-\(major), or move the data with pg_upgrade, or give another home")
        }
        throw PostgresError(.cluster, "no PostgreSQL server is installed", hint: "apt-get install postgresql")
    }

    private static func candidates() -> [String] {
        var folders: [String] = []
        if let configuration = ChildProcess.find("pg_config"), let outcome = try? ChildProcess.run([configuration, "--bindir"]),
            outcome.status == 0
        {
            folders.append(PostgresError.trimmed(outcome.output))
        }
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        folders += versions.sorted(by: >).map { "\(root)/\($0)/bin" }
        if let postgres = ChildProcess.find("postgres") { folders.append(String(postgres.dropLast("/postgres".count))) }
        return folders
    }

    private static func version(of folder: String) -> Int? {
        guard let outcome = try? ChildProcess.run(["\(folder)/postgres", "--version"]), outcome.status == 0 else { return nil }
        // "postgres (PostgreSQL) 15.18 (Debian …)"
        let words = outcome.output.split(separator: " ")
        return words.lazy.compactMap { Int($0.prefix { $0.isNumber }) }.first
    }
}
