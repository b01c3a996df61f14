public import AuditEvents
public import PostgreSQL

/// Counts of rate limits in PostgreSQL, `audit_access.rate_limit`: one function call, and so one round trip, a request.
///
/// Correct across instances, for the rows are locked while they are judged, by the database's clock. A count is lost in a crash of the server.
public struct PostgresRateLimitStore: RateLimitStoring {
    private let pool: PostgresPool
    /// For tests: instead of the database's clock.
    private let time: Timestamp?

    /// - Parameter pool: under a role that may use the schema `audit_access` (`cardea_access`).
    public init(_ pool: PostgresPool) { self.init(pool, at: nil) }

    package init(_ pool: PostgresPool, at time: Timestamp?) {
        self.pool = pool
        self.time = time
    }

    public func take(_ demands: [RateLimitDemand]) async throws -> [RateLimitDecision] {
        guard !demands.isEmpty else { return [] }
        guard Set(demands.map(\.policy)).count == demands.count else {
            throw PostgresError(.usage, "two demands of one call are of the same rate limit")
        }
        let statement: SQL = """
            select allowed, remaining, reset, retry_after from audit_access.take_rate_limits(
                \(demands.map(\.policy)), \(demands.map { PostgresBytes($0.subject) }), \(demands.map(\.terms.algorithm.code)),
                \(demands.map(\.terms.limit)), \(demands.map(\.terms.window)), \(demands.map { Int64($0.cost) }),
                \(demands.map(\.isEnforced)), \(time?.microseconds))
            """
        var rows: [PostgresRow]
        do {
            rows = try await pool.query(statement)
        } catch let error as PostgresError where error.sqlState == "40001" {
            // A count expired in the middle; the next attempt makes it anew.
            rows = try await pool.query(statement)
        }
        guard rows.count == demands.count else { throw StoreError(.record, "the rate limits were not all answered") }
        return try rows.map { row in
            let (allowed, remaining, reset, retryAfter) = try row.decode(as: (Bool, Int64, Int64, Int64?).self)
            return RateLimitDecision(allowed: allowed, remaining: Int(remaining), reset: reset, retryAfter: retryAfter)
        }
    }
}
