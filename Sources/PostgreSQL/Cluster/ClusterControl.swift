import FoundationEssentials
import Glibc

/// Sets up, starts and stops a private server. Everything here blocks and belongs on a thread of its own.
struct ClusterControl: Sendable {
    let layout: ClusterLayout
    let settings: ClusterSettings

    /// Makes the cluster if there is none, starts it if it does not run, and gives the folder of its socket.
    func ensureRunning() throws -> String {
        if let running = runningSocketFolder { return running }
        let account = try ServerAccount.resolve(folder: layout.folder)
        try layout.prepare(for: account)
        return try ClusterLock.hold(layout.lock) {
            let binaries = try ServerBinaries.find(major: dataVersion)
            if dataVersion == nil { try initialise(binaries, account) }
            if let postmaster = Postmaster(dataFolder: layout.data), postmaster.isAlive(dataFolder: layout.data) {
                if let folder = try settled(postmaster) { return folder }
                // It runs, but its socket is gone (somebody has cleaned /tmp): nobody could ever reach it.
                try stopServer(binaries, account)
            }
            try removeRemains()
            return try startServer(binaries, account)
        }
    }

    /// Stops the server if it runs. True when it did.
    func stop() throws -> Bool {
        guard FileFacts(layout.data) != nil else { return false }
        let account = try ServerAccount.resolve(folder: layout.folder)
        return try ClusterLock.hold(layout.lock) {
            guard let postmaster = Postmaster(dataFolder: layout.data), postmaster.isAlive(dataFolder: layout.data) else { return false }
            try stopServer(try ServerBinaries.find(major: dataVersion), account)
            if postmaster.socketFolder != "\(layout.folder)/run" { rmdir(postmaster.socketFolder) }
            return true
        }
    }

    /// Ends the server and removes the data.
    func remove() throws {
        for process in Postmaster.processes(in: layout.data) { kill(process, SIGKILL) }
        let socketFolder = Postmaster(dataFolder: layout.data)?.socketFolder
        try removeRemains()
        try ClusterLayout.refusingForeignErrors("\(layout.folder) cannot be removed") {
            if FileFacts(layout.folder) != nil { try FileManager.default.removeItem(atPath: layout.folder) }
        }
        if let socketFolder, socketFolder.hasPrefix("/tmp/cardea-") { try? FileManager.default.removeItem(atPath: socketFolder) }
    }

    /// The major version of the data folder, nil where there is none.
    var dataVersion: Int? {
        guard let text = try? String(contentsOfFile: "\(layout.data)/PG_VERSION", encoding: .utf8) else { return nil }
        return Int(PostgresError.trimmed(text))
    }

    /// The socket's folder of a server that is up and ready.
    var runningSocketFolder: String? {
        guard let postmaster = Postmaster(dataFolder: layout.data), postmaster.isReady,
            postmaster.isAlive(dataFolder: layout.data), hasSocket(postmaster)
        else { return nil }
        return postmaster.socketFolder
    }

    private func hasSocket(_ postmaster: Postmaster) -> Bool {
        FileFacts("\(postmaster.socketFolder)/.s.PGSQL.\(postmaster.port)") != nil
    }

    /// Waits for a server that somebody else has started, until it is ready. Nil when it has no socket any more.
    private func settled(_ postmaster: Postmaster) throws -> String? {
        let deadline = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < deadline {
            guard let now = Postmaster(dataFolder: layout.data), now.isAlive(dataFolder: layout.data) else { return nil }
            if now.isReady { return hasSocket(now) ? now.socketFolder : nil }
            usleep(20_000)
        }
        throw PostgresError(.cluster, "the server (process \(postmaster.pid)) has not become ready within five minutes")
    }

    // MARK: Setting up

