public import AuditEvents
public import Detection
public import PostgreSQL

/// When an alert is idle unless it takes further events.
public struct AlertExpiry: Sendable, Hashable {
    public var id: AlertID
    public var tenant: String
    /// In event time.
    public var time: Timestamp

    public init(id: AlertID, tenant: String, time: Timestamp) { (self.id, self.tenant, self.time) = (id, tenant, time) }

    init?(_ row: PostgresRow, _ alert: StoredAlert) throws {
        guard let after = try row.decode("idle_after", as: Int64?.self) else { return nil }
        self.init(id: alert.id, tenant: alert.tenant, time: Timestamp(microseconds: alert.lastSeen.microseconds + after))
    }
}

/// Which alerts of a shard are due to be idle, in event time. Pure; the least of all times is known, so that asking costs nothing until then.
public struct IdleWatch: Sendable {
    private var expiries: [AlertID: (tenant: String, time: Timestamp)] = [:]
    /// No expiry is earlier.
    private var least = Timestamp.maximum
    /// Alerts that one call of `due` gives at most, so that no batch grows with how many alerts a flood has opened.
    public static let most = 1000

    public init(_ expiries: some Sequence<AlertExpiry> = []) { for expiry in expiries { note(expiry) } }

    public var count: Int { expiries.count }

    /// Notes that an alert is open, or takes events for longer.
    public mutating func note(_ expiry: AlertExpiry) {
        expiries[expiry.id] = (expiry.tenant, expiry.time)
        least = min(least, expiry.time)
    }

    /// The alerts that take no more events, which are forgotten by that.
    ///
    /// - Parameter horizon: the event time that a tenant's sources have all come to.
    public mutating func due(_ horizon: (_ tenant: String) -> Timestamp) -> [AlertID] {
        guard !expiries.isEmpty else { return [] }
        var horizons: [String: Timestamp] = [:]
        var isAnyDue = false
        for tenant in Set(expiries.values.lazy.map(\.tenant)) {
            horizons[tenant] = horizon(tenant)
            if let time = horizons[tenant], time > least { isAnyDue = true }
        }
        guard isAnyDue else { return [] }
        let due = expiries.filter { entry in horizons[entry.value.tenant].map { $0 > entry.value.time } ?? false }
            .sorted { ($0.value.time, $0.key) < ($1.value.time, $1.key) }.prefix(IdleWatch.most).map(\.key)
        for id in due { expiries[id] = nil }
        least = expiries.values.lazy.map(\.time).min() ?? .maximum
        return due
    }
}
