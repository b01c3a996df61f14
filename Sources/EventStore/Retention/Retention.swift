public import AuditEvents
public import PostgreSQL

/// How long events stay: the settings, which partitions are past them, and dropping those.
///
/// A partition goes as a whole, once the windows of all tenants with events in it are over, no hold is on it, and every projection has folded it. Its
/// rows in `audit.log` and its hashes stay.
public struct Retention: Sendable {
    private let pool: PostgresPool

    /// - Parameter pool: connections of the role `cardea_admin`.
    public init(_ pool: PostgresPool) { self.pool = pool }

    /// The settings, the one for all tenants first.
    public func settings() async throws -> [RetentionSetting] {
        try await pool.query("select tenant, keep_days, set_by, set_at from audit.retention order by tenant").map { row in
            let tenant = try row.decode("tenant", as: String.self)
            return RetentionSetting(
                tenant: tenant.isEmpty ? nil : tenant, days: try row.decode("keep_days", as: Int32.self),
                setBy: try row.decode("set_by", as: String.self),
                setAt: Timestamp(microseconds: try row.decode("set_at", as: PostgresTimestamp.self).microseconds))
        }
    }

    /// Sets how many days are kept, and leaves the event behind.
    ///
    /// - Parameters:
    ///   - days: nil: for ever, or for a tenant: as long as for all.
    ///   - tenant: nil: all tenants without a setting of their own.
    /// - Throws: `StoreError` with `.usage` where there is no such tenant.
    public func set(days: Int32?, tenant: String?, by person: String) async throws {
        try OwnAct.check(person, "the name of who does this", isName: true)
        try await pool.withTransaction { connection in
            if let tenant {
                let known = try await connection.query("select 1 from audit.tenant where tenant = \(tenant)")
                guard !known.isEmpty else { throw StoreError(.usage, "there is no tenant '\(tenant)'") }
            }
            let act = try OwnAct(
                .retentionSet, tenant: tenant ?? "default", by: person, target: "retention",
                details: ["tenant": .string(tenant ?? "(all)"), "keep_days": days.map { .int(Int64($0)) } ?? .null]
            ).encoded(at: try await OwnAct.clock(connection))
            try await connection.execute(
                "select audit.set_retention(\(tenant ?? ""), \(days), \(act.actor ?? person), \(act.actArguments))")
        }
    }

    /// The partitions whose time is over, oldest first, each with what keeps it.
    public func plan() async throws -> [PartitionPlan] {
        let partitions = try await pool.query(
            """
            select p.name::text as name, p.lower_bound, p.upper_bound, pg_total_relation_size(p.name) as bytes
            from audit.partition p where p.upper_bound <= now() order by p.lower_bound
            """)
        var plans: [PartitionPlan] = []
        for row in partitions {
            func time(_ column: String) throws -> Timestamp {
                Timestamp(microseconds: try row.decode(column, as: PostgresTimestamp.self).microseconds)
            }
            let name = try row.decode("name", as: String.self)
            do {
                let tenants = try await pool.query(
                    "select tenant, events from audit.partition_tenants(\(name)::text::regclass)", as: (String, Int64).self)
                let blocks = try await pool.query(
                    "select cause, what from audit.partition_blocks(\(name)::text::regclass)", as: (String, String).self)
                plans.append(
                    PartitionPlan(
                        name: name, lower: try time("lower_bound"), upper: try time("upper_bound"), events: tenants.reduce(0) { $0 + $1.1 },
                        bytes: try row.decode("bytes", as: Int64.self), tenants: tenants.map(\.0),
                        blocks: blocks.map { PartitionPlan.Block(cause: $0.0, what: $0.1) }))
            } catch let error as PostgresError where error.sqlState == "42P01" {
                // Somebody else has dropped it meanwhile.
                continue
            }
        }
        return plans
    }

    /// Drops a partition that nothing keeps. It is detached first, in a transaction of its own that is tried again while others are in the way; the
    /// server judges once more whether it may go.
    ///
    /// - Throws: `StoreError` with `.held` where something keeps it after all, or it was in use for too long.
    public func drop(_ plan: PartitionPlan, by person: String, attempts: Int = 20) async throws {
        try OwnAct.check(person, "the name of who does this", isName: true)
        var attempt = 1
        while true {
            do {
                try await detach(plan, person)
                break
            } catch let error as PostgresError where error.sqlState == "55P03" && attempt < attempts {
                attempt += 1
                try await Task.sleep(for: .milliseconds(100))
            } catch let error as PostgresError where error.sqlState == "55P03" {
                throw StoreError(.held, "\(plan.name) is in use all the time", hint: "Try again when no long query runs.")
            } catch let error as PostgresError where error.sqlState == "55006" {
                throw StoreError(.held, error.message)
            }
        }
        _ = try await pool.query("select audit.drop_detached()")
    }

    /// Drops what a killed process had detached; gives how many there were.
    @discardableResult
    public func dropLeftovers() async throws -> Int {
        Int(try await pool.query("select audit.drop_detached() as n")[0].decode("n", as: Int32.self))
    }

    private func detach(_ plan: PartitionPlan, _ person: String) async throws {
        try await pool.withTransaction { connection in
            let shards = try await connection.query(
                "select shard, events, first_index, last_index from audit.partition_shards(\(plan.name)::text::regclass)",
                as: (Int32, Int64, Int64?, Int64?).self
            ).map { shard, events, first, last -> JSONValue in
                [
                    "shard": .int(Int64(shard)), "events": .int(events), "first_index": first.map(JSONValue.int) ?? .null,
                    "last_index": last.map(JSONValue.int) ?? .null,
                ]
            }
            var details = plan.json
            for key in ["goes", "kept_by"] { details[key] = nil }
            details["shards"] = .array(shards)
            let act = try OwnAct(
                .partitionDropped, by: person, target: "partition/\(plan.name)", details: details
            ).encoded(at: try await OwnAct.clock(connection))
            try await connection.execute(
                "select audit.detach_partition(\(plan.name)::text::regclass, 'default', \(act.actor ?? person), \(act.actArguments))")
        }
    }
}
