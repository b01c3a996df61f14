import AuditEvents
public import EventStore
public import Logging
public import PostgreSQL
public import ServiceLifecycle
public import TransparencyLog

/// Verifies the record of the shards that a worker holds, now and then; what is found becomes an event on the record, and so an alert.
public struct VerificationTimer: Service {
    let pool: PostgresPool
    let owner: String
    let keys: [NoteVerifier]
    let kept: KeptCheckpoints
    let interval: Duration
    let logger: Logger

    /// - Parameter pool: connections of the role `cardea_worker`.
    public init(pool: PostgresPool, owner: String, keys: [NoteVerifier], kept: KeptCheckpoints, interval: Duration, logger: Logger) {
        (self.pool, self.owner, self.keys, self.kept, self.interval, self.logger) = (pool, owner, keys, kept, interval, logger)
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    for shard in try await due() { try await verify(shard) }
                } catch {
                    if !Task.isCancelled { logger.warning("The record could not be verified", metadata: ["error": "\(error)"]) }
                }
                try? await Task.sleep(for: .seconds(60))
            }
        }
    }

    /// The shards of this worker that nobody has verified for so long, those without any leaf left out.
    private func due() async throws -> [Int32] {
        try await pool.query(
            """
            select l.shard from audit.lease l join audit.tree t on t.shard = l.shard
            where l.owner = \(owner) and l.expires_at > clock_timestamp() and t.size > 0
                and coalesce(
                    (select max(v.ended_at) from audit.verification v where v.shard = l.shard),
                    (select min(c.signed_at) from audit.signed_checkpoint c where c.shard = l.shard and c.size <= t.size))
                    < clock_timestamp() - make_interval(secs => \(interval / .seconds(1)))
            order by l.shard
            """, as: Int32.self)
    }

    private func verify(_ shard: Int32) async throws {
        let held = try await LogVerifier.held(kept, shard, pool)
        let summary = try await LogVerifier(pool, keys: keys, held: held).verify(
            shard,
            // Slowly: what it reads, others wait for.
            progress: { _, _ in try await Task.sleep(for: .milliseconds(50)) },
            found: { finding in
                logger.critical(
                    "The record is not what was sealed",
                    metadata: ["shard": "\(shard)", "finding.kind": "\(finding.kind.rawValue)", "finding.message": "\(finding.message)"])
            })
        try await LogVerifier.record(summary, by: nil, pool)
    }
}
