public import AuditEvents
import Crypto
public import PostgreSQL

/// That somebody looks at the record: one event for each query, view, alert, report and export, and none about itself.
public struct Reading: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case query = "audit_query_run"
        case follow = "audit_tail_run"
        case view = "audit_view_read"
        case alert = "audit_read_alert"
        case alerts = "audit_read_alerts"
        case report = "audit_report_made"
        case export = "audit_export_made"
        case proof = "audit_event_proved"
        case subject = "audit_subject_exported"
    }

    public var kind: Kind
    public var person: String
    /// What was looked at, where that is no personal data: a view's name, an alert's id.
    public var target: String?
    public var details: JSONObject

    /// - Parameter query: what was asked for; the record keeps its SHA-256, for it may name a person.
    public init(_ kind: Kind, by person: String, target: String? = nil, query: String? = nil, details: JSONObject = [:]) {
        (self.kind, self.person, self.target, self.details) = (kind, person, target, details)
        if let query { self.details["query_sha256"] = .string(Hexadecimal.encode(Array(SHA256.hash(data: Array(query.utf8))))) }
    }

    /// Puts it on the record, with any role that may read.
    ///
    /// - Returns: false on a standby, which takes no events.
    @discardableResult
    public func record(_ connection: PostgresConnection) async throws -> Bool {
        do {
            try await connection.withTransaction { connection in
                let now = try await OwnAct.clock(connection)
                let event = try EventEncoder().encode(
                    AuditEvent(
                        header: EventHeader(
                            id: EventID(time: now), source: "cardea", type: EventType(kind.rawValue), outcome: .success, actorKind: .user),
                        body: EventBody(actor: .init(name: person), target: target, service: "cardea", details: details)), now: now)
                try await connection.execute("select audit.record_reading(\(kind.rawValue), \(event.actParameters))")
            }
            return true
        } catch let error as PostgresError where error.sqlState == "25006" {
            return false
        }
    }
}
