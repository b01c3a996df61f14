public import AuditEvents
public import Detection
import EventStore
public import PostgreSQL

extension AlertStore {
    /// The alerts of all shards, the ones with the newest events first, at most `limit` (nil: all).
    public func list(_ connection: PostgresConnection, _ filter: AlertFilter = .init(), limit: Int?) async throws -> [StoredAlert] {
        try await connection.query(
            """
            select \(unsafe: StoredAlert.columns) from audit.alert
            where \(filter.condition)
            order by last_seen desc, id limit \(limit.map(Int64.init))
            """
        ).map(StoredAlert.init)
    }

    /// The alerts that were opened after `openedAt`, or at it with an id above `id`, in that order: a page of what is followed.
    func opened(
        after openedAt: Timestamp, _ id: AlertID?, _ connection: PostgresConnection, limit: Int
    ) async throws -> [StoredAlert] {
        let after = id ?? AlertID(high: .max, low: .max)
        return try await connection.query(
            """
            select \(unsafe: StoredAlert.columns) from audit.alert
            where (opened_at, id) > (\(PostgresTimestamp(openedAt)), \(PostgresUUID(after))) order by opened_at, id limit \(Int64(limit))
            """
        ).map(StoredAlert.init)
    }

    /// The alerts whose id begins with `prefix` (at least 4 hex digits): one, where it is enough of it.
    public func find(_ prefix: String, _ connection: PostgresConnection) async throws -> [StoredAlert] {
        let pattern = String(prefix.lowercased().filter { $0.isHexDigit || $0 == "-" }) + "%"
        return try await connection.query(
            "select \(unsafe: StoredAlert.columns) from audit.alert where id::text like \(pattern) order by shard, id limit 20"
        ).map(StoredAlert.init)
    }

    /// The ids of the events behind an alert, in index order.
    public func events(of alert: StoredAlert, _ connection: PostgresConnection) async throws -> [EventID] {
        try await connection.query(
            """
            select event from audit.alert_event
            where shard = \(alert.shard) and alert = \(PostgresUUID(alert.id)) order by index
            """
        ).compactMap { row in
            let uuid = try row.decode("event", as: PostgresUUID.self)
            return EventID(high: uuid.high, low: uuid.low)
        }
    }

    /// What was done to an alert, oldest first.
    public func history(of alert: StoredAlert, _ connection: PostgresConnection) async throws -> [AlertHistoryEntry] {
        try await connection.query(
            """
            select time, kind, from_state, to_state, actor, assignee, reason, event, database_user from audit.alert_change
            where shard = \(alert.shard) and alert = \(PostgresUUID(alert.id)) order by time, event
            """
        ).map(AlertHistoryEntry.init)
    }

    /// The text of a rule as it was; nil where none with this digest opened an alert.
    public func ruleSource(_ digest: String, _ connection: PostgresConnection) async throws -> String? {
        try await connection.query("select source from audit.rule_version where digest = \(digest)").first?.decode(
            "source", as: String.self)
    }
}

/// One thing that was done to an alert.
public struct AlertHistoryEntry: Sendable, Hashable {
    public var time: Timestamp
    /// `AlertLife.Kind`'s raw value.
    public var kind: String
    public var from: String, to: String
    /// The person; nil: Cardea itself.
    public var actor: String?
    public var assignee: String?
    /// The person's words, or `idle`, `hits`, `merge`.
    public var reason: String?
    /// The event on the record.
    public var event: EventID?
    /// Whom the database knew the change to come from.
    public var databaseUser: String

    init(_ row: PostgresRow) throws {
        time = Timestamp(microseconds: try row.decode("time", as: PostgresTimestamp.self).microseconds)
        kind = try row.decode("kind", as: String.self)
        from = try row.decode("from_state", as: String.self)
        to = try row.decode("to_state", as: String.self)
        actor = try row.decode("actor", as: String?.self)
        assignee = try row.decode("assignee", as: String?.self)
        reason = try row.decode("reason", as: String?.self)
        let uuid = try row.decode("event", as: PostgresUUID.self)
        event = EventID(high: uuid.high, low: uuid.low)
        databaseUser = try row.decode("database_user", as: String.self)
    }

    /// As JSON, snake_case.
    public var json: JSONObject {
        func text(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
        return [
            "time": .string(time.description), "kind": .string(kind), "from": .string(from), "to": .string(to), "actor": text(actor),
            "assignee": text(assignee), "reason": text(reason), "event": text(event?.description), "database_user": .string(databaseUser),
        ]
    }
}
