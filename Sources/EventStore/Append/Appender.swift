public import AuditEvents
public import PostgreSQL

/// Writes encoded events to the record, each shard's in one call of `audit.append`.
public struct Appender: Sendable {
    let pool: PostgresPool
    private let shards = ShardDirectory()
    private let isQuiet: Bool

    /// - Parameter isQuiet: whether nobody is to be told about alerts that hold nothing but these events; needs the role `cardea_worker`.
    public init(_ pool: PostgresPool, isQuiet: Bool = false) { (self.pool, self.isQuiet) = (pool, isQuiet) }

    /// The shard of a tenant; a new tenant is given one.
    public func shard(of tenant: String) async throws -> Int32 { try await shards.shard(of: tenant, pool) }

    /// Stores `events` durably; returns how many were not known yet. Storing the same ids again stores nothing.
    ///
    /// Makes missing partitions for old events. Each shard's part commits by itself.
    @discardableResult
    public func append(_ events: [EncodedEvent]) async throws -> Int {
        guard let tenant = events.first?.header.tenant else { return 0 }
        if events.allSatisfy({ $0.header.tenant.utf8.elementsEqual(tenant.utf8) }) {
            return try await append(events, shard: try await shard(of: tenant))
        }
        var byShard: [Int32: [EncodedEvent]] = [:]
        for event in events { byShard[try await shard(of: event.header.tenant), default: []].append(event) }
        var stored = 0
        for (shard, part) in byShard.sorted(by: { $0.key < $1.key }) { stored += try await append(part, shard: shard) }
        return stored
    }

    private func append(_ events: [EncodedEvent], shard: Int32) async throws -> Int {
        let statement = EventColumns(shard: shard, events: events).statement
        do {
            return try await run(statement)
        } catch let error as PostgresError where error.sqlState == "23514" && error.table == "event" && error.constraint == nil {
            // No partition takes one of them (the message itself comes in the server's language). One month after the other, for a clock
            // that stood in 1970 must not bring the partitions of half a century.
            var months: [Int: Timestamp] = [:]
            for event in events { months[event.header.time.civil.year * 12 + event.header.time.civil.month] = event.header.time }
            for time in months.values.sorted() { try await ensurePartitions(since: time, until: time) }
            return try await run(statement)
        }
    }

    private func run(_ statement: SQL) async throws -> Int {
        guard isQuiet else { return Int(try await pool.query(statement)[0].decode("stored", as: Int32.self)) }
        return try await pool.withTransaction { connection in
            try await connection.execute("select audit.quiet()")
            return Int(try await connection.query(statement)[0].decode("stored", as: Int32.self))
        }
    }

    /// Stores `events`, all of one shard, in the caller's transaction; returns how many were not known yet.
    @discardableResult
    public static func append(_ events: [EncodedEvent], shard: Int32, in connection: PostgresConnection) async throws -> Int {
        Int(try await connection.query(EventColumns(shard: shard, events: events).statement)[0].decode("stored", as: Int32.self))
    }

    /// Makes the partitions for events of this span, before an import or ahead of time.
    public func ensurePartitions(since: Timestamp, until: Timestamp) async throws {
        try await pool.execute("select audit.ensure_partitions(\(PostgresTimestamp(since)), \(PostgresTimestamp(until)))")
    }

    /// The deployment's key, behind fingerprints and the ids of imported lines.
    public func deploymentKey() async throws -> [UInt8] {
        guard let key = try await pool.query("select audit.deployment_key() as key")[0].decode("key", as: PostgresBytes?.self) else {
            throw StoreError(.schemaMissing, "the database has no deployment key", hint: "Run `cardea migrate`.")
        }
        return key.bytes
    }
}

/// What a failed append means for its events.
enum AppendFailure {
    /// The database is away, full or not ready: the events wait.
    case away
    /// Another transaction was in the way: try at once again.
    case transient
    /// The database refuses the events themselves.
    case refused

    init(_ error: any Error) {
        guard let error = error as? PostgresError, let state = error.sqlState else {
            // A value that cannot even be sent never will be.
            self = (error as? PostgresError)?.code == .usage ? .refused : .away
            return
        }
        switch state.prefix(2) {
        case "40": self = .transient
        // Class 54: an event too large or too deeply nested for it, which waiting does not mend.
        case "21", "22", "23", "54": self = .refused
        default: self = .away
        }
    }
}
