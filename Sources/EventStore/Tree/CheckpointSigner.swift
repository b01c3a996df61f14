import AuditEvents
import PostgreSQL
public import TransparencyLog

/// Signs the trees' roots, each size once.
public struct CheckpointSigner: Sendable {
    let store: TreeStore
    /// The deployment's name.
    public let name: String
    let keys: [NoteSigner]
    let kept: KeptCheckpoints?

    /// - Parameters:
    ///   - keys: each signs, so that whoever knows one of them, old or new, can verify. Their names are not looked at.
    ///   - kept: what was signed here.
    public init(_ store: TreeStore, name: String, keys: [NoteSigner], kept: KeptCheckpoints? = nil) {
        (self.store, self.name, self.keys, self.kept) = (store, name, keys, kept)
    }

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
            if last.checkpoint.size == edge.size, last.checkpoint.root == edge.root {
                try kept?.keep(last)
                return last
            }
        }
        let checkpoint = Checkpoint(origin: TreeStore.origin(name, shard: shard), size: edge.size, root: edge.root)
        let note = SignedNote(text: checkpoint.text, signatures: try signers(shard).map { try $0.sign(checkpoint.text) })
        _ = try await store.pool.query(
            """
            select audit.keep_checkpoint(
                \(shard), \(size), \(PostgresBytes(checkpoint.root.bytes)), \(String(decoding: note.bytes, as: UTF8.self)))
            """)
        let stored = try await StoredCheckpoint.latest(shard, atMost: size, store.pool)
        if let stored { try kept?.keep(stored) }
        return stored
    }

    /// That the tree still has the roots that were signed last, by whoever and here: to be asked before it is extended, once.
    ///
    /// - Throws: `StoreError` with `.record` where it has not.
    public func check(_ shard: Int32) async throws {
        let origin = TreeStore.origin(name, shard: shard)
        let edge = try await store.edge(shard)
        let stored = try await StoredCheckpoint.latest(shard, store.pool)?.checkpoint
        for (last, place) in [(stored, "the database"), (try kept?.newest(origin), kept?.path(origin) ?? "")] {
            guard let last, last.size > 0 else { continue }
            guard last.size <= edge.size, try await store.root(shard, size: last.size) == last.root else {
                throw StoreError(
                    .record, "the tree of shard \(shard) is not the one that was signed with \(last.size) leaves, as \(place) has it",
                    hint:
                        "Run `cardea verify log`, which tells what was changed. After restoring an older backup on purpose, begin a log of a new name."
                )
            }
        }
    }
}
