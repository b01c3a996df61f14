import PostgreSQL
import Synchronization

/// Which shard each tenant lives in, asked once and remembered: the answer never changes.
final class ShardDirectory: Sendable {
    private let known = Mutex<[String: Int32]>([:])
    /// Tenants remembered at most; beyond it the memory starts anew.
    private static let capacity = 100_000

    func shard(of tenant: String, _ pool: PostgresPool) async throws -> Int32 {
        if let shard = known.withLock({ $0[tenant] }) { return shard }
        let shard = try await pool.query("select audit.shard_of(\(tenant)) as shard")[0].decode("shard", as: Int32?.self)
        guard let shard else {
            throw StoreError(.schemaMissing, "the database has no shard", hint: "Run `cardea migrate`.")
        }
        known.withLock {
            if $0.count >= ShardDirectory.capacity { $0.removeAll() }
            $0[tenant] = shard
        }
        return shard
    }
}
