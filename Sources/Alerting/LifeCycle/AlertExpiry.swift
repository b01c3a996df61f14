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

/// Which alerts of a shard are due to be idle, in event time. Pure; the least of each tenant's times is known, so that asking costs nothing
/// until then.
public struct IdleWatch: Sendable {
    private struct Tenant {
        var times: [AlertID: Timestamp] = [:]
        /// None is earlier.
        var least = Timestamp.maximum
    }

    private var tenants: [String: Tenant] = [:]
    /// Alerts that one call of `due` gives at most, so that no batch grows with how many alerts a flood has opened.
    public static let most = 1000

    public init(_ expiries: some Sequence<AlertExpiry> = []) { for expiry in expiries { note(expiry) } }

    public var count: Int { tenants.values.reduce(0) { $0 + $1.times.count } }

    /// Notes that an alert is open, or takes events for longer.
    public mutating func note(_ expiry: AlertExpiry) {
        tenants[expiry.tenant, default: Tenant()].times[expiry.id] = expiry.time
        tenants[expiry.tenant, default: Tenant()].least = min(tenants[expiry.tenant]?.least ?? .maximum, expiry.time)
    }

    /// The alerts that take no more events, which are forgotten by that.
    ///
    /// - Parameter horizon: the event time that a tenant's sources have all come to.
    public mutating func due(_ horizon: (_ tenant: String) -> Timestamp) -> [AlertID] {
        var due: [AlertID] = []
        for name in tenants.filter({ horizon($0.key) > $0.value.least }).keys.sorted() where due.count < IdleWatch.most {
            guard var tenant = tenants.removeValue(forKey: name) else { continue }
            let end = horizon(name)
            let found = tenant.times.filter { $0.value < end }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
                .prefix(IdleWatch.most - due.count).map(\.key)
            for id in found { tenant.times[id] = nil }
            tenant.least = tenant.times.values.min() ?? .maximum
            if !tenant.times.isEmpty { tenants[name] = tenant }
            due += found
        }
        return due
    }
}
