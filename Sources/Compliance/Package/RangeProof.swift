import AuditEvents
import TransparencyLog

/// How the leaves of a package hang in a shard's tree: the hashes of the complete subtrees before them, and the last leaf before them, whose time of
/// sealing shows that none of the period is left out.
struct RangeProof: Sendable, Hashable {
    /// The first index that the package shows.
    var first: UInt64
    var size: UInt64
    /// The complete subtrees of the leaves before the boundary, the largest first.
    var left: [MerkleHash]
    /// The data of the leaf before `first`; nil for a package from the beginning.
    var boundary: String?

    var json: JSONObject {
        [
            "first": .int(Int64(first)), "size": .int(Int64(size)), "left": .array(left.map { .string($0.description) }),
            "boundary": boundary.map(JSONValue.string) ?? .null,
        ]
    }

    init(first: UInt64, size: UInt64, left: [MerkleHash], boundary: String?) {
        (self.first, self.size, self.left, self.boundary) = (first, size, left, boundary)
    }

    /// - Throws: `PackageFinding` with `.tampered`.
    init(_ bytes: [UInt8], _ place: String) throws(PackageFinding) {
        guard let object = try? JSONValue(parsing: bytes, maximumDepth: 4).object,
            let first = object["first"]?.int.flatMap(UInt64.init(exactly:)), let size = object["size"]?.int.flatMap(UInt64.init(exactly:)),
            let texts = object["left"]?.array, (object["boundary"]?.string == nil) == (first == 0)
        else { throw PackageFinding(.tampered, place, "it is no range proof") }
        let left = texts.compactMap { $0.string.flatMap { MerkleHash(base64: $0) } }
        guard left.count == texts.count else { throw PackageFinding(.tampered, place, "one of its hashes is none") }
        self.init(first: first, size: size, left: left, boundary: object["boundary"]?.string)
    }

    /// The tree up to the first leaf that the package shows.
    ///
    /// - Throws: `PackageFinding` with `.tampered` where the hashes are not as many as they must be.
    func frontier(_ place: String) throws(PackageFinding) -> TreeFrontier {
        guard let boundary else { return TreeFrontier() }
        guard var frontier = TreeFrontier(size: first - 1, hashes: left) else {
            throw PackageFinding(.tampered, place, "it has \(left.count) hashes, which cannot be those of \(first - 1) leaves")
        }
        frontier.append(.leaf(boundary.utf8))
        return frontier
    }
}
