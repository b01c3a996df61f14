public import AuditEvents
import Detection
import EventStore
public import PostgreSQL

/// Where people deal with alerts: every change in one call of the database, which leaves an event behind.
public struct AlertDesk: Sendable {
    private let pool: PostgresPool

    /// Bounds of what people write, in bytes.
    public static let maximumName = 200
    public static let maximumText = 4000

    /// - Parameter pool: under a role that may change alerts (`cardea_responder`).
    public init(_ pool: PostgresPool) { self.pool = pool }

    /// Does what a person asks to an alert as that person saw it, and gives it as it is now.
    ///
    /// - Parameter reason: why, or the text of a note, which must have one.
    /// - Throws: `AlertingError`: `.transition` where its state does not allow it, `.conflict` where somebody else was faster, `.text` for a name
    ///   or text that is missing or too long.
    public func change(
        _ alert: StoredAlert, _ act: AlertLife.Act, by person: String, reason: String? = nil
    ) async throws -> StoredAlert {
        try AlertDesk.check(name: person, "the name of who does this")
        if case .assign(let other) = act { try AlertDesk.check(name: other, "the name of who is to deal with it") }
        if act == .note || reason != nil { try AlertDesk.check(text: reason ?? "", act == .note ? "a note" : "a reason") }
        var life = alert.life
        let change = try life.apply(act, by: person)
        return try await pool.withTransaction { [life] connection in
            let now = try await OwnAct.clock(connection)
            let assignee: String? = if case .assign(let other) = act { other } else { nil }
            let record = AlertRecord(alert, change, by: person, to: assignee, reason: reason, at: now)
            let event = try EventEncoder().encode(record.event, now: now)
            let columns = LifeColumns(life)
            let revision = try await connection.query(
                """
                select audit.change_alert(
                    \(alert.shard), \(PostgresUUID(alert.id)), \(alert.revision), \(change.kind.rawValue), \(columns.state),
                    \(columns.acknowledgedBy), \(columns.assignee), \(columns.closing), \(columns.closedBy), \(columns.beforeIdle),
                    \(event.actor ?? person), \(event.detail("reason")), \(PostgresUUID(event.header.id)),
                    \(PostgresTimestamp(now)), \(PostgresJSONBytes(event.body)), \(PostgresBytes(event.salt)), \(PostgresBytes(event.bodyHash))
                ) as revision
                """)[0].decode("revision", as: Int64?.self)
            let store = AlertStore()
            let found = try await store.find(alert.id.description, connection).first { $0.shard == alert.shard }
            guard let present = found else { throw AlertingError(.unknown, "there is no alert \(alert.id)") }
            guard revision != nil else {
                let latest = try await store.history(of: present, connection).last
                throw AlertingError(
                    .conflict, "\(latest?.actor ?? "Cardea") has changed the alert meanwhile: it is \(present.state.rawValue)",
                    hint: "Look at it again, then decide.")
            }
            return present
        }
    }

    func transaction<R: Sendable>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        try await pool.withTransaction { try await body($0) }
    }

    static func check(name: String, _ what: String) throws {
        guard !name.isEmpty, name.utf8.count <= maximumName, name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw AlertingError(.text, "\(what) must be 1 to \(maximumName) bytes long, on one line")
        }
    }

    static func check(text: String, _ what: String) throws {
        guard text.utf8.contains(where: { $0 > 0x20 }) else { throw AlertingError(.text, "\(what) must say something") }
        guard text.utf8.count <= maximumText else { throw AlertingError(.text, "\(what) may have at most \(maximumText) bytes") }
    }
}
