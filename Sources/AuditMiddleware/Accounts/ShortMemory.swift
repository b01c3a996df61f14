/// Remembers values for a while, and never more than a number of them: `RecentEntries` with an end for each. Pure, time is given.
struct ShortMemory<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var entries: RecentEntries<Key, (value: Value, until: Int64)>

    init(capacity: Int) { entries = RecentEntries(capacity: max(2, capacity)) }

    var count: Int { entries.count }

    mutating func value(_ key: Key, at time: Int64) -> Value? {
        guard let entry = entries.value(key) else { return nil }
        if time < entry.until { return entry.value }
        entries.remove(key)
        return nil
    }

    mutating func remember(_ key: Key, _ value: Value, until: Int64) { entries.insert((value, until), for: key) }

    mutating func forget(_ key: Key) { entries.remove(key) }
}
