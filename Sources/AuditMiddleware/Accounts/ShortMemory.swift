/// Remembers values for a while, and never more than a number of them: pure, time is given.
///
/// In two generations: when the younger is full, the older is forgotten as a whole. A flood of keys costs nothing but what was remembered.
struct ShortMemory<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var young: [Key: (value: Value, until: Int64)] = [:]
    private var old: [Key: (value: Value, until: Int64)] = [:]
    private let half: Int

    init(capacity: Int) { half = max(1, capacity / 2) }

    var count: Int { young.count + old.count }

    mutating func value(_ key: Key, at time: Int64) -> Value? {
        if let entry = young[key] {
            if time < entry.until { return entry.value }
            young[key] = nil
        }
        guard let entry = old.removeValue(forKey: key), time < entry.until else { return nil }
        insert(key, entry)
        return entry.value
    }

    mutating func remember(_ key: Key, _ value: Value, until: Int64) {
        old[key] = nil
        insert(key, (value, until))
    }

    mutating func forget(_ key: Key) {
        young[key] = nil
        old[key] = nil
    }

    private mutating func insert(_ key: Key, _ entry: (value: Value, until: Int64)) {
        if young[key] == nil, young.count >= half {
            old = young
            young = [:]
        }
        young[key] = entry
    }
}
