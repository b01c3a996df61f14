public import Logging

/// A PostgreSQL server of our own: set up under a home folder when first needed, reachable by a Unix socket only, started on demand
/// and left running until it is stopped. Several processes may share one home.
///
/// Root runs it as the user `postgres`; everybody else as themselves. Only that user and root get in: the socket lies in a folder
/// of mode 0700, and the server asks the kernel who is calling (peer authentication).
public struct PrivateCluster: Sendable {
    /// What is known without starting anything.
    public struct Status: Sendable {
        /// Whether the cluster serves.
        public struct State: Sendable, Hashable, CustomStringConvertible {
            public let description: String
            public static let absent = Self(description: "absent")
            public static let stopped = Self(description: "stopped")
            public static let running = Self(description: "running")
        }

        public var state: State
        /// What libpq takes, for a running cluster.
        public var url: String?
        /// The process id of the postmaster.
        public var pid: Int32?
        /// The major version of the data folder.
        public var version: Int?
        public var dataFolder: String
        public var logFolder: String
    }

    private let control: ClusterControl
    private let logger: Logger

    /// A cluster under `home`, which is made when needed.
    public init(home: String, logger: Logger) {
        self.init(home: home, settings: [], logger: logger)
    }

    /// With further server settings; tests may give up durability there.
    package init(home: String, settings: [(name: String, value: String)], logger: Logger) {
        control = ClusterControl(layout: ClusterLayout(home: home), settings: ClusterSettings(extra: settings))
        self.logger = logger
    }

    /// Makes sure that the cluster exists, runs, and has the database `cardea`; gives the URL for its superuser.
    ///
    /// Throws `PostgresError` (`.cluster`) with what to do about it.
    public func start() async throws -> String {
        let control = control
        let clock = ContinuousClock.now
        let folder = try await BlockingCall.run("postgres-start") { try control.ensureRunning() }
        let url = ClusterLayout.url(socketFolder: folder)
        try await ensureDatabase(url, socketFolder: folder)
        logger.debug("private cluster is running", metadata: ["socket": "\(folder)", "took": "\(ContinuousClock.now - clock)"])
        return url
    }

    /// Stops the server, ending its sessions; transactions that are open are undone. Nothing happens when it does not run.
    public func stop() async throws {
        let control = control
        let stopped = try await BlockingCall.run("postgres-stop") { try control.stop() }
        logger.debug("private cluster stopped", metadata: ["was running": "\(stopped)"])
    }

    /// Stops the server at once and removes all its data. For tests.
    package func remove() async throws {
        let control = control
        try await BlockingCall.run("postgres-remove") { try control.remove() }
    }

    /// What is known without starting anything. Throws when the home belongs to somebody else.
    public func status() async throws -> Status {
        let control = control
        return try await BlockingCall.run("postgres-status") {
            let layout = control.layout
            if FileFacts(layout.folder) != nil { _ = try ServerAccount.resolve(folder: layout.folder) }
            var status = Status(state: .absent, version: control.dataVersion, dataFolder: layout.data, logFolder: layout.log)
            guard status.version != nil else { return status }
            status.state = .stopped
            if let postmaster = Postmaster(dataFolder: layout.data), postmaster.isAlive(dataFolder: layout.data) {
                status.state = .running
                status.pid = postmaster.pid
                status.url = ClusterLayout.url(socketFolder: postmaster.socketFolder)
            }
            return status
        }
    }

    private func ensureDatabase(_ url: String, socketFolder: String) async throws {
        do {
            try await withPostgresConnection(PostgresConfiguration(url: url), logger: logger) { _ in }
        } catch let error as PostgresError where error.sqlState == "3D000" {
            let maintenance = ClusterLayout.url(socketFolder: socketFolder, database: "postgres")
            try await withPostgresConnection(PostgresConfiguration(url: maintenance), logger: logger) { connection in
                do {
                    try await connection.execute("CREATE DATABASE \(identifier: ClusterLayout.database)")
                } catch let error as PostgresError where ["42P04", "23505"].contains(error.sqlState) {
                    // Another process was faster.
                }
            }
        }
    }
}
