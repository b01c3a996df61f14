/// The right edge of a tree as tiles: the hashes of every level's last, not yet full tile. Enough to append leaves, to cut full tiles off, and to
/// know the root.
public struct TileEdge: Sendable, Hashable {
    public private(set) var size: UInt64
    /// By tile level, at most 255 hashes each; no level above the highest that has any.
    public private(set) var levels: [[MerkleHash]]

    public init() { (size, levels) = (0, []) }

    /// The edge of a tree of `size` leaves from the levels' hashes one after the other, 32 bytes each; nil where they are not as many as such a
    /// tree has.
    public init?(size: UInt64, bytes: [UInt8]) {
        self.size = size
        levels = []
        var place = 0
        for level in 0...Tile.maximumLevel where size >> UInt64(8 * level) > 0 {
            let count = Int(size >> UInt64(8 * level)) & (Tile.width - 1)
            guard place + 32 * count <= bytes.count,
                let hashes = Tile(.hashes(level: level), 0, count: count).hashes(Array(bytes[place..<place + 32 * count]))
            else { return nil }
            levels.append(hashes)
            place += 32 * count
        }
        guard place == bytes.count else { return nil }
    }

    /// The levels' hashes one after the other, the lowest level first.
    public var bytes: [UInt8] { levels.flatMap(Tile.encode) }

    /// A tile that is full, and its 256 hashes.
    public struct Full: Sendable, Hashable {
        public var tile: Tile
        public var hashes: [MerkleHash]
    }

    /// Appends a leaf by its hash; gives the tiles that it filled to `full`, the lowest level first.
    public mutating func append(_ leaf: MerkleHash, full: (Full) -> Void) {
        size += 1
        var hash = leaf
        for level in 0...Tile.maximumLevel {
            if levels.count == level { levels.append([]) }
            levels[level].append(hash)
            guard levels[level].count == Tile.width else { return }
            let index = size >> UInt64(8 * (level + 1)) - 1
            full(Full(tile: Tile(.hashes(level: level), index), hashes: levels[level]))
            hash = MerkleHash.root(complete: levels[level][...])
            levels[level].removeAll(keepingCapacity: true)
        }
    }

    /// The hash of a subtree that lies within the edge; nil for one that does not.
    public func hash(of node: TreeNode) -> MerkleHash? {
        let (level, height) = (node.level / 8, UInt64(node.level % 8))
        guard level < levels.count else { return nil }
        let first = (size >> UInt64(8 * level)) / UInt64(Tile.width) * UInt64(Tile.width)
        let (start, end) = (node.index << height, (node.index + 1) << height)
        guard start >= first, end <= first + UInt64(levels[level].count) else { return nil }
        return MerkleHash.root(complete: levels[level][Int(start - first)..<Int(end - first)])
    }

    /// The hash of the whole tree.
    public var root: MerkleHash {
        guard size > 0 else { return .empty }
        // Every subtree that the tree is made of lies in the tile of its level that is not full.
        return Subtree(first: 0, end: size).hash { self.hash(of: $0) } ?? .empty
    }
}

extension MerkleHash {
    /// The root of a complete subtree from its leaves or nodes, a power of two of them.
    public static func root(complete hashes: ArraySlice<MerkleHash>) -> MerkleHash {
        var row = Array(hashes)
        while row.count > 1 {
            for place in 0..<row.count / 2 { row[place] = .node(row[2 * place], row[2 * place + 1]) }
            row.removeLast(row.count / 2)
        }
        return row[0]
    }
}
