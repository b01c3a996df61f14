import AuditEvents
import PostgreSQL

/// A projection at work on one shard: folds events into rows within the caller's transaction.
///
/// Confined to its shard's task. What it remembers between transactions must be forgotten with `reset` when one fails.
protocol ShardFold: AnyObject {
    /// Folds `events`, which follow what was folded before, and writes what changed.
    func fold(_ events: [SealedEvent], in connection: PostgresConnection) async throws

    /// Forgets everything that is not in the database.
    func reset()
}
