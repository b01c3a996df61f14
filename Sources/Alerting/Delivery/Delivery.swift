public import AuditEvents
public import Detection
import PostgreSQL

/// One thing that a receiver is told, however often that has to be tried.
public struct Delivery: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable { case firing, resolved, test }
    public enum State: String, Sendable, Hashable, CaseIterable { case pending, delivered, dead }

    /// A UUID: the same for every attempt.
    public var id: String
    public var receiver: String
    public var kind: Kind
    /// The alert as it was when this was written.
    public var alert: AlertCard
    public var createdAt: Timestamp
    public var state: State
    /// How often it was tried.
    public var attempts: Int
    /// When it is tried next.
    public var dueAt: Timestamp
    public var finishedAt: Timestamp?
    /// What the last attempt was answered, an HTTP or SMTP status.
    public var status: Int?
    public var detail: String?

    /// The id as it goes out: letters, digits and `_` alone.
    public var messageID: String { "msg_" + id.filter { $0 != "-" } }

    /// As JSON, snake_case.
    public var json: JSONObject {
        [
            "id": .string(id), "receiver": .string(receiver), "kind": .string(kind.rawValue), "state": .string(state.rawValue),
            "alert": .string(alert.id), "rule": .string(alert.rule), "tenant": .string(alert.tenant),
            "severity": .string(alert.severity.name), "attempts": .int(Int64(attempts)), "created_at": .string(createdAt.description),
            "due_at": state == .pending ? .string(dueAt.description) : .null,
            "finished_at": finishedAt.map { .string($0.description) } ?? .null, "status": status.map { .int(Int64($0)) } ?? .null,
            "detail": detail.map(JSONValue.string) ?? .null,
        ]
    }
}

/// An alert as receivers are told of it.
public struct AlertCard: Sendable, Hashable {
    /// Everything, as `cardea alerts show -o json` has it.
    public var json: JSONObject

    public init(_ json: JSONObject) { self.json = json }

    private func text(_ key: String) -> String { json[key]?.string ?? "" }
    private func time(_ key: String) -> Timestamp? { json[key]?.string.flatMap { Timestamp($0) } }

    public var id: String { text("id") }
    public var rule: String { text("rule") }
    public var ruleID: String { text("rule_id") }
    public var author: String? { json["author"]?.string }
    public var tenant: String { text("tenant") }
    public var severity: Severity { Severity.allCases.first { $0.name == text("severity") } ?? .unknown }
    public var tags: [String] { json["tags"]?.array?.compactMap(\.string) ?? [] }
    public var group: [(field: String, value: String)] { json["group"]?.object?.members.map { ($0.key, $0.value.string ?? "") } ?? [] }
    public var count: Int64 { if case .int(let count) = json["count"] { count } else { 0 } }
    public var firstSeen: Timestamp { time("first_seen") ?? .epoch }
    public var lastSeen: Timestamp { time("last_seen") ?? .epoch }
    public var openedAt: Timestamp { time("opened_at") ?? .epoch }
    public var state: String { text("state") }

    /// The group in one line: `client_ip=192.0.2.1 user=ada`.
    public var groupText: String { group.map { "\($0.field)=\($0.value)" }.joined(separator: " ") }

    /// An alert that says that it is none, to try a receiver with.
    public static func test(at now: Timestamp, tenant: String = "default") -> AlertCard {
        AlertCard([
            "id": "00000000-0000-0000-0000-000000000000", "shard": 0, "tenant": .string(tenant), "rule_id": "cardea_test",
            "rule": "Test: cardea reaches this receiver", "author": "Cardea", "severity": .string(Severity.informational.name), "tags": [],
            "group": ["client_ip": "192.0.2.1"], "state": "open", "first_seen": .string(now.description),
            "last_seen": .string(now.description), "count": 1, "opened_at": .string(now.description),
        ])
    }
}

extension Delivery {
    static let columns =
        "id::text as id, receiver, kind, payload, created_at, state, attempts, due_at, finished_at, status, detail"

    init(_ row: PostgresRow) throws {
        func time(_ column: String) throws -> Timestamp? {
            try row.decode(column, as: PostgresTimestamp?.self).map { Timestamp(microseconds: $0.microseconds) }
        }
        let payload = (try? JSONValue(parsing: row.decode("payload", as: PostgresJSON.self).text.utf8).object) ?? [:]
        self.init(
            id: try row.decode("id", as: String.self), receiver: try row.decode("receiver", as: String.self),
            kind: Kind(rawValue: try row.decode("kind", as: String.self)) ?? .firing, alert: AlertCard(payload),
            createdAt: try time("created_at") ?? .epoch, state: State(rawValue: try row.decode("state", as: String.self)) ?? .pending,
            attempts: Int(try row.decode("attempts", as: Int32.self)), dueAt: try time("due_at") ?? .epoch,
            finishedAt: try time("finished_at"), status: try row.decode("status", as: Int32?.self).map { Int($0) },
            detail: try row.decode("detail", as: String?.self))
    }
}
