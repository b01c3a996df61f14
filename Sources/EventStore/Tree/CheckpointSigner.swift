import AuditEvents
import PostgreSQL
public import TransparencyLog

/// Signs the trees' roots, each size once.
public struct CheckpointSigner: Sendable {
    let store: TreeStore
    /// The deployment's name.
    public let name: String
    let keys: [NoteSigner]

    /// - Parameter keys: each signs, so that whoever knows one of them, old or new, can verify. Their names are not looked at.
    public init(_ store: TreeStore, name: String, keys: [NoteSigner]) { (self.store, self.name, self.keys) = (store, name, keys) }

    /// The signers of a shard's log, named as its origin.
    public func signers(_ shard: Int32) -> [NoteSigner] { keys.compactMap { $0.named(TreeStore.origin(name, shard: shard)) } }

    /// Signs and keeps the checkpoint of a tree whose edge is stored, and returns the one that is kept; nil for an empty tree.
    ///
    /// - Throws: `StoreError` with `.record` where a checkpoint was signed that this tree does not contain: somebody changed it.
    public func sign(_ shard: Int32, _ edge: TileEdge) async throws -> StoredCheckpoint? {
        guard edge.size > 0 else { return nil }
        let size = Int64(edge.size)
        let last = try await StoredCheckpoint.latest(shard, store.pool)
        if let last {
            // A tree behind its own checkpoint comes of a database set back to an earlier day.
            guard last.checkpoint.size <= edge.size else {
                throw StoreError(
                    .record, "shard \(shard) has a signed checkpoint of \(last.checkpoint.size) leaves, but \(edge.size) leaves",
                    hint: "Run `cardea verify log`.")
            }
            if last.checkpoint.size == edge.size, last.checkpoint.root == edge.root { return last }
        }
        let checkpoint = Checkpoint(origin: TreeStore.origin(name, shard: shard), size: edge.size, root: edge.root)
        let note = SignedNote(text: checkpoint.text, signatures: try signers(shard).map { try $0.sign(checkpoint.text) })
        _ = try await store.pool.query(
            """
            select audit.keep_checkpoint(
                \(shard), \(size), \(PostgresBytes(checkpoint.root.bytes)), \(String(decoding: note.bytes, as: UTF8.self)))
            """)
        return try await StoredCheckpoint.latest(shard, atMost: size, store.pool)
    }

    /// That the tree still has the root that was signed last: to be asked before it is extended, once.
    ///
    /// - Throws: `StoreError` with `.record` where it has not.
    public func check(_ shard: Int32) async throws {
        guard let last = try await StoredCheckpoint.latest(shard, store.pool), last.checkpoint.size > 0 else { return }
        let edge = try await store.edge(shard)
        guard last.checkpoint.size <= edge.size, try await store.root(shard, size: last.checkpoint.size) == last.checkpoint.root else {
            throw StoreError(
                .record, "the tree of shard \(shard) is not the one that was signed with \(last.checkpoint.size) leaves",
                hint: "Run `cardea verify log`, which tells what was changed.")
        }
    }
}
