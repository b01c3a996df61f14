/// Finds the rules that an event can match by texts that they need: of each rule's necessary texts four bytes are looked for in the event's
/// fields, so that the cost grows with the rules that could match and not with those that there are.
struct LiteralIndex: Sendable {
    /// Where a text is sought: a field's slot, or -1 for keywords.
    private struct Table: Sendable {
        let slot: Int
        /// Which values of `hash` some gram has; most of a text's are not among them.
        var sieve = [Bool](repeating: false, count: 1 << 14)
        var grams: [UInt32: [Int32]] = [:]
        /// Rules that need the whole content to be a certain text.
        var wholes: [[UInt8]: [Int32]] = [:]

        static func hash(_ gram: UInt32) -> Int { Int(truncatingIfNeeded: (gram &* 2_654_435_761) >> 18) }
    }

    private struct Literal {
        let slot: Int
        let bytes: [UInt8]
        let isWhole: Bool

        /// How telling it is; shorter ones than four bytes only count as a whole.
        var weight: Int { bytes.count >= 4 ? bytes.count : isWhole && !bytes.isEmpty ? 1 : 0 }
    }

    private var tables: [Table] = []
    /// Whether the rule, by its index, is found by its texts; the others are judged for every event.
    private var isIndexed: [Bool] = []

    init(_ predicates: [Predicate]) {
        isIndexed = Array(repeating: false, count: predicates.count)
        let needs = predicates.map { LiteralIndex.needs($0) }
        // The rarest four bytes of each text are the ones to look for.
        var frequency: [UInt32: Int] = [:]
        for literal in needs.lazy.compactMap(\.self).joined() {
            LiteralIndex.forEachGram(literal.bytes) { frequency[$0, default: 0] += 1 }
        }
        var places: [Int: Int] = [:]
        for (rule, literals) in needs.enumerated() {
            guard let literals else { continue }
            isIndexed[rule] = true
            for literal in literals {
                let place = places[literal.slot] ?? tables.count
                if place == tables.count {
                    places[literal.slot] = place
                    tables.append(Table(slot: literal.slot))
                }
                if literal.isWhole {
                    tables[place].wholes[literal.bytes, default: []].append(Int32(rule))
                } else {
                    var rarest: (gram: UInt32, count: Int)?
                    LiteralIndex.forEachGram(literal.bytes) { gram in
                        let count = frequency[gram] ?? 0
                        if rarest.map({ count < $0.count }) ?? true { rarest = (gram, count) }
                    }
                    guard let gram = rarest?.gram else { continue }
                    tables[place].sieve[Table.hash(gram)] = true
                    if tables[place].grams[gram]?.last != Int32(rule) { tables[place].grams[gram, default: []].append(Int32(rule)) }
                }
            }
        }
    }

    /// Those of `candidates` that the event can match, in their order.
    func select(_ candidates: [Int], in contents: inout EventContents) -> [Int] {
        guard !tables.isEmpty else { return candidates }
        if contents.marks.count != isIndexed.count || contents.mark == .max {
            contents.marks = Array(repeating: 0, count: isIndexed.count)
            contents.mark = 0
        }
        contents.mark += 1
        let mark = contents.mark
        for table in tables {
            for text in table.slot < 0 ? contents.keywordTexts : contents[table.slot] {
                if !table.wholes.isEmpty, let rules = table.wholes[text.lowered] { for rule in rules { contents.marks[Int(rule)] = mark } }
                if table.grams.isEmpty { continue }
                LiteralIndex.forEachGram(text.lowered) { gram in
                    guard table.sieve[Table.hash(gram)], let rules = table.grams[gram] else { return }
                    for rule in rules { contents.marks[Int(rule)] = mark }
                }
            }
        }
        return candidates.filter { !isIndexed[$0] || contents.marks[$0] == mark }
    }

    private static func forEachGram(_ bytes: [UInt8], _ body: (UInt32) -> Void) {
        guard bytes.count >= 4 else { return }
        var gram: UInt32 = 0
        for (offset, byte) in bytes.enumerated() {
            gram = gram << 8 | UInt32(byte)
            if offset >= 3 { body(gram) }
        }
    }

    /// Texts one of which every match holds, the most telling choice of them; nil where there is none.
    private static func needs(_ predicate: Predicate) -> [Literal]? {
        switch predicate {
        case .not, .reference: return nil
        case .field(let slot, let test): return needs(test, slot)
        case .keyword(let test): return needs(test, -1)
        case .all(let parts): return parts.compactMap(needs).max { weight($0) < weight($1) }
        case .any(let parts):
            var joined: [Literal] = []
            for part in parts {
                guard let needed = needs(part) else { return nil }
                joined += needed
            }
            return joined
        }
    }

    private static func needs(_ test: ValueTest, _ slot: Int) -> [Literal]? {
        switch test {
        case .text(let matcher):
            guard let found = matcher.literal else { return nil }
            let literal = Literal(slot: slot, bytes: found.bytes, isWhole: found.isWhole)
            return literal.weight > 0 ? [literal] : nil
        case .oneOf(let set):
            return set.contains([]) ? nil : set.map { Literal(slot: slot, bytes: $0, isWhole: true) }
        case .null, .exists, .regex, .network, .compare, .time: return nil
        }
    }

    /// The least telling of them decides.
    private static func weight(_ literals: [Literal]) -> Int { literals.map(\.weight).min() ?? .max }
}
