public import Logging
import Metrics
public import PostgreSQL
public import ServiceLifecycle

/// Gives committed events their indexes, shard by shard, in a loop.
public struct Sealer: Service {
    /// What one call of `audit.seal` did.
    public struct Sealed: Sendable, Hashable {
        public var count: Int
        public var nextIndex: Int64
        /// Whether a further call would seal more at once.
        public var more: Bool
    }

    let pool: PostgresPool
    let interval: Duration
    let logger: Logger
    private let sealed = Counter(label: "cardea.seal.events")

    /// - Parameter interval: how long an idle loop waits between two looks.
    public init(_ pool: PostgresPool, interval: Duration = .milliseconds(10), logger: Logger) {
        (self.pool, self.interval, self.logger) = (pool, interval, logger)
    }

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
        try await pool.query("select shard from audit.head order by shard").map { try $0.decode("shard", as: Int32.self) }
    }

    /// Seals until cancelled or shut down. Where the database is away it waits and tries again.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var delay = interval
            while !Task.isCancelled {
                do {
                    let count = try await sealAll()
                    delay = count > 0 ? min(interval, .milliseconds(5)) : interval
                } catch {
                    if Task.isCancelled { break }
                    delay = min(delay * 2 + .milliseconds(50), .seconds(2))
                    logger.warning("Sealing failed and is tried again", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: delay)
            }
        }
    }
}
