public import AuditEvents
public import Detection
import EventStore
public import PostgreSQL

/// An alert as people read it.
public struct StoredAlert: Sendable, Hashable {
    public var shard: Int32
    public var id: AlertID
    public var tenant: String
    public var ruleID: String
    public var ruleTitle: String
    public var ruleAuthor: String?
    public var severity: Severity
    public var tags: [String]
    public var group: JSONObject
    public var state: String
    public var firstSeen: Timestamp
    public var lastSeen: Timestamp
    public var count: Int64
    public var openedAt: Timestamp

    /// The alert as JSON, snake_case.
    public var json: JSONObject {
        [
            "id": .string(id.description), "shard": .int(Int64(shard)), "tenant": .string(tenant), "rule_id": .string(ruleID),
            "rule": .string(ruleTitle), "author": ruleAuthor.map(JSONValue.string) ?? .null, "severity": .string(severity.name),
            "tags": .array(tags.map(JSONValue.string)), "group": .object(group), "state": .string(state),
            "first_seen": .string(firstSeen.description), "last_seen": .string(lastSeen.description), "count": .int(count),
            "opened_at": .string(openedAt.description),
        ]
    }
}

extension AlertStore {
    private static let columns =
        "shard, id, tenant, rule_id, rule_title, rule_author, severity, tags, group_by, state, first_seen, last_seen, count, opened_at"

    /// The alerts of all shards, the ones with the newest events first, at most `limit` (nil: all); merged ones left out.
    public func list(_ connection: PostgresConnection, tenants: [String] = [], limit: Int?) async throws -> [StoredAlert] {
        try await connection.query(
            """
            select \(unsafe: AlertStore.columns) from audit.alert
            where state <> 'merged' and (cardinality(\(tenants)) = 0 or tenant = any (\(tenants)))
            order by last_seen desc, id limit \(limit.map(Int64.init))
            """
        ).map(AlertStore.alert)
    }

    /// The alerts that were opened after `openedAt`, or at it with an id above `id`, in that order: a page of what is followed.
    func opened(
        after openedAt: Timestamp, _ id: AlertID?, _ connection: PostgresConnection, limit: Int
    ) async throws -> [StoredAlert] {
        let after = id ?? AlertID(high: .max, low: .max)
        return try await connection.query(
            """
            select \(unsafe: AlertStore.columns) from audit.alert
            where (opened_at, id) > (\(PostgresTimestamp(openedAt)), \(PostgresUUID(after))) order by opened_at, id limit \(Int64(limit))
            """
        ).map(AlertStore.alert)
    }

    /// The alerts whose id begins with `prefix` (at least 4 hex digits): one, where it is enough of it.
    public func find(_ prefix: String, _ connection: PostgresConnection) async throws -> [StoredAlert] {
        let pattern = String(prefix.lowercased().filter { $0.isHexDigit || $0 == "-" }) + "%"
        return try await connection.query(
            "select \(unsafe: AlertStore.columns) from audit.alert where id::text like \(pattern) order by shard, id limit 20"
        ).map(AlertStore.alert)
    }

    /// The ids of the events behind an alert, in index order.
    public func events(of alert: StoredAlert, _ connection: PostgresConnection) async throws -> [EventID] {
        try await connection.query(
            """
            select event from audit.alert_event
            where shard = \(alert.shard) and alert = \(PostgresUUID(high: alert.id.high, low: alert.id.low)) order by index
            """
        ).compactMap { row in
            let uuid = try row.decode("event", as: PostgresUUID.self)
            return EventID(high: uuid.high, low: uuid.low)
        }
    }

    private static func alert(_ row: PostgresRow) throws -> StoredAlert {
        let id = try row.decode("id", as: PostgresUUID.self)
        func time(_ column: String) throws -> Timestamp {
            Timestamp(microseconds: try row.decode(column, as: PostgresTimestamp.self).microseconds)
        }
        return StoredAlert(
            shard: try row.decode("shard", as: Int32.self), id: AlertID(high: id.high, low: id.low),
            tenant: try row.decode("tenant", as: String.self), ruleID: try row.decode("rule_id", as: String.self),
            ruleTitle: try row.decode("rule_title", as: String.self), ruleAuthor: try row.decode("rule_author", as: String?.self),
            severity: Severity(rawValue: try row.decode("severity", as: Int16.self)) ?? .unknown,
            tags: try row.decode("tags", as: [String].self),
            group: (try? JSONValue(parsing: row.decode("group_by", as: PostgresJSON.self).text.utf8).object) ?? [:],
            state: try row.decode("state", as: String.self), firstSeen: try time("first_seen"), lastSeen: try time("last_seen"),
            count: try row.decode("count", as: Int64.self), openedAt: try time("opened_at"))
    }
}
