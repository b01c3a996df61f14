import AuditEvents
import EventStore
import PostgreSQL
import TransparencyLog

/// The checkpoints that one shard's tree must agree with, by size: those that the database keeps, page by page, and those that others hold.
struct Checkpoints {
    struct Expected {
        var size: UInt64
        var root: MerkleHash
        /// What a finding calls it.
        var from: String
        /// Whether the database does not keep it, but somebody else.
        var isHeld = false
    }

    let shard: Int32
    let origin: String
    let keys: [NoteVerifier]
    let held: [LogVerifier.Held]
    private(set) var compared = 0
    private(set) var signed = 0
    /// The newest that the database keeps, and whether a known key signed it.
    private(set) var newest: (size: UInt64, isSigned: Bool)?
    /// The size of the newest that agreed.
    private var agreed: UInt64 = 0

    init(shard: Int32, origin: String, keys: [NoteVerifier], held: [LogVerifier.Held]) {
        (self.shard, self.origin, self.keys, self.held) = (shard, origin, keys, held)
    }

    private static let page: Int64 = 1000

    /// The next ones with more than `size` leaves, the smallest first.
    mutating func next(after size: UInt64, _ pool: PostgresPool, _ found: (RecordFinding) -> Void) async throws -> [Expected] {
        let rows = try await pool.query(
            """
            select size, root, note from audit.signed_checkpoint where shard = \(shard) and size > \(Int64(size)) order by size
            limit \(Checkpoints.page)
            """)
        var expected: [Expected] = []
        for row in rows {
            let size = UInt64(try row.decode("size", as: Int64.self))
            let from = "the checkpoint that was signed with \(size) leaves"
            guard let root = MerkleHash(try row.decode("root", as: PostgresBytes.self).bytes),
                let note = try? SignedNote(row.decode("note", as: String.self).utf8),
                let checkpoint = try? Checkpoint(note.text), checkpoint.size == size, checkpoint.root == root,
                checkpoint.origin.utf8.elementsEqual(origin.utf8)
            else {
                found(RecordFinding(.checkpointChanged, shard: shard, "\(from) is not what its row says"))
                continue
            }
            newest = (size, false)
            if !keys.isEmpty {
                do {
                    _ = try note.verified(by: keys)
                    signed += 1
                    newest = (size, true)
                } catch let error as NoteError where error.code == .wrongSignature {
                    found(RecordFinding(.checkpointChanged, shard: shard, "\(from): \(error.message)"))
                } catch {}
            }
            expected.append(Expected(size: size, root: root, from: from))
        }
        // A page has what others hold up to its last size; the last page all of it.
        let isLast = rows.count < Int(Checkpoints.page)
        let end = isLast ? UInt64.max : expected.last?.size ?? size
        expected += held.filter { $0.origin.utf8.elementsEqual(origin.utf8) && $0.checkpoint.size > size && $0.checkpoint.size <= end }
            .map { Expected(size: $0.checkpoint.size, root: $0.checkpoint.root, from: $0.from, isHeld: true) }
        return expected.sorted { $0.size < $1.size }
    }

    mutating func compare(_ expected: Expected, _ root: MerkleHash, _ found: (RecordFinding) -> Void) {
        if !expected.isHeld { compared += 1 }
        if expected.root == root {
            agreed = expected.size
        } else {
            found(
                RecordFinding(
                    .rootChanged, shard: shard, index: Int64(agreed),
                    "the tree has another root than \(expected.from): something from index \(agreed) to \(expected.size - 1) was changed together with its hashes"
                ))
        }
    }
}
