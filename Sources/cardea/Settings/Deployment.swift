import EventStore
import Glibc
import Logging
import PostgreSQL

/// The database that a command works with: the one named, or the private cluster, started when needed.
struct Deployment {
    enum Role: String {
        case writer = "cardea_writer"
        case worker = "cardea_worker"
        case reader = "cardea_reader"
        /// An application's own: accounts, sessions, limits.
        case access = "cardea_access"
        /// Whoever answers alerts.
        case responder = "cardea_responder"
        case admin = "cardea_admin"
    }

    let settings: Settings
    let logger: Logger
    /// As libpq takes it.
    let url: String
    let isPrivate: Bool

    /// Finds the database; a private cluster is started, and brought up to date, so that any command works on a new machine.
    ///
    /// - Parameter migrating: whether the caller migrates by itself.
    static func open(_ options: DatabaseOptions, migrating: Bool = false) async throws -> Deployment {
        let settings = try await Settings(options)
        let logger = Deployment.logger(settings.logLevel)
        if let url = settings.databaseURL {
            return Deployment(settings: settings, logger: logger, url: url, isPrivate: false)
        }
        let cluster = PrivateCluster(home: settings.home, logger: logger)
        if try await cluster.status().state == .absent {
            StandardError.write("cardea: setting up a private PostgreSQL under \(settings.home)\n")
        }
        let deployment = Deployment(settings: settings, logger: logger, url: try await cluster.start(), isPrivate: true)
        if !migrating { try await deployment.migrateIfNeeded() }
        return deployment
    }

    /// The database where it can be had without starting one: nil where a private cluster is not running.
    static func openIfRunning(_ settings: Settings) async throws -> Deployment? {
        let logger = Deployment.logger(settings.logLevel)
        if let url = settings.databaseURL { return Deployment(settings: settings, logger: logger, url: url, isPrivate: false) }
        let cluster = PrivateCluster(home: settings.home, logger: logger)
        guard try await cluster.status().state == .running else { return nil }
        let deployment = Deployment(settings: settings, logger: logger, url: try await cluster.start(), isPrivate: true)
        try await deployment.migrateIfNeeded()
        return deployment
    }

    static func logger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "cardea") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }

    func configuration(_ role: Role?, connections: Int = 4) -> PostgresConfiguration {
        PostgresConfiguration(
            url: url, role: role?.rawValue, maximumConnections: connections,
            // While the database is away events should go to the spool soon.
            acquireTimeout: role == .writer ? .seconds(1) : .seconds(10),
            // A worker that was stopped in the middle of a transaction must not keep its locks.
            idleInTransactionTimeout: role == .worker ? .seconds(5) : nil)
    }

    /// Lends a pool of connections in `role`, after making sure that the schema is the one that this cardea works with.
    func withPool<R: Sendable>(_ role: Role, connections: Int = 4, _ body: (PostgresPool) async throws -> R) async throws -> R {
        let pool = PostgresPool(configuration(role, connections: connections), logger: logger)
        do {
            try await SchemaVersion.check(pool)
            let result = try await body(pool)
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }

    private func migrateIfNeeded() async throws {
        let pool = PostgresPool(configuration(nil, connections: 1), logger: logger)
        let version: Int?
        do { version = try await SchemaVersion.installed(in: pool) } catch {
            await pool.close()
            throw error
        }
        await pool.close()
        if (version ?? 0) < SchemaVersion.current { _ = try await Migrator(configuration(nil), logger: logger).migrate() }
    }

    /// This process's name among workers: host, process, and a random part.
    static func workerID() -> String {
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(name)/\(getpid())/\(String(UInt32.random(in: .min ... .max), radix: 16))"
    }
}
