import PostgreSQL
import Testing

/// Asks again and again until the state has come; a state that never comes fails the test after a minute.
func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, what)
        // A pause between two looks, or the tests themselves would take the processor from what they wait for.
        try await Task.sleep(for: .milliseconds(2))
    }
}

extension PostgresPool {
    /// What a backend does, as `pg_stat_activity` shows it; nil when it is gone.
    func activity(of pid: Int32) async throws -> String? {
        try await query("SELECT state || ' ' || query FROM pg_stat_activity WHERE pid = \(pid)", as: String.self).first
    }
}
