public import AuditEvents
public import PostgreSQL

/// An event as a query finds it: committed, and sealed a moment later.
public struct FoundEvent: Sendable, Hashable {
    public var shard: Int32
    /// Its index; nil until it is sealed.
    public var index: Int64?
    public var recordedAt: Timestamp
    public var event: AuditEvent

    /// The event's JSON with `shard`, `index` (null until sealed) and `recorded_at`.
    public var json: JSONObject {
        var object = event.json
        object["shard"] = .int(Int64(shard))
        object["index"] = index.map(JSONValue.int) ?? .null
        object["recorded_at"] = .string(recordedAt.description)
        return object
    }
}

/// Searches the record by time, newest first.
public struct EventQuery: Sendable {
    public var filter: EventFilter
    /// Only events before this one in the order of the answer: the id of the last one seen.
    public var after: EventID?

    public init(_ filter: EventFilter, after: EventID? = nil) { (self.filter, self.after) = (filter, after) }

    /// The newest events that match, at most `limit`.
    ///
    /// Each shard's key gives its newest events in order; so the cost is that of the events looked at, not of the record.
    public func run(_ connection: PostgresConnection, limit: Int) async throws -> [FoundEvent] {
        try await connection.query(
            """
            select e.*, l.index
            from audit.head h
            cross join lateral (
                select e.shard, e.time, e.recorded_at, \(unsafe: LogReader.columns)
                from audit.event e
                where e.shard = h.shard and \(condition)
                order by e.id desc limit \(Int64(limit))
            ) e
            left join audit.log l on l.shard = e.shard and l.id = e.id
            order by e.id desc limit \(Int64(limit))
            """
        ).map(EventQuery.found)
    }

    /// How many events match.
    public func count(_ connection: PostgresConnection) async throws -> Int {
        let row = try await connection.query("select count(*) as n from audit.event e where \(condition)")[0]
        return Int(try row.decode("n", as: Int64.self))
    }

    /// The sealed events of `shard` that match, from index `from` on, in order: what `tail` follows.
    public func tail(_ connection: PostgresConnection, shard: Int32, from: Int64, limit: Int) async throws -> [FoundEvent] {
        try await connection.query(
            """
            select e.shard, e.recorded_at, l.index, \(unsafe: LogReader.columns)
            from audit.log l join audit.event e on e.shard = l.shard and e.id = l.id and e.time = l.time
            where l.shard = \(shard) and l.index >= \(from) and l.index < \(from + Int64(limit)) and \(condition)
            order by l.index
            """
        ).map(EventQuery.found)
    }

    static func found(_ row: PostgresRow) throws -> FoundEvent {
        FoundEvent(
            shard: try row.decode("shard", as: Int32.self), index: try row.decode("index", as: Int64?.self),
            recordedAt: Timestamp(microseconds: try row.decode("recorded_at", as: PostgresTimestamp.self).microseconds),
            event: try LogReader.event(row, from: 3))
    }

    /// What is asked for, as text and as condition.
    public var expression: QueryExpression { filter.expression }

    private var condition: SQL {
        guard let after else { return expression.condition }
        return "\(expression.condition) and e.id < \(PostgresUUID(after)) and e.time <= \(PostgresTimestamp(after.time))"
    }
}

extension EventQuery {
    /// These events of `shard`, in index order; ids that are not there are left out.
    public static func events(_ ids: [EventID], shard: Int32, _ connection: PostgresConnection) async throws -> [FoundEvent] {
        try await connection.query(
            """
            select e.shard, e.recorded_at, l.index, \(unsafe: LogReader.columns)
            from unnest(\(ids.map { PostgresUUID($0) }), \(ids.map { PostgresTimestamp($0.time) })) as k (id, time)
            join audit.event e on e.shard = \(shard) and e.id = k.id and e.time = k.time
            left join audit.log l on l.shard = e.shard and l.id = e.id
            order by l.index, e.id
            """
        ).map(EventQuery.found)
    }
}
