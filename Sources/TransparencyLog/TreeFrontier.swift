/// The right edge of a tree: enough to append leaves and to know its root.
public struct TreeFrontier: Sendable, Hashable {
    public private(set) var size: UInt64
    /// The hashes of the complete subtrees that the tree is made of, the largest first: one for each bit of `size`.
    public private(set) var hashes: [MerkleHash]

    public init() { (size, hashes) = (0, []) }

    /// Nil where there are not as many hashes as `size` has bits.
    public init?(size: UInt64, hashes: [MerkleHash]) {
        guard hashes.count == size.nonzeroBitCount else { return nil }
        (self.size, self.hashes) = (size, hashes)
    }

    /// The nodes whose hashes make the frontier of a tree of `size` leaves.
    public static func nodes(size: UInt64) -> [TreeNode] { size == 0 ? [] : Subtree(first: 0, end: size).nodes }

    /// Appends a leaf by its hash.
    ///
    /// - Returns: the subtrees that it completed, itself first.
    @discardableResult
    public mutating func append(_ leaf: MerkleHash) -> [(node: TreeNode, hash: MerkleHash)] {
        var (hash, index, level) = (leaf, size, 0)
        var completed = [(TreeNode(level: 0, index: index), leaf)]
        while index & 1 == 1, let left = hashes.popLast() {
            hash = .node(left, hash)
            index >>= 1
            level += 1
            completed.append((TreeNode(level: level, index: index), hash))
        }
        hashes.append(hash)
        size += 1
        return completed
    }

    public var root: MerkleHash {
        guard var root = hashes.last else { return .empty }
        for left in hashes.dropLast().reversed() { root = .node(left, root) }
        return root
    }
}
