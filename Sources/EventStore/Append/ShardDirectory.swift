import PostgreSQL
import Synchronization

/// Which shard each tenant lives in, asked once and remembered: the answer never changes.
final class ShardDirectory: Sendable {
    /// By the UTF-8 of the tenant's name, for two names that differ in bytes are two tenants to the database.
    private let known = Mutex<[[UInt8]: Int32]>([:])
    /// Tenants remembered at most; beyond it the memory starts anew.
    private static let capacity = 100_000

    func shard(of tenant: String, _ pool: PostgresPool) async throws -> Int32 {
        let name = Array(tenant.utf8)
        if let shard = known.withLock({ $0[name] }) { return shard }
        let shard = try await pool.query("select audit.shard_of(\(tenant)) as shard")[0].decode("shard", as: Int32?.self)
        guard let shard else {
            throw StoreError(.schemaMissing, "the database has no shard", hint: "Run `cardea migrate`.")
        }
        known.withLock {
            if $0.count >= ShardDirectory.capacity { $0.removeAll() }
            $0[name] = shard
        }
        return shard
    }
}
