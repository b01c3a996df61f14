import AuditEvents
import PostgreSQL

/// An act on the record itself, as the event that tells it: what the functions of the owner append when they change something.
struct DatedAct {
    let event: EncodedEvent

    /// - Parameters:
    ///   - tenant: whose record; the default one's where it concerns all.
    ///   - target: what was acted on, as `hold/NAME`. Never a subject.
    init(
        _ type: EventType, tenant: String?, by person: String, target: String, outcome: Outcome = .success, reason: String? = nil,
        details: JSONObject, at now: Timestamp
    ) throws {
        event = try OwnAct(
            type, tenant: tenant ?? "default", severity: .medium, outcome: outcome, reason: reason, by: person, target: target,
            details: details
        ).encoded(at: now)
    }

    /// The arguments that such functions take: event, time, body, salt, hash.
    var arguments: SQL {
        """
        \(PostgresUUID(event.header.id)), \(PostgresTimestamp(event.header.time)), \(PostgresJSONBytes(event.body)), \
        \(PostgresBytes(event.salt)), \(PostgresBytes(event.bodyHash))
        """
    }

    /// A text of the details as it is stored, without the secrets that it may have held.
    func detail(_ name: String) -> String? { (try? JSONValue(parsing: event.body))?.object?["details"]?.object?[name]?.string }

    /// - Throws: `StoreError` for a text that is empty, longer than 4,000 bytes, or (`isName`) longer than 200 or of several lines.
    static func check(_ text: String, _ what: String, isName: Bool = false) throws {
        let most = isName ? 200 : 4000
        guard text.utf8.contains(where: { $0 > 0x20 }), text.utf8.count <= most,
            !isName || text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else { throw StoreError(.usage, "\(what) must be 1 to \(most) bytes long\(isName ? ", on one line" : "")") }
    }
}

extension EventType {
    static let subjectErased = EventType("audit_subject_erased")
    static let erasureRefused = EventType("audit_erasure_refused")
    static let holdSet = EventType("audit_hold_set")
    static let holdReleased = EventType("audit_hold_released")
    static let retentionSet = EventType("audit_retention_set")
    static let partitionDropped = EventType("audit_partition_dropped")
}
