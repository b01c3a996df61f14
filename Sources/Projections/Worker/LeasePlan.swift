/// Who should work on which shard: decides, from what the lease table says, what one worker does next. Pure.
///
/// Fair is that no two workers differ by more than one shard. No shard changes hands but to bring that about, so nothing flaps.
struct LeasePlan: Equatable {
    struct Lease: Equatable {
        var shard: Int32
        var owner: String?
        /// By the server's clock.
        var isExpired: Bool
    }

    /// Shards to stop and give back, since others have too few.
    var release: [Int32] = []
    /// Shards that are free, or whose holder has not renewed, in the order in which to try them.
    var free: [Int32] = []
    /// How many of `free` to take.
    var wanted = 0

    /// - Parameters:
    ///   - worker: this worker's id.
    ///   - alive: the ids of workers seen lately, this one's among them.
    ///   - holding: the shards whose tasks run here.
    init(worker: String, alive: Set<String>, leases: [Lease], holding: Set<Int32>) {
        // Who lets a lease run out is dead, although it was seen a moment ago.
        let silent = Set(leases.lazy.filter(\.isExpired).compactMap(\.owner))
        let workers = alive.subtracting(silent).union([worker])
        let (least, remainder) = leases.count.quotientAndRemainder(dividingBy: workers.count)
        let most = least + (remainder > 0 ? 1 : 0)

        var held = Dictionary(uniqueKeysWithValues: workers.map { ($0, 0) })
        for case let owner? in leases.lazy.filter({ !$0.isExpired }).map(\.owner) where owner != worker { held[owner]? += 1 }
        held[worker] = holding.count
        let missing = held.values.reduce(0) { $0 + max(0, least - $1) }
        let available = leases.filter { ($0.owner == nil || $0.isExpired || $0.owner == worker) && !holding.contains($0.shard) }.map(
            \.shard)

        if holding.count > most {
            release = Array(holding.sorted().suffix(holding.count - most))
        } else if holding.count > least {
            // As many give one back as are still missing then; everybody who looks comes to the same names.
            let coming = available.count + held.values.reduce(0) { $0 + max(0, $1 - most) }
            let givers = held.filter { $0.value == most }.keys.sorted().prefix(max(0, missing - coming))
            if givers.contains(worker) { release = Array(holding.sorted().suffix(1)) }
        } else {
            wanted = least - holding.count
            // One beyond the least only where it is not another's.
            if holding.count + wanted < most, available.count > missing { wanted += 1 }
            wanted = min(wanted, available.count)
            // Each begins elsewhere, so that they do not all try the same.
            let rank = workers.sorted().firstIndex(of: worker) ?? 0
            if wanted > 0 {
                let start = rank * available.count / workers.count
                free = Array(available[start...] + available[..<start])
            }
        }
    }
}
