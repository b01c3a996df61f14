import AuditEvents

/// An event that a correlation counts: what of it has to be remembered.
struct Hit: Sendable, Hashable {
    var id: EventID
    var shard: Int32
    var index: Int64
    /// The digest of the counted value, the bits of the number that is summed, or a packed place; 0 where events are counted.
    var value: UInt64
    /// The digest of a second counted value.
    var extra: UInt64 = 0
    /// Which of the correlation's rules matched, by their place in its list.
    var rules: UInt64 = 1

    /// Microseconds since 1970. Ids sort by time, so hits are sorted by id.
    var time: Int64 { id.time.microseconds }
    var number: Double { Double(bitPattern: value) }
    var alertEvent: AlertEvent { AlertEvent(id: id, shard: shard, index: index) }

    subscript(_ place: WindowCondition.Place) -> UInt64 { place == .value ? value : extra }
}
