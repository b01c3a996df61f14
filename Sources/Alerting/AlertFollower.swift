public import AuditEvents
public import Detection
public import PostgreSQL

/// Follows the alerts that are opened from now on: each once, however many one batch opened.
public struct AlertFollower: Sendable {
    /// An alert's time is the beginning of its transaction, so that one may show behind others that are later: this far back is looked again.
    static let overlap: Int64 = 30
    static let page = 500

    private let began: Timestamp
    private var newest: Timestamp
    /// Where the present look has come to; nil between two looks.
    private var place: (openedAt: Timestamp, id: AlertID?)?
    private var seen: [AlertID: Timestamp] = [:]

    /// Begins now, by the database's clock.
    public init(_ connection: PostgresConnection) async throws {
        let now = try await connection.query("select clock_timestamp() as now")[0].decode("now", as: PostgresTimestamp.self)
        began = Timestamp(microseconds: now.microseconds)
        newest = began
    }

    /// Alerts that were not given yet, oldest first; empty when there are none for now.
    public mutating func next(_ pool: PostgresPool) async throws -> [StoredAlert] {
        while true {
            let from = place ?? (max(began, newest.advanced(bySeconds: -AlertFollower.overlap)), nil)
            let found = try await pool.withConnection {
                try await AlertStore().opened(after: from.openedAt, from.id, $0, limit: AlertFollower.page)
            }
            let fresh = found.filter { seen[$0.id] == nil }
            for alert in fresh { seen[alert.id] = alert.openedAt }
            newest = max(newest, found.last?.openedAt ?? newest)
            let isLast = found.count < AlertFollower.page
            place = isLast ? nil : found.last.map { ($0.openedAt, $0.id) }
            if isLast {
                let horizon = newest.advanced(bySeconds: -AlertFollower.overlap)
                seen = seen.filter { $0.value >= horizon }
            }
            if isLast || !fresh.isEmpty { return fresh }
        }
    }
}
