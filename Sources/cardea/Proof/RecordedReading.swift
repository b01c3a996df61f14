import EventStore
import PostgreSQL

extension Reading {
    /// Puts it on the record before anything is shown.
    func record(_ pool: PostgresPool) async throws {
        guard try await pool.withConnection({ try await record($0) }) else {
            StandardError.write("cardea: this is a standby: that you looked is on no record\n")
            return
        }
    }
}
