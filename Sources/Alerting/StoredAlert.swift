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
    /// The rule's short name; nil where it has none, and for alerts from before these were kept.
    public var ruleName: String?
    public var ruleAuthor: String?
    /// The digest of the rule's text when the alert opened; nil for alerts from before these were kept.
    public var ruleDigest: String?
    public var severity: Severity
    public var tags: [String]
    public var group: JSONObject
    public var life: AlertLife
    /// How often the state has changed.
    public var revision: Int64
    public var firstSeen: Timestamp
    public var lastSeen: Timestamp
    public var count: Int64
    public var openedAt: Timestamp
    public var closedAt: Timestamp?
    /// The alert that this one is part of now.
    public var mergedInto: AlertID?
    /// Whether nobody is told of it, since it holds nothing but events of imports.
    public var isQuiet: Bool

    public var state: AlertState { life.state }

    /// The alert as JSON, snake_case.
    public var json: JSONObject {
        func text(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
        let closedBy: String? = if case .person(let name) = life.closing { name } else { nil }
        return [
            "id": .string(id.description), "shard": .int(Int64(shard)), "tenant": .string(tenant), "rule_id": .string(ruleID),
            "rule": .string(ruleTitle), "rule_name": text(ruleName), "author": text(ruleAuthor), "severity": .string(severity.name),
            "tags": .array(tags.map(JSONValue.string)), "group": .object(group), "state": .string(state.rawValue),
            "acknowledged_by": text(life.acknowledgedBy), "assignee": text(life.assignee),
            "closing": life.closing.map { if case .idle = $0 { "idle" } else { "person" } } ?? .null, "closed_by": text(closedBy),
            "closed_at": text(closedAt?.description), "merged_into": text(mergedInto?.description), "idle": .bool(life.isIdle),
            "quiet": .bool(isQuiet),
            "rule_digest": text(ruleDigest), "revision": .int(revision), "first_seen": .string(firstSeen.description),
            "last_seen": .string(lastSeen.description), "count": .int(count), "opened_at": .string(openedAt.description),
        ]
    }
}

extension StoredAlert {
    static let columns =
        """
        shard, id, tenant, rule_id, rule_title, rule_name, rule_author, rule_digest, severity, tags, group_by, state, acknowledged_by, assignee, closing, \
        closed_by, before_idle, is_idle, revision, first_seen, last_seen, count, opened_at, closed_at, merged_into, is_quiet
        """

    /// The columns of a table that another name stands for.
    static func columns(of table: String) -> String {
        columns.split(separator: ", ").map { "\(table).\($0)" }.joined(separator: ", ")
    }

    init(_ row: PostgresRow) throws {
        func time(_ column: String) throws -> Timestamp? {
            try row.decode(column, as: PostgresTimestamp?.self).map { Timestamp(microseconds: $0.microseconds) }
        }
        let closing: AlertLife.Closing? =
            switch try row.decode("closing", as: String?.self) {
            case "person": .person(try row.decode("closed_by", as: String?.self) ?? "")
            case "idle": .idle(from: try row.decode("before_idle", as: String?.self).flatMap(AlertState.init) ?? .open)
            default: nil
            }
        self.init(
            shard: try row.decode("shard", as: Int32.self), id: AlertID(try row.decode("id", as: PostgresUUID.self)),
            tenant: try row.decode("tenant", as: String.self), ruleID: try row.decode("rule_id", as: String.self),
            ruleTitle: try row.decode("rule_title", as: String.self), ruleName: try row.decode("rule_name", as: String?.self),
            ruleAuthor: try row.decode("rule_author", as: String?.self),
            ruleDigest: try row.decode("rule_digest", as: String?.self),
            severity: Severity(rawValue: try row.decode("severity", as: Int16.self)) ?? .unknown,
            tags: try row.decode("tags", as: [String].self),
            group: (try? JSONValue(parsing: row.decode("group_by", as: PostgresJSON.self).text.utf8).object) ?? [:],
            life: AlertLife(
                state: AlertState(rawValue: try row.decode("state", as: String.self)) ?? .open,
                acknowledgedBy: try row.decode("acknowledged_by", as: String?.self), assignee: try row.decode("assignee", as: String?.self),
                closing: closing, isIdle: try row.decode("is_idle", as: Bool.self)),
            revision: try row.decode("revision", as: Int64.self), firstSeen: try time("first_seen") ?? .epoch,
            lastSeen: try time("last_seen") ?? .epoch, count: try row.decode("count", as: Int64.self),
            openedAt: try time("opened_at") ?? .epoch, closedAt: try time("closed_at"),
            mergedInto: try row.decode("merged_into", as: PostgresUUID?.self).map(AlertID.init),
            isQuiet: try row.decode("is_quiet", as: Bool.self))
    }
}

extension PostgresUUID {
    init(_ id: AlertID) { self.init(high: id.high, low: id.low) }
    init(_ id: EventID) { self.init(high: id.high, low: id.low) }
}

extension AlertID {
    init(_ uuid: PostgresUUID) { self.init(high: uuid.high, low: uuid.low) }
}
