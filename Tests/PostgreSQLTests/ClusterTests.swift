import DatabaseTesting
import Glibc
import Testing

@testable import PostgreSQL

/// One server at a time: each takes a second to be made.
@Suite("A private cluster", .serialized)
struct ClusterTests {
    private func answer(_ url: String, _ sql: SQL) async throws -> String {
        try await withPostgresConnection(PostgresConfiguration(url: url), logger: .quiet) { try await $0.query(sql, as: String.self)[0] }
    }

    @Test("is made once when two tasks and two processes ask at the same time")
    func simultaneousStarts() async throws {
        try await withTestCluster { cluster in
            let home = cluster.home
            async let first: Void = startElsewhere(home)
            async let second: Void = startElsewhere(home)
            async let third = cluster.start()
            async let fourth = cluster.start()
            let urls = try await [third, fourth]
            try await first
            try await second
            #expect(urls[0] == urls[1])
            #expect(Postmaster.processes(in: "\(home)/postgres/data").count > 1)
            let shown = try await answer(
                urls[0],
                "SELECT current_database() || ' ' || current_user || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
            )
            #expect(shown == "cardea postgres UTF8")
        }
    }

    private func startElsewhere(_ home: String) async throws {
        await #expect(processExitsWith: .success) { [home] in
            _ = try await PrivateCluster(home: home, logger: .quiet).start()
        }
    }

    @Test("is durable, checks its pages, keeps UTC, and listens on its socket only")
    func settings() async throws {
        try await withTestCluster { cluster in
            let url = try await cluster.start()
            for (name, value) in [
                ("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on"), ("data_checksums", "on"), ("TimeZone", "UTC"),
                ("listen_addresses", ""), ("server_encoding", "UTF8"), ("jit", "off"), ("unix_socket_permissions", "0700"),
            ] {
                #expect(try await answer(url, "SELECT current_setting(\(name))") == value)
            }
            let status = try await cluster.cluster.status()
            #expect(status.state == .running)
            #expect(status.url == url)
            let folder = try #require(FileFacts("\(cluster.home)/postgres"))
            #expect(folder.permissions == 0o700)
            #expect(folder.owner != 0)
            let pid = try #require(status.pid)
            #expect(FileFacts("/proc/\(pid)")?.owner == folder.owner)
            #expect(getsid(pid) != getsid(0))
        }
    }

    @Test("lets no other user of the machine in", .enabled(if: geteuid() == 0 && ServerAccount(name: "nobody") != nil))
    func strangers() async throws {
        try await withTestCluster { cluster in
            let url = try await cluster.start()
            let psql = try #require(ChildProcess.find("psql"))
            let arguments = [psql, url, "-Atc", "SELECT 'in'"]
            let nobody = ServerAccount(name: "nobody")
            #expect(try ChildProcess.run(arguments).output == "in\n")
            #expect(try ChildProcess.run(arguments, as: ServerAccount(name: "postgres")).output == "in\n")
            let refused = try ChildProcess.run(arguments, as: nobody)
            #expect(refused.status != 0)
            #expect(refused.output.contains("Permission denied"))
            // Even with the folders open, the server itself refuses.
            chmod("\(cluster.home)/postgres", 0o755)
            chmod("\(cluster.home)/postgres/run", 0o755)
            chmod("\(cluster.home)/postgres/run/.s.PGSQL.5432", 0o777)
            let unmapped = try ChildProcess.run(arguments, as: nobody)
            #expect(unmapped.status != 0)
            #expect(unmapped.output.contains("Peer authentication failed"))
        }
    }

    @Test("survives the death of its postmaster, also while a child works on; pools go on afterwards")
    func crash() async throws {
        try await withTestCluster { cluster in
            let url = try await cluster.start()
            var configuration = PostgresConfiguration(url: url, maximumConnections: 3)
            configuration.acquireTimeout = .seconds(60)
            let pool = PostgresPool(configuration, logger: .quiet)
            try await pool.execute("CREATE TABLE kept (a int8)")
            try await pool.execute("INSERT INTO kept VALUES (\(7))")
            for round in 0..<2 {
                let (pids, gate) = AsyncStream.makeStream(of: Int32.self)
                let busy = Task {
                    try await pool.withConnection { connection in
                        gate.yield(connection.backendPID)
                        // A loop without waits: such a child does not notice that the postmaster is gone.
                        return try await connection.query("SELECT count(*) FROM generate_series(1, 100000000000) WHERE \(round) >= 0")
                    }
                }
                for await pid in pids {
                    try await eventually("the statement runs") {
                        try await pool.activity(of: pid)?.hasPrefix("active SELECT count") == true
                    }
                    gate.finish()
                }
                try await cluster.crash()
                #expect(try await cluster.cluster.status().state == .stopped)
                // Idle backends notice by themselves; the busy one and the collector of its log stay.
                try await eventually("the idle backends are gone") { Postmaster.processes(in: "\(cluster.home)/postgres/data").count <= 2 }
                // A query while it is away waits for it; the one that ran is told at once.
                let patient = Task { try await pool.query("SELECT a FROM kept", as: Int.self) }
                #expect(try await cluster.start() == url)
                let error = await #expect(throws: PostgresError.self) { try await busy.value }
                #expect(error?.code == .connection)
                #expect(try await patient.value == [7])
                #expect(try await pool.query("SELECT a FROM kept", as: Int.self) == [7])
            }
            await pool.close()
        }
    }

    @Test("a pool whose server stays away gives up after its timeout, with the reason")
    func staysAway() async throws {
        try await withTestCluster { cluster in
            var configuration = PostgresConfiguration(url: try await cluster.start())
            configuration.acquireTimeout = .milliseconds(300)
            let pool = PostgresPool(configuration, logger: .quiet)
            try await pool.execute("SELECT 1")
            try await cluster.cluster.stop()
            for _ in 0..<3 {
                let began = ContinuousClock.now
                let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
                #expect(error?.code == .connection)
                #expect(error?.message.contains("No such file or directory") == true)
                #expect(ContinuousClock.now - began < .seconds(2))
            }
            try await cluster.start()
            try await eventually("the pool is back") { (try? await pool.query("SELECT 1", as: Int32.self)) == [1] }
        }
    }

    @Test("a dead server fails a running call at once")
    func deadServer() async throws {
        try await withTestCluster { cluster in
            let url = try await cluster.start()
            try await withPostgresConnection(PostgresConfiguration(url: url), logger: .quiet) { connection in
                let task = Task { try await connection.query("SELECT pg_sleep(600)") }
                for process in Postmaster.processes(in: "\(cluster.home)/postgres/data") { kill(process, SIGKILL) }
                let error = await #expect(throws: PostgresError.self) { try await task.value }
                #expect(error?.code == .connection)
                let later = await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
                #expect(later?.code == .connection)
            }
        }
    }

    @Test("starts beside a stale pid file, whoever has that pid now, and beside a stale socket", .database)
    func stalePid() async throws {
        let neighbours = try await TestDatabase.required().pool().query(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'", as: Int32.self)
        try await withTestCluster { cluster in
            let url = try await cluster.start()
            let data = "\(cluster.home)/postgres/data"
            // A neighbour under the very user of our server, this process, a number that nobody has, junk.
            for content in neighbours.map({ "\($0)" }) + ["\(getpid())", "4194303", "junk", ""] {
                try await cluster.cluster.stop()
                try write(content.isEmpty ? "" : "\(content)\n\(data)\n1700000000\n5432\n/tmp\n\n", to: "\(data)/postmaster.pid")
                try write("", to: "\(cluster.home)/postgres/run/.s.PGSQL.5432")
                try write("\(content)\n", to: "\(cluster.home)/postgres/run/.s.PGSQL.5432.lock")
                #expect(try await cluster.cluster.status().state == .stopped)
                #expect(try await cluster.start() == url)
                #expect(try await answer(url, "SELECT 'up'") == "up")
            }
        }
    }

    @Test("stops, is idle about stopping twice, and starts again")
    func stop() async throws {
        try await withTestCluster { cluster in
            try await cluster.cluster.stop()
            #expect(try await cluster.cluster.status().state == .absent)
            let url = try await cluster.start()
            #expect(try await cluster.start() == url)
            try await cluster.cluster.stop()
            try await cluster.cluster.stop()
            let status = try await cluster.cluster.status()
            #expect(status.state == .stopped)
            #expect(status.url == nil)
            #expect(Postmaster.processes(in: status.dataFolder).isEmpty)
            #expect(try await cluster.start() == url)
        }
    }

    @Test("a home whose path is long or odd has its socket elsewhere, closed to others")
    func longHome() async throws {
        let long = (0..<8).map { "a-rather-long-folder-\($0)" }.joined(separator: "/")
        for home in [long, "an odd, \"home\" with 100% 'ünï'"] {
            try await withTestCluster(home: home) { cluster in
                let url = try await cluster.start()
                #expect(try await answer(url, "SELECT 'up'") == "up")
                let socketFolder = try #require(Postmaster(dataFolder: "\(cluster.home)/postgres/data")).socketFolder
                #expect(socketFolder.hasPrefix("/tmp/cardea-"))
                #expect(FileFacts(socketFolder, following: false)?.permissions == 0o700)
                // A cleaner of /tmp: the server lives, but nobody reaches it.
                unlink("\(socketFolder)/.s.PGSQL.5432")
                #expect(try await answer(try await cluster.start(), "SELECT 'again'") == "again")
                try await cluster.cluster.stop()
                #expect(FileFacts(socketFolder) == nil)
            }
        }
    }

    @Test("a half-made cluster is made anew; one of another version, or a stranger's folder, is refused with words")
    func brokenFolders() async throws {
        try await withTestCluster { cluster in
            let folder = "\(cluster.home)/postgres"
            try ClusterLayout(home: cluster.home).prepare(for: try ServerAccount.resolve(folder: folder))
            mkdir("\(folder)/data.new", 0o700)
            try write("junk", to: "\(folder)/data.new/PG_VERSION")
            try await cluster.start()
            try await cluster.cluster.stop()
            let version = try contents(of: "\(folder)/data/PG_VERSION")
            try write("9\n", to: "\(folder)/data/PG_VERSION")
            let error = await #expect(throws: PostgresError.self) { try await cluster.start() }
            #expect(error?.code == .cluster)
            #expect(error?.message.contains("PostgreSQL 9") == true)
            try write(version, to: "\(folder)/data/PG_VERSION")
            try await cluster.start()
        }
        try await withTestCluster { cluster in
            let folder = "\(cluster.home)/postgres"
            try ClusterLayout(home: cluster.home).prepare(for: try ServerAccount.resolve(folder: folder))
            mkdir("\(folder)/data", 0o700)
            try write("mine", to: "\(folder)/data/letter.txt")
            let error = await #expect(throws: PostgresError.self) { try await cluster.start() }
            #expect(error?.message.contains("holds no database") == true)
        }
    }

    @Test("a home that the server's user cannot reach is told with the folder to open", .enabled(if: geteuid() == 0))
    func closedHome() async throws {
        try await withTestCluster(home: "closed/home") { cluster in
            let closed = String(cluster.home.dropLast("/home".count))
            mkdir(closed, 0o700)
            let error = await #expect(throws: PostgresError.self) { try await cluster.start() }
            #expect(error?.code == .cluster)
            #expect(error?.message.contains("cannot pass through \(closed)") == true)
            #expect(error?.hint?.contains("chmod o+x \(closed)") == true)
        }
    }

    private func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        defer { Glibc.close(descriptor) }
        if let owner = FileFacts(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))?.owner {
            fchown(descriptor, owner, owner == 0 ? 0 : gid_t.max)
        }
        let bytes = Array(text.utf8)
        #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }
}

private func contents(of path: String) throws -> String {
    let descriptor = open(path, O_RDONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 100)
    let length = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes[..<max(0, length)], as: UTF8.self)
}
