/// A complete subtree: the `index`-th of those with `2^level` leaves.
public struct TreeNode: Sendable, Hashable {
    public var level: Int
    public var index: UInt64
    public init(level: Int, index: UInt64) { (self.level, self.index) = (level, index) }
}

/// The leaves from `first` to `end`, `end` not included, where a proof speaks of them as one: a subtree of the tree, complete or at its right edge.
public struct Subtree: Sendable, Hashable {
    public let first: UInt64
    public let end: UInt64

    /// - Precondition: `first` is a multiple of the largest power of two that is not above `end - first`, as it is in every proof.
    public init(first: UInt64, end: UInt64) { (self.first, self.end) = (first, end) }

    /// The complete subtrees that it is made of, the largest first: what has to be known to hash it.
    public var nodes: [TreeNode] {
        var nodes: [TreeNode] = []
        var place = first
        while place < end {
            let level = 63 - (end - place).leadingZeroBitCount
            nodes.append(TreeNode(level: level, index: place >> UInt64(level)))
            place += 1 << UInt64(level)
        }
        return nodes
    }

    /// Its hash; nil where a node is missing.
    public func hash(_ known: (TreeNode) -> MerkleHash?) -> MerkleHash? {
        var hash: MerkleHash?
        for node in nodes.reversed() {
            guard let left = known(node) else { return nil }
            hash = hash.map { MerkleHash.node(left, $0) } ?? left
        }
        return hash
    }
}

/// What proofs are made of (RFC 9162, 2.1.3.1 and 2.1.4.1): the subtrees whose hashes they hold, in order. Pure: whoever stores the nodes reads all
/// of them at once.
public enum ProofPlan {
    /// The proof that leaf `index` is in the tree of `size` leaves; nil where it is not.
    public static func inclusion(of index: UInt64, in size: UInt64) -> [Subtree]? {
        guard index < size else { return nil }
        var (first, end) = (UInt64(0), size)
        var path: [Subtree] = []
        while end - first > 1 {
            let middle = first + split(end - first)
            if index < middle {
                path.append(Subtree(first: middle, end: end))
                end = middle
            } else {
                path.append(Subtree(first: first, end: middle))
                first = middle
            }
        }
        return path.reversed()
    }

    /// The proof that the tree of `old` leaves is the beginning of that of `new`; nil where it cannot be.
    public static func consistency(from old: UInt64, to new: UInt64) -> [Subtree]? {
        guard old > 0, old <= new else { return old == 0 ? [] : nil }
        var (first, end) = (UInt64(0), new)
        var path: [Subtree] = []
        // Whether the old tree is what is left, so that its root is known to who asks.
        var isWhole = true
        while old != end {
            let middle = first + split(end - first)
            if old <= middle {
                path.append(Subtree(first: middle, end: end))
                end = middle
            } else {
                path.append(Subtree(first: first, end: middle))
                first = middle
                isWhole = false
            }
        }
        if !isWhole { path.append(Subtree(first: first, end: end)) }
        return path.reversed()
    }

    /// The largest power of two below `count`, which is 2 or more.
    static func split(_ count: UInt64) -> UInt64 { 1 << UInt64(63 - (count - 1).leadingZeroBitCount) }
}
