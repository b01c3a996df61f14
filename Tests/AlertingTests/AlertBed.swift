import AuditEvents
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@testable import Alerting
@testable import Detection

/// A migrated database of a test's own, as a worker and as a person on duty see it.
struct AlertBed: Sendable {
    let database: TestDatabase
    let worker: PostgresPool
    let responder: PostgresPool
    let rules: RuleSet
    let shard: Int32

    static let tenant = "acme"
    static let start = Timestamp("2026-11-20T12:00:00Z") ?? .epoch

    var desk: AlertDesk { AlertDesk(responder) }

    /// An alert about one address; its events are as far apart as `seconds` says.
    func alert(_ ip: String = "192.0.2.1", rule: String = "brute_force", at offset: Int64 = 0, count: Int = 6, seconds: Int64 = 10) -> Alert
    {
        let events = self.events(count, at: offset, seconds: seconds)
        let group = [Alert.GroupField(field: "client_ip", value: ip)]
        return Alert(
            id: AlertID(rule: rule, tenant: AlertBed.tenant, group: group.map { ($0.field, $0.value) }, first: events[0].id), ruleID: rule,
            ruleTitle: "Brute force", ruleAuthor: "Cardea", severity: .high, tags: ["attack.t1110"], tenant: AlertBed.tenant, group: group,
            firstSeen: events[0].id.time, lastSeen: events[count - 1].id.time, count: count, events: events)
    }

    func events(_ count: Int, at offset: Int64, seconds: Int64 = 10) -> [AlertEvent] {
        (0..<count).map { place in
            let id = EventID(time: AlertBed.start.advanced(bySeconds: offset + Int64(place) * seconds))
            return AlertEvent(id: id, shard: shard, index: Int64.random(in: 0 ... .max))
        }
    }

    /// One more event of an alert, this long after its beginning.
    func more(_ alert: Alert, at offset: Int64, count: Int = 7) -> AlertChange {
        let events = self.events(1, at: offset)
        return .extend(
            AlertExtension(
                id: alert.id, tenant: alert.tenant, firstSeen: alert.firstSeen, lastSeen: max(alert.lastSeen, events[0].id.time),
                count: count,
                events: events))
    }

    @discardableResult
    func apply(_ changes: AlertChange...) async throws -> [AlertExpiry] {
        try await worker.withTransaction { try await AlertStore().apply(changes, shard: shard, rules: rules, in: $0) }
    }

    func idle(_ alerts: Alert...) async throws {
        try await worker.withTransaction { try await AlertStore().closeIdle(alerts.map(\.id), shard: shard, in: $0) }
    }

    func stored(_ id: AlertID, sourceLocation: SourceLocation = #_sourceLocation) async throws -> StoredAlert {
        let found = try await responder.withConnection { try await AlertStore().find(id.description, $0) }
        return try #require(found.first, sourceLocation: sourceLocation)
    }

    func history(_ id: AlertID) async throws -> [AlertHistoryEntry] {
        let alert = try await stored(id)
        return try await responder.withConnection { try await AlertStore().history(of: alert, $0) }
    }

    /// What the record holds about alerts, oldest first: the event's type, its reason, its actor, its target and its details.
    struct Told: Equatable {
        var type: String
        var reason: String?
        var actor: String?
        var target: String
        var details: JSONObject
        var id: String
    }

    func told() async throws -> [Told] {
        try await worker.query(
            """
            select type, reason, actor, id::text as id, coalesce(body ->> 'target', '') as target, body -> 'details' as details from audit.event
            where type like 'audit\\_alert\\_%' order by id
            """
        ).map { row in
            Told(
                type: try row.decode("type", as: String.self), reason: try row.decode("reason", as: String?.self),
                actor: try row.decode("actor", as: String?.self), target: try row.decode("target", as: String.self),
                details: try JSONValue(parsing: row.decode("details", as: PostgresJSON.self).text.utf8).object ?? [:],
                id: try row.decode("id", as: String.self))
        }
    }
}

/// Gives a fresh database with `shards` shards to `body`.
func withAlertBed<R: Sendable>(shards: Int = 1, _ body: (AlertBed) async throws -> R) async throws -> R {
    try await withTestDatabase { database in
        _ = try await Migrator(database.configuration(), logger: .quiet).migrate(shards: shards)
        let worker = database.pool(role: "cardea_worker")
        let responder = database.pool(role: "cardea_responder", maximumConnections: 12)
        let shard = try await Appender(worker).shard(of: AlertBed.tenant)
        let result: Result<R, any Error>
        do {
            result = .success(
                try await body(AlertBed(database: database, worker: worker, responder: responder, rules: try .builtIn(), shard: shard)))
        } catch { result = .failure(error) }
        await worker.close()
        await responder.close()
        return try result.get()
    }
}
