/// The members of a JSON object, kept in RFC 8785 order: by the UTF-16 code units of their names, compared code unit by code unit.
///
/// Not a `Dictionary`, for `String` equality folds canonically equivalent names together, and JSON does not.
public struct JSONObject: Sendable, Hashable {
    public struct Member: Sendable, Hashable {
        public var key: String
        public var value: JSONValue
    }

    /// The members in canonical order, each name once.
    public private(set) var members: [Member]

    public init() { members = [] }

    /// The object of these members; of two with one name the later wins.
    public init(_ elements: some Sequence<(String, JSONValue)>) {
        members = elements.map { Member(key: $0.0, value: $0.1) }
        guard !JSONObject.isCanonical(members) else { return }
        members.sort { JSONObject.compare($0.key, $1.key) < 0 }  // stable: of equal names the later stays behind
        var kept: [Member] = []
        for member in members {
            if let last = kept.last, JSONObject.compare(last.key, member.key) == 0 { kept.removeLast() }
            kept.append(member)
        }
        members = kept
    }

    /// The object of these members; nil, with the place of the later one, where two have one name.
    ///
    /// Sorting once is what keeps an object of very many names, in whatever order, from costing the square of their number.
    static func distinct(_ members: [Member]) -> (object: JSONObject, duplicate: Int?) {
        var object = JSONObject()
        object.members = members
        if isCanonical(members) { return (object, nil) }
        let order = members.indices.sorted { compare(members[$0].key, members[$1].key) < 0 }
        for (a, b) in zip(order, order.dropFirst()) where compare(members[a].key, members[b].key) == 0 { return (object, b) }
        object.members = order.map { members[$0] }
        return (object, nil)
    }

    private static func isCanonical(_ members: [Member]) -> Bool {
        var i = 1
        while i < members.count {
            guard compare(members[i - 1].key, members[i].key) < 0 else { return false }
            i += 1
        }
        return true
    }

    /// An object with room for `capacity` members.
    init(capacity: Int) {
        members = []
        members.reserveCapacity(capacity)
    }

    public var isEmpty: Bool { members.isEmpty }
    public var count: Int { members.count }

    /// The value under `key`, or nil; assigning nil removes it.
    public subscript(key: String) -> JSONValue? {
        get {
            let (index, found) = position(of: key)
            return found ? members[index].value : nil
        }
        set {
            let (index, found) = position(of: key)
            switch (newValue, found) {
            case (let value?, true): members[index].value = value
            case (let value?, false) where index == members.count: members.append(Member(key: key, value: value))
            case (let value?, false): members.insert(Member(key: key, value: value), at: index)
            case (nil, true): members.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// Gives members that `value` answers for another value, in place.
    mutating func update(_ value: (Member) -> JSONValue?) {
        for index in members.indices {
            if let new = value(members[index]) { members[index].value = new }
        }
    }

    private func position(of key: String) -> (Int, Bool) {
        // Most objects are made in order.
        guard let last = members.last else { return (0, false) }
        let end = JSONObject.compare(last.key, key)
        if end <= 0 { return end < 0 ? (members.count, false) : (members.count - 1, true) }
        var (low, high) = (0, members.count - 1)
        while low < high {
            let middle = (low + high) / 2
            switch JSONObject.compare(members[middle].key, key) {
            case 0: return (middle, true)
            case ..<0: low = middle + 1
            default: high = middle
            }
        }
        return (low, false)
    }

    /// Orders two names by their UTF-16 code units, from their UTF-8: only supplementary characters (surrogates, 0xF0…) against U+E000…U+FFFF
    /// (0xEE, 0xEF) sort otherwise than the bytes do.
    static func compare(_ a: String, _ b: String) -> Int {
        var (a, b) = (a, b)
        return a.withUTF8 { a in
            b.withUTF8 { b in
                let common = Swift.min(a.count, b.count)
                var i = 0
                while i < common, a[i] == b[i] { i += 1 }
                guard i < common else { return a.count == b.count ? 0 : a.count < b.count ? -1 : 1 }
                let (x, y) = (a[i], b[i])
                if x >= 0xee, y >= 0xee, (x >= 0xf0) != (y >= 0xf0) { return x >= 0xf0 ? -1 : 1 }
                return x < y ? -1 : 1
            }
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral, Sequence {
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
    public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}
