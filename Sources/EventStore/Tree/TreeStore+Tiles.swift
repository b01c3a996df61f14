public import AuditEvents
import PostgreSQL
public import TransparencyLog

extension TreeStore {
    /// What is in a tile or bundle of entries of `shard`; nil where the tree does not reach so far, or where entries have gone with a dropped
    /// partition: whoever holds their hashes can still prove everything else.
    public func bytes(of tile: Tile, shard: Int32) async throws -> [UInt8]? {
        let width = UInt64(Tile.width)
        switch tile.kind {
        case .hashes(let level):
            let (product, overflows) = tile.index.multipliedReportingOverflow(by: width)
            guard !overflows, product + UInt64(tile.count) <= (try await edge(shard)).size >> UInt64(8 * level) else { return nil }
            let hashes = try await hashes(of: tile.nodes, shard: shard)
            return Tile.encode(tile.nodes.compactMap { hashes[$0] })
        case .entries:
            guard tile.index <= UInt64(Int64.max) / width - 1 else { return nil }
            let first = Int64(tile.index * width)
            let leaves = try await leaves(shard, first..<first + Int64(tile.count)).compactMap { $0?.bytes }
            return leaves.count == tile.count ? Tile.encode(entries: leaves) : nil
        }
    }

    /// The leaves at `indexes`, as far as the log reaches; nil for those whose events are gone.
    public func leaves(_ shard: Int32, _ indexes: Range<Int64>) async throws -> [EventLeaf?] {
        try await pool.query(
            """
            select \(unsafe: EventLeaf.columns)
            \(unsafe: EventLeaf.source)
            where l.shard = \(shard) and l.index >= \(indexes.lowerBound) and l.index < \(indexes.upperBound)
            order by l.index
            """
        ).map { try EventLeaf($0) }
    }
}
