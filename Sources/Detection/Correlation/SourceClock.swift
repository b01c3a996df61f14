import AuditEvents

/// How far each source of each tenant has come: what is late is judged by its own source, since an old file may follow a newer one.
struct SourceClocks: Sendable {
    struct Clock: Sendable, Hashable {
        /// The time of its newest event, never past the moment that event was sealed.
        var watermark: Int64
        /// The sealer's time of its newest event.
        var sealed: Int64
        /// Whether it is among the changed ones already.
        var isChanged = false

        /// Goes on, and says what was before.
        mutating func advance(to time: Int64, sealed: Int64) -> Clock {
            let before = self
            self = Clock(watermark: max(watermark, time), sealed: sealed, isChanged: true)
            return before
        }
    }

    /// A source silent for this long holds no group's state back.
    static let idle: Int64 = 3_600_000_000
    /// Sources that a tenant may have; the one silent longest makes room.
    static let maximum = 4096

    private(set) var tenants: [String: [String: Clock]] = [:]
    /// A source may be named more than once: when it goes and when it comes again.
    private var changed: [Key] = []

    struct Key: Sendable, Hashable {
        var tenant: String
        var source: String
    }

    /// Notes an event and says what the source's watermark was before it; nil for a source not known.
    mutating func advance(_ event: SealedEvent) -> Int64? {
        let header = event.event.header
        let time = min(header.time.microseconds, event.sealedAt.microseconds)
        let sealed = event.sealedAt.microseconds
        let key = Key(tenant: header.tenant, source: header.source)
        if header.type == .auditImport {
            tenants[key.tenant]?[key.source] = nil
            changed.append(key)
            return nil
        }
        if let before = tenants[key.tenant]?[key.source]?.advance(to: time, sealed: sealed) {
            if !before.isChanged { changed.append(key) }
            return before.watermark
        }
        if let sources = tenants[key.tenant], sources.count >= Self.maximum,
            let oldest = sources.min(by: { ($0.value.sealed, $0.key) < ($1.value.sealed, $1.key) })
        {
            tenants[key.tenant]?[oldest.key] = nil
            changed.append(Key(tenant: key.tenant, source: oldest.key))
        }
        tenants[key.tenant, default: [:]][key.source] = Clock(watermark: time, sealed: sealed, isChanged: true)
        changed.append(key)
        return nil
    }

    /// The time before which no event of the tenant is expected that would be judged.
    func horizon(tenant: String, lateness: Int64, now: Int64) -> Int64 {
        var least: Int64?
        for clock in tenants[tenant, default: [:]].values where clock.sealed >= now - Self.idle {
            least = min(least ?? clock.watermark, clock.watermark)
        }
        return (least ?? now) - lateness
    }

    /// The time before which everything can be judged in the order of time: where no source is under way, all there is.
    func settled(tenant: String, lateness: Int64, now: Int64) -> Int64 {
        let isActive = tenants[tenant, default: [:]].values.contains { $0.sealed >= now - Self.idle }
        return isActive ? horizon(tenant: tenant, lateness: lateness, now: now) : .max
    }

    mutating func restore(_ key: Key, _ clock: Clock) { tenants[key.tenant, default: [:]][key.source] = clock }

    /// The sources that changed or went since the last call, each once, in the order of tenant and name.
    mutating func takeChanged() -> [Key] {
        let keys = Set(changed)
        changed = []
        for key in keys { tenants[key.tenant]?[key.source]?.isChanged = false }
        return keys.sorted { ($0.tenant, $0.source) < ($1.tenant, $1.source) }
    }
}
