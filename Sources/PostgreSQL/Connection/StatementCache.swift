/// The prepared statements of one connection: at most `capacity`, the least recently used ones leave first.
struct StatementCache {
    struct Key: Hashable {
        var text: String
        var types: [UInt32]

        init(_ sql: SQL) {
            text = sql.text
            types = sql.binds.values.map(\.oid)
        }
    }

    private struct Entry {
        var name: String
        var lastUse: UInt64
    }

    let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var clock: UInt64 = 0
    private var made: UInt64 = 0
    /// Names that left the cache and still exist at the server.
    private(set) var leaving: [String] = []

    init(capacity: Int = 256) {
        self.capacity = capacity
    }

    var count: Int { entries.count }

    mutating func name(for key: Key) -> String? {
        clock += 1
        guard let index = entries.index(forKey: key) else { return nil }
        entries.values[index].lastUse = clock
        return entries.values[index].name
    }

    /// A name that was never used before on this connection.
    mutating func freshName() -> String {
        made += 1
        return "s\(made)"
    }

    /// Keeps a statement that the server has prepared. When the cache is full an eighth of it leaves at once, so that the
    /// search for the oldest and the message to the server are paid seldom.
    mutating func insert(_ key: Key, name: String) {
        if entries.count >= capacity {
            let oldest = entries.sorted { $0.value.lastUse < $1.value.lastUse }.prefix(max(1, capacity / 8))
            for (key, entry) in oldest {
                entries.removeValue(forKey: key)
                leaving.append(entry.name)
            }
        }
        clock += 1
        entries[key] = Entry(name: name, lastUse: clock)
    }

    mutating func remove(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { leaving.append(entry.name) }
    }

    /// All names of the server are gone (`DISCARD ALL`, another backend behind a proxy).
    mutating func takeLeaving() -> [String] {
        defer { leaving = [] }
        return leaving
    }
}
