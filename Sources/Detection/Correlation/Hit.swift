import AuditEvents

/// An event that a correlation counts: what of it has to be remembered.
struct Hit: Sendable, Hashable {
    var id: EventID
    var shard: Int32
    var index: Int64
    /// The digest of the counted value; 0 where events are counted.
    var value: UInt64

    /// Microseconds since 1970. Ids sort by time, so hits are sorted by id.
    var time: Int64 { id.time.microseconds }
    var alertEvent: AlertEvent { AlertEvent(id: id, shard: shard, index: index) }
}
