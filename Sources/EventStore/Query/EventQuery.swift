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

    /// What the filter asks for, for whoever writes it down: flags with their values, times resolved.
    public var text: String {
        var parts: [String] = []
        func add(_ name: String, _ values: [String]) { if !values.isEmpty { parts.append("\(name):\(values.joined(separator: ","))") } }
        add("type", filter.types)
        add("outcome", filter.outcomes.map(\.rawValue))
        add("actor", filter.actors)
        add("ip", filter.addresses)
        add("route", filter.routes)
        add("status", filter.statuses.map { "\($0.lowerBound)-\($0.upperBound)" })
        add("tenant", filter.tenants)
        add("source", filter.sources)
        add("since", filter.since.map { [$0.description] } ?? [])
        add("until", filter.until.map { [$0.description] } ?? [])
        add("text", filter.text)
        if filter.own { parts.append("own:true") }
        return parts.joined(separator: " ")
    }

    /// What the filter asks for, over `audit.event e`.
    public var condition: SQL {
        var parts: [SQL] = ["true"]
        if !filter.types.isEmpty { parts.append("e.type like any (\(filter.types.map(EventQuery.pattern)))") }
        if !filter.own, !filter.types.contains(where: { $0.hasPrefix("audit_") || $0.hasPrefix("audit*") }) {
            parts.append(#"e.type not like 'audit\_%'"#)
        }
        if !filter.outcomes.isEmpty { parts.append("e.outcome = any (\(filter.outcomes.map(\.rawValue)))") }
        if !filter.actors.isEmpty {
            let patterns = filter.actors.map(EventQuery.pattern)
            parts.append("(e.actor like any (\(patterns)) or e.body #>> '{actor,id}' like any (\(patterns)))")
        }
        if !filter.addresses.isEmpty { parts.append("e.client_ip <<= any (\(filter.addresses)::text[]::inet[])") }
        if !filter.routes.isEmpty { parts.append("e.route like any (\(filter.routes.map(EventQuery.pattern)))") }
        if !filter.statuses.isEmpty {
            let ranges: [SQL] = filter.statuses.map { "e.status between \($0.lowerBound) and \($0.upperBound)" }
            parts.append("(\(ranges.joined(separator: " or ")))")
        }
        if !filter.tenants.isEmpty { parts.append("e.tenant = any (\(filter.tenants))") }
        if !filter.sources.isEmpty { parts.append("e.source like any (\(filter.sources.map(EventQuery.pattern)))") }
        if let since = filter.since { parts.append("e.time >= \(PostgresTimestamp(since))") }
        if let until = filter.until { parts.append("e.time <= \(PostgresTimestamp(until))") }
        for word in filter.text {
            let pattern = "%" + EventQuery.escaped(word) + "%"
            // The body is looked at as JSON, where a quote or a backslash stands escaped.
            let written = String(decoding: CanonicalJSON.encode(.string(word)).dropFirst().dropLast(), as: UTF8.self)
            let patternInBody = "%" + EventQuery.escaped(written) + "%"
            parts.append(
                """
                (concat_ws(' ', e.type, e.source, e.reason, e.method, e.route) ilike \(pattern)
                or e.body::text ilike \(patternInBody))
                """)
        }
        if let after {
            parts.append("e.id < \(PostgresUUID(after)) and e.time <= \(PostgresTimestamp(after.time))")
        }
        return parts.joined(separator: " and ")
    }

    /// A LIKE pattern in which only `*` is special.
    private static func pattern(_ text: String) -> String {
        String(decoding: escaped(text).utf8.map { $0 == UInt8(ascii: "*") ? UInt8(ascii: "%") : $0 }, as: UTF8.self)
    }

    /// Byte by byte: a `%` before a combining mark is still LIKE's.
    private static func escaped(_ text: String) -> String {
        let special: [UInt8] = [UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "_")]
        return String(decoding: text.utf8.flatMap { special.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }, as: UTF8.self)
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
