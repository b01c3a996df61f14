import PostgreSQL
import Testing

extension PostgresPool {
    /// What a backend does, as `pg_stat_activity` shows it; nil when it is gone.
    func activity(of pid: Int32) async throws -> String? {
        try await query("SELECT state || ' ' || query FROM pg_stat_activity WHERE pid = \(pid)", as: String.self).first
    }
}
