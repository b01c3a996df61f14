/// Who should work on which shard: decides, from what the lease table says, what one worker does next. Pure.
struct LeasePlan: Equatable {
    struct Lease: Equatable {
        var shard: Int32
        var owner: String?
        /// By the server's clock.
        var isExpired: Bool
    }

    /// Shards to stop and give back, since others have too few.
    var release: [Int32] = []
    /// Shards to try to take: free, or their holder has not renewed.
    var acquire: [Int32] = []

    /// - Parameters:
    ///   - worker: this worker's id.
    ///   - alive: the ids of workers seen lately, this one's among them.
    ///   - holding: the shards whose tasks run here.
    init(worker: String, alive: Set<String>, leases: [Lease], holding: Set<Int32>) {
        let share = (leases.count + max(1, alive.count) - 1) / max(1, alive.count)
        let surplus = holding.count - share
        if surplus > 0, leases.count >= alive.count {
            release = Array(holding.sorted().suffix(surplus))
        } else if surplus < 0 {
            let free = leases.filter { ($0.owner == nil || $0.isExpired || $0.owner == worker) && !holding.contains($0.shard) }
            acquire = Array(free.map(\.shard).prefix(-surplus))
        }
    }
}
