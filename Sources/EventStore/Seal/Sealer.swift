import Metrics
public import PostgreSQL

/// Gives committed events their indexes, shard by shard.
public struct Sealer: Sendable {
    /// What one call of `audit.seal` did.
    public struct Sealed: Sendable, Hashable {
        public var count: Int
        public var nextIndex: Int64
        /// Whether a further call would seal more at once.
        public var more: Bool
    }

    let pool: PostgresPool
    private let sealed = Counter(label: "cardea.seal.events")

    public init(_ pool: PostgresPool) { self.pool = pool }

    /// One call of `audit.seal` for `shard`.
    public func seal(_ shard: Int32, most: Int32 = 50_000) async throws -> Sealed {
        let row = try await pool.query("select sealed, next_index, more from audit.seal(\(shard), \(most))")[0]
        let result = Sealed(
            count: Int(try row.decode("sealed", as: Int32.self)), nextIndex: try row.decode("next_index", as: Int64.self),
            more: try row.decode("more", as: Bool.self))
        if result.count > 0 { sealed.increment(by: result.count) }
        return result
    }

    /// Seals every shard until nothing is left; returns how many events got an index.
    @discardableResult
    public func sealAll() async throws -> Int {
        var total = 0
        for shard in try await shards() {
            while true {
                let result = try await seal(shard)
                total += result.count
                if !result.more { break }
            }
        }
        return total
    }

    /// The shards there are.
    public func shards() async throws -> [Int32] {
        try await heads().keys.sorted()
    }

    /// By shard, the log index that its next sealed event gets.
    package func heads() async throws -> [Int32: Int64] {
        let rows = try await pool.query("select shard, next_index from audit.head")
        return try Dictionary(
            uniqueKeysWithValues: rows.map { try ($0.decode("shard", as: Int32.self), $0.decode("next_index", as: Int64.self)) })
    }
}
