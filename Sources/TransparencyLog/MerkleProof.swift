/// Verifies proofs without the tree (RFC 9162, 2.1.3.2 and 2.1.4.2).
public enum MerkleProof {
    /// A proof is never longer than a tree of 2^64 leaves is deep.
    public static let maximumLength = 64

    /// Whether `leaf` is the `index`-th leaf of the tree of `size` leaves with this root.
    public static func verifiesInclusion(
        of leaf: MerkleHash, at index: UInt64, in size: UInt64, root: MerkleHash, proof: [MerkleHash]
    ) -> Bool {
        rootByInclusion(of: leaf, at: index, in: size, proof: proof) == root
    }

    /// The root that the proof leads to; nil where it has not the length of such a proof.
    public static func rootByInclusion(of leaf: MerkleHash, at index: UInt64, in size: UInt64, proof: [MerkleHash]) -> MerkleHash? {
        guard index < size, proof.count <= maximumLength else { return nil }
        var (node, last) = (index, size - 1)
        var root = leaf
        for hash in proof {
            guard last != 0 else { return nil }
            if node & 1 == 1 || node == last {
                root = .node(hash, root)
                while node & 1 == 0, node != 0 { (node, last) = (node >> 1, last >> 1) }
            } else {
                root = .node(root, hash)
            }
            (node, last) = (node >> 1, last >> 1)
        }
        return last == 0 ? root : nil
    }

    /// Whether the tree of `old` leaves with the root `oldRoot` is the beginning of the tree of `new` leaves with the root `newRoot`.
    public static func verifiesConsistency(
        from old: UInt64, root oldRoot: MerkleHash, to new: UInt64, root newRoot: MerkleHash, proof: [MerkleHash]
    ) -> Bool {
        guard old <= new, proof.count <= maximumLength else { return false }
        if old == new { return proof.isEmpty && oldRoot == newRoot && (old > 0 || oldRoot == .empty) }
        if old == 0 { return proof.isEmpty && oldRoot == .empty }
        // An old tree that is a complete subtree of the new one is known to who asks, and not in the proof.
        var path = proof[...]
        if old.nonzeroBitCount == 1 { path = [oldRoot] + path }
        guard let seed = path.popFirst() else { return false }
        var (node, last) = (old - 1, new - 1)
        while node & 1 == 1 { (node, last) = (node >> 1, last >> 1) }
        var (first, second) = (seed, seed)
        for hash in path {
            guard last != 0 else { return false }
            if node & 1 == 1 || node == last {
                first = .node(hash, first)
                second = .node(hash, second)
                while node & 1 == 0, node != 0 { (node, last) = (node >> 1, last >> 1) }
            } else {
                second = .node(second, hash)
            }
            (node, last) = (node >> 1, last >> 1)
        }
        return last == 0 && first == oldRoot && second == newRoot
    }
}
