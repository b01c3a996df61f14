import AuditEvents
import PostgreSQL

/// A projection at work on one shard: folds events into rows within the caller's transaction.
///
/// Confined to its shard's task. It may remember what it wrote, so it is thrown away when a transaction fails.
protocol ShardFold: AnyObject {
    /// Folds `events`, which follow what was folded before, and writes what changed.
    func fold(_ events: [SealedEvent], in connection: PostgresConnection) async throws
}
