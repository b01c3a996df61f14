import Glibc
import Logging
import PostgreSQL
import Synchronization

/// The server of all test databases: the one that CARDEA_TEST_DATABASE_URL names, or else a private cluster under /tmp that the
/// test runs of one user share. It is started on demand and left running; CARDEA_TEST_FSYNC=off makes it faster and unsafe.
final class TestServer: Sendable {
    static let shared = TestServer()

    private let starting = Mutex<Task<String, any Error>?>(nil)

    func url() async throws -> String {
        if let url = Self.environment("CARDEA_TEST_DATABASE_URL") { return url }
        let task = starting.withLock { task in
            if let task { return task }
            let fresh = Task { try await Self.start() }
            task = fresh
            return fresh
        }
        return try await task.value
    }

    private static func start() async throws -> String {
        let home = "/tmp/cardea-tests-\(geteuid())"
        // /tmp belongs to everybody: what already lies there must be ours.
        if mkdir(home, 0o711) != 0 {
            var facts = stat()
            guard lstat(home, &facts) == 0, facts.st_uid == geteuid(), facts.st_mode & S_IFMT == S_IFDIR else {
                throw PostgresError(.cluster, "\(home) belongs to somebody else", hint: "set CARDEA_TEST_DATABASE_URL")
            }
        }
        var settings = [(name: "max_connections", value: "300")]
        if environment("CARDEA_TEST_FSYNC") == "off" {
            settings += [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")]
        }
        let url = try await PrivateCluster(home: home, settings: settings, logger: .quiet).start()
        try? await dropAbandoned(url)
        return url
    }

    /// Drops the databases of test runs that were killed.
    private static func dropAbandoned(_ url: String) async throws {
        try await withPostgresConnection(PostgresConfiguration(url: url), logger: .quiet) { connection in
            let names = try await connection.query(
                #"SELECT datname FROM pg_database WHERE datname LIKE 'cardea\_test\_%'"#, as: String.self)
            for name in names {
                let parts = name.split(separator: "_")
                guard parts.count == 4, let pid = pid_t(parts[2]), kill(pid, 0) != 0, errno == ESRCH else { continue }
                try await connection.execute("DROP DATABASE IF EXISTS \(identifier: name) WITH (FORCE)")
            }
        }
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
