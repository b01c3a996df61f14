/// The record as an ordered log: what every store offers, whatever it is made of.
///
/// `EventLogConformance` of `AuditTesting` says what must hold.
public protocol EventLog: Sendable {
    /// Stores `events` durably and returns how many were not known yet; an id that is known is passed over.
    ///
    /// - Throws: where an event's time is more than 10 minutes ahead; then nothing of its tenant's shard is stored.
    func append(_ events: [EncodedEvent]) async throws -> Int
    /// The shard that a tenant lives in, decided when it is first asked for.
    func shard(of tenant: String) async throws -> Int32
    /// Gives the shard's events that have none yet their indexes, and returns how many.
    func seal(_ shard: Int32) async throws -> Int
    /// The sealed events from index `from` on, at most `limit`, in order.
    func read(shard: Int32, from: Int64, limit: Int) async throws -> [SealedEvent]
    /// The index that the next sealed event will get.
    func nextIndex(shard: Int32) async throws -> Int64
    /// The shards there are, in order.
    func shards() async throws -> [Int32]
}
