import Glibc
public import Logging
public import PostgreSQL

/// A fresh database for one suite or test, dropped afterwards.
public struct TestDatabase: Sendable {
    /// What libpq takes, for the superuser of the server (or whoever CARDEA_TEST_DATABASE_URL names).
    public let url: String
    public let name: String

    /// The database of the running suite or test; set by the trait `.database` and by `withTestDatabase`.
    @TaskLocal public static var current: TestDatabase?

    /// Connections to the database under a role of it. Close the pool, or let its last reference go.
    public func pool(role: String? = nil, maximumConnections: Int = 8) -> PostgresPool {
        PostgresPool(configuration(role: role, maximumConnections: maximumConnections), logger: .quiet)
    }

    public func configuration(role: String? = nil, maximumConnections: Int = 8) -> PostgresConfiguration {
        PostgresConfiguration(url: url, role: role, maximumConnections: maximumConnections)
    }

    /// The database of the running suite. Throws where the suite lacks the trait.
    public static func required() throws -> TestDatabase {
        guard let current else { throw PostgresError(.usage, "the suite lacks the trait .database") }
        return current
    }
}

extension Logger {
    /// For tests: warnings and errors only.
    public static var quiet: Logger {
        var logger = Logger(label: "tests")
        logger.logLevel = .warning
        return logger
    }
}

/// Makes a fresh database, runs `body` with it as `TestDatabase.current`, and drops it with whatever connections are left.
///
/// Waits while `DatabaseSeats` has no free one; a database made inside another's body needs none.
public func withTestDatabase<R: Sendable>(_ body: (TestDatabase) async throws -> R) async throws -> R {
    if TestDatabase.current != nil { return try await withFreshDatabase(body) }
    await DatabaseSeats.shared.take()
    defer { DatabaseSeats.shared.free() }
    return try await withFreshDatabase(body)
}

private func withFreshDatabase<R: Sendable>(_ body: (TestDatabase) async throws -> R) async throws -> R {
    let server = try await TestServer.shared.url()
    // The process id lets a later run find what a killed one left behind.
    let name = "cardea_test_\(getpid())_\(UInt64.random(in: 0..<(1 << 40)))"
    try await withPostgresConnection(PostgresConfiguration(url: server), logger: .quiet) { connection in
        try await connection.execute("CREATE DATABASE \(identifier: name) TEMPLATE template0")
    }
    let database = TestDatabase(url: PostgresConfiguration.replacingDatabase(in: server, with: name), name: name)
    let outcome: Result<R, any Error>
    do {
        outcome = .success(try await TestDatabase.$current.withValue(database) { try await body(database) })
    } catch {
        outcome = .failure(error)
    }
    // In a task of its own, so that a cancelled test is tidied up too.
    await Task {
        _ = try? await withPostgresConnection(PostgresConfiguration(url: server), logger: .quiet) { connection in
            try await connection.execute("DROP DATABASE IF EXISTS \(identifier: name) WITH (FORCE)")
        }
    }.value
    return try outcome.get()
}
