public import AuditEvents
public import PostgreSQL

/// Reads the sealed record by index.
public struct LogReader: Sendable {
    static let columns =
        """
        e.id, e.tenant, e.source, e.type, e.outcome, e.reason, e.severity, e.actor_kind, e.privileged, e.sensitivity, e.method, e.route, \
        e.status, e.duration_us, e.body
        """

    public init() {}

    /// Part of a shard's log, in order.
    public struct Page: Sendable {
        public var events: [SealedEvent] = []
        /// Rows that no append of Cardea's makes, and that cannot be read as events.
        public var unreadable: [UnreadableEvent] = []
    }

    /// A row of the log that is no event, and why.
    public struct UnreadableEvent: Sendable, Hashable {
        public var index: Int64
        public var id: PostgresUUID
        public var tenant: String
        public var reason: String
    }

    /// The events of `shard` from index `from` on, at most `limit`, in order, without those that cannot be read. An erased body comes empty.
    public func read(_ connection: PostgresConnection, shard: Int32, from: Int64, limit: Int) async throws -> [SealedEvent] {
        try await page(connection, shard: shard, from: from, limit: limit).events
    }

    /// What the log holds from index `from` on, at most `limit` rows.
    public func page(_ connection: PostgresConnection, shard: Int32, from: Int64, limit: Int) async throws -> Page {
        var page = Page()
        let rows = try await connection.query(
            """
            select l.index, l.sealed_at, \(unsafe: LogReader.columns)
            from audit.log l join audit.event e on e.shard = l.shard and e.id = l.id and e.time = l.time
            where l.shard = \(shard) and l.index >= \(from) and l.index < \(from + Int64(limit))
            order by l.index
            """)
        page.events.reserveCapacity(rows.count)
        for row in rows {
            let index = try row.decode(0, as: Int64.self)
            do {
                page.events.append(
                    SealedEvent(
                        shard: shard, index: index,
                        sealedAt: Timestamp(microseconds: try row.decode(1, as: PostgresTimestamp.self).microseconds),
                        event: try LogReader.event(row, from: 2)))
            } catch {
                page.unreadable.append(
                    UnreadableEvent(
                        index: index, id: try row.decode(2, as: PostgresUUID.self),
                        tenant: (try? row.decode(3, as: String.self)) ?? "default", reason: "\(error)"))
            }
        }
        return page
    }

    /// The index that the next sealed event of `shard` will get.
    public func nextIndex(_ connection: PostgresConnection, shard: Int32) async throws -> Int64 {
        let rows = try await connection.query("select next_index from audit.head where shard = \(shard)")
        return try rows.first?.decode("next_index", as: Int64.self) ?? 0
    }

    /// The event of a row whose columns from `first` on are `columns`; by place, for looking names up costs more than reading values. Another program's writer may have used words and shapes unknown here: those are read as unknown, and a
    /// body of another shape as details, for one odd event must not stop a shard.
    static func event(_ row: PostgresRow, from first: Int) throws -> AuditEvent {
        let uuid = try row.decode(first, as: PostgresUUID.self)
        guard let id = EventID(high: uuid.high, low: uuid.low) else {
            throw StoreError(.record, "the event \(uuid) has no id of version 7")
        }
        let header = EventHeader(
            id: id, tenant: try row.decode(first + 1, as: String.self), source: try row.decode(first + 2, as: String.self),
            type: EventType(try row.decode(first + 3, as: String.self)),
            outcome: Outcome(rawValue: try row.decode(first + 4, as: String.self)) ?? .unknown,
            reason: try row.decode(first + 5, as: String?.self),
            severity: Severity(rawValue: try row.decode(first + 6, as: Int16.self)) ?? .unknown,
            actorKind: ActorKind(rawValue: try row.decode(first + 7, as: String.self)) ?? .anonymous,
            privileged: try row.decode(first + 8, as: Bool.self),
            sensitivity: try row.decode(first + 9, as: String?.self).flatMap(Sensitivity.init),
            method: try row.decode(first + 10, as: String?.self),
            route: try row.decode(first + 11, as: String?.self), status: try row.decode(first + 12, as: Int16?.self),
            durationMicroseconds: try row.decode(first + 13, as: Int64?.self))
        guard let text = try row.decode(first + 14, as: PostgresJSON?.self)?.text, let object = try? JSONValue(parsing: text.utf8).object
        else {
            return AuditEvent(header: header)
        }
        return AuditEvent(header: header, body: (try? EventBody(json: object)) ?? EventBody(details: object))
    }
}
