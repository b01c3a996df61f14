import AuditEvents
import TransparencyLog

/// One shard's lines on their way to its root. Pure.
struct ShardCheck {
    let shard: ExportManifest.Shard
    private var frontier: TreeFrontier
    private var sealedAt: Timestamp
    /// The leaf before those that are shown.
    private(set) var boundary: EventLeaf?
    /// The roots at the sizes of checkpoints that the verifier holds.
    private(set) var roots: [UInt64: MerkleHash] = [:]

    /// - Throws: `PackageFinding`.
    init(_ shard: ExportManifest.Shard, _ package: PackageReader, since: Timestamp?) throws {
        self.shard = shard
        let place = "proof/\(shard.shard)/range.json"
        let range = try RangeProof(try package.whole(place), place)
        guard range.first == shard.first, range.size == shard.size else {
            throw PackageFinding(.tampered, place, "it is not the range that the manifest names")
        }
        frontier = try range.frontier(place)
        sealedAt = .minimum
        if let boundary = range.boundary {
            guard let object = try? JSONValue(parsing: boundary.utf8).object, let leaf = EventLeaf(json: object) else {
                throw PackageFinding(.tampered, place, "its boundary is no leaf")
            }
            guard let since, leaf.sealedAt < since.advanced(bySeconds: -ExportRequest.lead) else {
                throw PackageFinding(.tampered, place, "its boundary was sealed within the period: leaves before it are left out")
            }
            sealedAt = leaf.sealedAt
            self.boundary = leaf
        }
    }

    /// - Parameter held: checkpoints whose roots are wanted.
    mutating func take(_ line: PackageLine, _ place: String, _ held: Set<Checkpoint>) throws {
        guard line.index == Int64(frontier.size) else {
            throw PackageFinding(.tampered, place, "it has index \(line.index), where \(frontier.size) belongs")
        }
        guard frontier.size < shard.size else { throw PackageFinding(.tampered, place, "it lies beyond the checkpoint") }
        if case .event(let leaf, _, _) = line.content {
            guard leaf.sealedAt >= sealedAt else { throw PackageFinding(.tampered, place, "it was sealed before the line ahead of it") }
            sealedAt = leaf.sealedAt
        }
        frontier.append(line.leafHash)
        if held.contains(where: { $0.size == frontier.size && $0.origin.utf8.elementsEqual(shard.origin.utf8) }) {
            roots[frontier.size] = frontier.root
        }
    }

    /// That the lines lead to the checkpoint's root.
    func finish() throws {
        guard frontier.size == shard.size else {
            throw PackageFinding(.incomplete, "events.jsonl", "of \(shard.origin) it has leaves up to \(frontier.size) of \(shard.size)")
        }
        guard frontier.root == shard.root else {
            throw PackageFinding(
                .tampered, "events.jsonl",
                "its leaves of \(shard.origin) are not those of the checkpoint: one was changed, moved, added or left out")
        }
    }
}
