/// Which keys were seen of late, roughly and in little room: a ring of Bloom filters, each of which takes a share of the budget of groups and is
/// then only asked. So a key that comes back after its group had to go is known, as long as the ring is not full of others; one counter in a
/// table that is halved now and then forgets whoever comes less often than it is halved.
struct SeenKeys: Sendable, Hashable {
    static let pageWords = 512
    /// Filters in the ring.
    static let generations = 96
    /// With four bits set a key, one key of 1,800 seems to be in a filter and is not.
    private static let bitsPerKey = 24

    /// Filter by filter, as many as were begun.
    private(set) var words: [UInt64] = []
    /// How many keys were new to the filter of their time.
    private(set) var additions = 0
    /// Keys that a filter takes: fewer than come between two of a key whose group went in between, however small the share of a rule is.
    private let keys: Int
    private let wordsEach: Int
    private var dirty: Set<Int> = []

    /// - Parameter capacity: how many groups there may be.
    init(capacity: Int) {
        keys = max(8, min(capacity, 1 << 20) / 8)
        wordsEach = (keys * SeenKeys.bitsPerKey / 64 / SeenKeys.pageWords + 1) * SeenKeys.pageWords
    }

    private func bits(_ key: GroupKey) -> (UInt64, UInt64, UInt64, UInt64) {
        func bit(_ row: UInt64) -> UInt64 {
            let mixed = (key.high &+ row &* (key.low | 1)) &* 0x9e37_79b9_7f4a_7c15
            return (mixed ^ mixed >> 32).multipliedFullWidth(by: UInt64(wordsEach * 64)).high
        }
        return (bit(0), bit(1), bit(2), bit(3))
    }

    private func isSet(_ bit: UInt64, _ base: Int) -> Bool { words[base + Int(bit >> 6)] >> (bit & 63) & 1 != 0 }

    private func contains(_ bits: (UInt64, UInt64, UInt64, UInt64), _ base: Int) -> Bool {
        isSet(bits.0, base) && isSet(bits.1, base) && isSet(bits.2, base) && isSet(bits.3, base)
    }

    mutating func add(_ key: GroupKey) {
        let base = additions / keys % SeenKeys.generations * wordsEach
        if words.count < base + wordsEach { begin(base) }
        let bits = bits(key)
        guard !contains(bits, base) else { return }
        for bit in [bits.0, bits.1, bits.2, bits.3] {
            words[base + Int(bit >> 6)] |= 1 << (bit & 63)
            dirty.insert((base + Int(bit >> 6)) / SeenKeys.pageWords)
        }
        additions += 1
        if additions % keys == 0 { begin(additions / keys % SeenKeys.generations * wordsEach) }
    }

    /// Empties the filter that takes the next keys.
    private mutating func begin(_ base: Int) {
        if words.count < base + wordsEach {
            words += Array(repeating: 0, count: base + wordsEach - words.count)
        } else {
            for place in base..<base + wordsEach { words[place] = 0 }
        }
        for page in base / SeenKeys.pageWords..<(base + wordsEach) / SeenKeys.pageWords { dirty.insert(page) }
    }

    /// In how many filters the key seems to be, at most 15.
    func times(_ key: GroupKey) -> Int {
        let bits = bits(key)
        var times = 0
        for base in stride(from: 0, to: words.count, by: wordsEach) where contains(bits, base) {
            times += 1
            if times == 15 { break }
        }
        return times
    }

    // MARK: As rows of state

    /// The pages that changed since the last call, in order.
    mutating func takePages() -> [(page: Int, words: ArraySlice<UInt64>)] {
        defer { dirty = [] }
        return dirty.sorted().map { ($0, words[$0 * Self.pageWords..<($0 + 1) * Self.pageWords]) }
    }

    /// False where there is no such page.
    mutating func restore(page: Int, words restored: [UInt64], additions: Int) -> Bool {
        guard page >= 0, page < SeenKeys.generations * wordsEach / Self.pageWords, restored.count == Self.pageWords else { return false }
        let needed = (page * Self.pageWords / wordsEach + 1) * wordsEach
        if words.count < needed { words += Array(repeating: 0, count: needed - words.count) }
        words.replaceSubrange(page * Self.pageWords..<(page + 1) * Self.pageWords, with: restored)
        self.additions = max(self.additions, additions)
        return true
    }
}
