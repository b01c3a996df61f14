public import AuditEvents

extension DetectionEngine {
    /// The event time that all sources of a tenant have come to which sent something within the last hour; the sealer's where none has.
    public func eventTime(of tenant: String) -> Timestamp {
        Timestamp(microseconds: clocks.horizon(tenant: tenant, lateness: 0, now: now))
    }
}
