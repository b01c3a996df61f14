/// How often keys were seen of late, roughly and in little room: a count-min sketch of four rows of four-bit counters that are halved now and
/// then (TinyLFU, Einziger and others 2017). It remembers the groups that pressure pushed out, so that one that comes back is worth more than
/// one that was never seen.
struct FrequencySketch: Sendable, Hashable {
    static let pageWords = 512

    /// Sixteen counters a word; the four rows share the table.
    private(set) var words: [UInt64]
    private(set) var additions = 0
    private let mask: UInt64
    private var dirty: Set<Int> = []

    /// - Parameter capacity: how many keys it should tell apart.
    init(capacity: Int) {
        var count = FrequencySketch.pageWords
        while count * 16 < 8 * min(capacity, 1 << 22) { count *= 2 }
        words = Array(repeating: 0, count: count)
        mask = UInt64(count * 16 - 1)
    }

    private func counters(_ key: GroupKey) -> [UInt64] {
        (0..<4 as Range<UInt64>).map { row in
            let mixed = (key.high &+ row &* (key.low | 1)) &* 0x9e37_79b9_7f4a_7c15
            return mixed >> 20 & mask
        }
    }

    private func count(_ counter: UInt64) -> UInt64 { words[Int(counter >> 4)] >> ((counter & 15) << 2) & 15 }

    mutating func add(_ key: GroupKey) {
        for counter in counters(key) where count(counter) < 15 {
            words[Int(counter >> 4)] += 1 << ((counter & 15) << 2)
            dirty.insert(Int(counter >> 4) / Self.pageWords)
        }
        additions += 1
        guard additions >= words.count * 4 else { return }
        additions /= 2
        for place in words.indices { words[place] = words[place] >> 1 & 0x7777_7777_7777_7777 }
        dirty = Set(0..<words.count / Self.pageWords)
    }

    /// At most 15.
    func estimate(_ key: GroupKey) -> Int { Int(counters(key).map(count).min() ?? 0) }

    // MARK: As rows of state

    var isChanged: Bool { !dirty.isEmpty }

    /// The pages that changed since the last call, in order.
    mutating func takePages() -> [(page: Int, words: ArraySlice<UInt64>)] {
        defer { dirty = [] }
        return dirty.sorted().map { ($0, words[$0 * Self.pageWords..<($0 + 1) * Self.pageWords]) }
    }

    /// False where there is no such page.
    mutating func restore(page: Int, words restored: [UInt64], additions: Int) -> Bool {
        guard page >= 0, page < words.count / Self.pageWords, restored.count == Self.pageWords else { return false }
        words.replaceSubrange(page * Self.pageWords..<(page + 1) * Self.pageWords, with: restored)
        self.additions = max(self.additions, additions)
        return true
    }
}
