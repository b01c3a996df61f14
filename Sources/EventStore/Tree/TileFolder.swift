public import TransparencyLog

/// The log of each shard as files in the layout of C2SP tlog-tiles: `SHARD/checkpoint`, `SHARD/tile/…`. Files are written once; those of tiles that
/// were not full are removed when they are.
public struct TileFolder: Sendable {
    let path: String
    let store: TreeStore

    public init(_ path: String, _ store: TreeStore) { (self.path, self.store) = (path, store) }

    /// Writes what the checkpoint's tree has and the folder has not, and the checkpoint last.
    ///
    /// - Throws: `StoreError` with `.record` where the folder holds a checkpoint that this tree does not contain, and where a file cannot be written.
    public func publish(_ stored: StoredCheckpoint) async throws {
        let root = "\(path)/\(stored.shard)"
        let size = stored.checkpoint.size
        let before = try Files.read("\(root)/checkpoint").map { try Checkpoint(SignedNote($0).text) }
        if let before {
            guard before.origin.utf8.elementsEqual(stored.checkpoint.origin.utf8) else {
                throw StoreError(.record, "\(root) holds the log \(before.origin)", hint: "Name another folder.")
            }
            if before.size > size { return }
            guard try await store.root(stored.shard, size: before.size) == before.root else {
                throw StoreError(
                    .record, "\(root)/checkpoint has \(before.size) leaves with another root than the database",
                    hint: "One of the two was changed: keep both, and run `cardea verify log --against \(path)`.")
            }
        }
        for tile in Tile.new(from: before?.size ?? 0, to: size) {
            guard let bytes = try await store.bytes(of: tile, shard: stored.shard) else { continue }
            try Files.write(bytes, "\(root)/\(tile.path)")
            if tile.count == Tile.width { Files.removeTree("\(root)/\(tile.path).p") }
        }
        try Files.write(stored.note.bytes, "\(root)/checkpoint")
    }
}
