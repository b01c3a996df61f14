/// A piece of a tree, or of its entries, as it is stored and served (C2SP tlog-tiles): 256 hashes of one level, the last piece fewer.
public struct Tile: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// Hashes of subtrees of `256^level` leaves.
        case hashes(level: Int)
        case entries
    }

    public static let width = 256
    /// A tree of 2^63 leaves has no higher one.
    public static let maximumLevel = 7

    public var kind: Kind
    public var index: UInt64
    /// How many of the 256 there are: 1 to 256.
    public var count: Int

    public init(_ kind: Kind, _ index: UInt64, count: Int = Tile.width) { (self.kind, self.index, self.count) = (kind, index, count) }

    /// Where it lies: `tile/0/x001/x234/067.p/5`.
    public var path: String {
        let level = if case .hashes(let level) = kind { "\(level)" } else { "entries" }
        var groups = [Tile.group(index % 1000)]
        var rest = index / 1000
        while rest > 0 {
            groups.append("x" + Tile.group(rest % 1000))
            rest /= 1000
        }
        return "tile/\(level)/" + groups.reversed().joined(separator: "/") + (count < Tile.width ? ".p/\(count)" : "")
    }

    private static func group(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }

    /// Reads a path; nil for one that no tile has.
    public init?(path: some StringProtocol) {
        let parts = String(path).split(separator: "/" as Character, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3, parts[0] == "tile", parts.count <= 12 else { return nil }
        if parts[1] == "entries" {
            kind = .entries
        } else {
            guard let level = Int(parts[1]), (0...Tile.maximumLevel).contains(level), String(level) == parts[1] else { return nil }
            kind = .hashes(level: level)
        }
        var groups = Array(parts[2...])
        count = Tile.width
        if groups.count >= 2, groups[groups.count - 2].hasSuffix(".p") {
            guard let number = Int(groups.removeLast()), (1..<Tile.width).contains(number) else { return nil }
            count = number
            groups[groups.count - 1].removeLast(2)
        }
        var index: UInt64 = 0
        for (place, group) in groups.enumerated() {
            let isLast = place == groups.count - 1
            let digits = isLast ? Substring(group) : group.dropFirst()
            guard isLast || group.hasPrefix("x"), digits.utf8.count == 3, digits.utf8.allSatisfy({ (48...57).contains($0) }),
                let number = UInt64(digits)
            else { return nil }
            let (product, overflows) = index.multipliedReportingOverflow(by: 1000)
            guard !overflows, product <= .max - number else { return nil }
            index = product + number
        }
        self.index = index
        // One tile has one path.
        guard path.utf8.elementsEqual(self.path.utf8) else { return nil }
    }

    /// The nodes whose hashes it holds, in order; none for entries.
    public var nodes: [TreeNode] {
        guard case .hashes(let level) = kind else { return [] }
        return (0..<UInt64(count)).map { TreeNode(level: 8 * level, index: index * UInt64(Tile.width) + $0) }
    }

    /// The tiles that a tree of `new` leaves has and the tree of `old` leaves had not.
    public static func new(from old: UInt64, to new: UInt64) -> [Tile] {
        func tiles(_ kind: Kind, _ old: UInt64, _ new: UInt64) -> [Tile] {
            guard old < new else { return [] }
            let width = UInt64(Tile.width)
            let full = (old / width..<new / width).map { Tile(kind, $0) }
            return new % width == 0 ? full : full + [Tile(kind, new / width, count: Int(new % width))]
        }
        return (0...maximumLevel).flatMap { tiles(.hashes(level: $0), old >> UInt64(8 * $0), new >> UInt64(8 * $0)) }
            + tiles(.entries, old, new)
    }

    // MARK: What is in it

    /// The hashes, one after the other.
    public static func encode(_ hashes: [MerkleHash]) -> [UInt8] {
        var bytes: [UInt8] = []
        for hash in hashes { hash.append(to: &bytes) }
        return bytes
    }

    /// Nil where it does not hold `count` hashes.
    public func hashes(_ bytes: [UInt8]) -> [MerkleHash]? {
        guard bytes.count == 32 * count else { return nil }
        return stride(from: 0, to: bytes.count, by: 32).compactMap { MerkleHash(bytes[$0..<$0 + 32]) }
    }

    /// An entry is at most so long.
    public static let maximumEntry = 65_535

    /// The entries, each after its length in two bytes; nil where one is too long.
    public static func encode(entries: [[UInt8]]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for entry in entries {
            guard entry.count <= maximumEntry else { return nil }
            bytes += [UInt8(entry.count >> 8), UInt8(entry.count & 255)]
            bytes += entry
        }
        return bytes
    }

    /// Nil where it does not hold exactly `count` entries.
    public func entries(_ bytes: [UInt8]) -> [[UInt8]]? {
        var entries: [[UInt8]] = []
        var place = 0
        while place < bytes.count {
            guard place + 2 <= bytes.count else { return nil }
            let length = Int(bytes[place]) << 8 | Int(bytes[place + 1])
            guard place + 2 + length <= bytes.count else { return nil }
            entries.append(Array(bytes[place + 2..<place + 2 + length]))
            place += 2 + length
        }
        return entries.count == count ? entries : nil
    }
}