    private func initialise(_ binaries: ServerBinaries, _ account: ServerAccount) throws {
        // What an interrupted attempt left has never been used.
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: layout.folder)) ?? []
        for entry in entries where entry.hasPrefix("data.new") {
            try? FileManager.default.removeItem(atPath: "\(layout.folder)/\(entry)")
        }
        if let leftover = try? FileManager.default.contentsOfDirectory(atPath: layout.data), !leftover.isEmpty {
            throw PostgresError(.cluster, "\(layout.data) exists and holds no database", hint: "move it away, or give another home")
        }
        rmdir(layout.data)
        let fresh = "\(layout.data).new"
        let common = [
            binaries.initdb, "-D", fresh, "-U", ClusterLayout.superuser, "--encoding=UTF8", "--data-checksums", "--auth=peer",
            "--no-instructions",
        ]
        do {
            try ChildProcess.check(common + ["--locale=C.UTF-8"], as: account)
        } catch {
            // A system without that locale; the plain one orders texts the same way.
            try? FileManager.default.removeItem(atPath: fresh)
            try ChildProcess.check(common + ["--locale=C"], as: account)
        }
        let include = "include_if_exists = 'cardea.conf'\n"
        let main = "\(fresh)/postgresql.conf"
        try ClusterLayout.refusingForeignErrors("\(main) cannot be extended") {
            let text = try String(contentsOfFile: main, encoding: .utf8)
            try (text + "\n" + include).write(toFile: main, atomically: false, encoding: .utf8)
        }
        guard rename(fresh, layout.data) == 0 else { throw ClusterLayout.failure(layout.data, "cannot be put in place") }
    }

    private func writeSettings(socketFolder: String, _ account: ServerAccount) throws {
        let files = [
            ("cardea.conf", settings.serverConfiguration(socketFolder: socketFolder, log: layout.log)),
            ("pg_hba.conf", ClusterSettings.clientAuthentication), ("pg_ident.conf", ClusterSettings.userMap(owner: account.name)),
        ]
        for (name, text) in files {
            let path = "\(layout.data)/\(name)"
            try ClusterLayout.refusingForeignErrors("\(path) cannot be written") {
                try text.write(toFile: path, atomically: false, encoding: .utf8)
            }
            if account.isForeign, chown(path, account.user, account.group) != 0 {
                throw ClusterLayout.failure(path, "cannot be given away")
            }
        }
    }

    // MARK: Starting and stopping

    private func startServer(_ binaries: ServerBinaries, _ account: ServerAccount) throws -> String {
        let socketFolder = layout.socketFolder(owner: account.user)
        try ClusterLayout.makeFolder(socketFolder, owner: account)
        try writeSettings(socketFolder: socketFolder, account)
        removeSocket(in: socketFolder)
        unlink("\(layout.log)/start.log")
        // pg_ctl hands its paths to a shell; relative ones cannot hold anything that a shell would take for its own.
        let arguments = [binaries.pgCtl, "start", "-D", "data", "-l", "log/start.log", "-w", "-t", "300", "-s"]
        let outcome = try ChildProcess.run(arguments, as: account, in: layout.folder)
        guard outcome.status == 0, let folder = runningSocketFolder else {
            throw PostgresError(.cluster, "the server did not start: \(reason(outcome.output))", hint: "its log lies in \(layout.log)")
        }
        return folder
    }

    /// What a crashed server left in its socket's folder, which is ours alone.
    private func removeSocket(in folder: String) {
        for suffix in ["", ".lock"] { unlink("\(folder)/.s.PGSQL.\(ClusterLayout.port)\(suffix)") }
    }

    /// The last lines that tell why a start failed.
    private func reason(_ output: String) -> String {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: layout.log)) ?? []).sorted()
        let texts = names.compactMap { try? String(contentsOfFile: "\(layout.log)/\($0)", encoding: .utf8) }
        let lines: [Substring] = texts.flatMap { (text: String) -> [Substring] in text.split(separator: "\n") }
        let errors = lines.filter { $0.contains("FATAL:") || $0.contains("HINT:") }
        return (Array(output.split(separator: "\n").prefix(3)) + errors.suffix(4)).joined(separator: "; ")
    }

    private func stopServer(_ binaries: ServerBinaries, _ account: ServerAccount) throws {
        let arguments = [binaries.pgCtl, "stop", "-D", "data", "-m", "fast", "-w", "-t", "120", "-s"]
        try ChildProcess.check(arguments, as: account, in: layout.folder)
        // pg_ctl waits for the pid file to go, which the last processes outlive for a moment.
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline, !Postmaster.processes(in: layout.data).isEmpty { usleep(5_000) }
    }

    /// Makes way for a new server after a crash. The caller holds the lock and knows that the postmaster is gone.
    private func removeRemains() throws {
        // Children that outlived a killed postmaster still have its shared memory; a new server refuses to start beside them.
        let deadline = ContinuousClock.now + .seconds(30)
        var signal = SIGTERM
        var rounds = 0
        while true {
            let orphans = Postmaster.processes(in: layout.data)
            if orphans.isEmpty { break }
            guard ContinuousClock.now < deadline else {
                throw PostgresError(.cluster, "processes of a crashed server do not end: \(orphans)")
            }
            for orphan in orphans { kill(orphan, signal) }
            rounds += 1
            if rounds > 50 { signal = SIGKILL }
            usleep(20_000)
        }
        // The pid in the file may belong to somebody else by now, and PostgreSQL would take that for a running server.
        if let stale = Postmaster(dataFolder: layout.data) {
            if kill(stale.pid, 0) == 0 || errno == EPERM { unlink("\(layout.data)/postmaster.pid") }
        } else {
            unlink("\(layout.data)/postmaster.pid")
        }
    }
}
