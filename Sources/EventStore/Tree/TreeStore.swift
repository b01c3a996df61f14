import AuditEvents
public import PostgreSQL
public import TransparencyLog

/// The Merkle tree of each shard's log, as it is stored: full tiles, the edge, signed checkpoints.
public struct TreeStore: Sendable {
    public let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    /// What the origins of the logs begin with.
    public func name() async throws -> String { try await pool.query("select audit.log_name()", as: String.self)[0] }

    /// The origin of a shard's log: what its checkpoints begin with and its keys are named (C2SP tlog-checkpoint).
    public static func origin(_ name: String, shard: Int32) -> String { "\(name)/\(shard)" }

    // MARK: Growing

    /// The tree's edge; that of an empty tree where nothing was ever hashed.
    ///
    /// - Throws: `StoreError` with `.record` for an edge that cannot be one.
    public func edge(_ shard: Int32) async throws -> TileEdge {
        guard let row = try await pool.query("select size, edge from audit.tree where shard = \(shard)").first else { return TileEdge() }
        let size = try row.decode("size", as: Int64.self)
        guard size >= 0, let edge = TileEdge(size: UInt64(size), bytes: try row.decode("edge", as: PostgresBytes.self).bytes) else {
            throw StoreError(
                .record, "the edge of the tree of shard \(shard) does not fit its \(size) leaves", hint: "Run `cardea verify log`.")
        }
        return edge
    }

    /// Hashes what was sealed since, at most `most` events, in one transaction. Returns the new edge: the same where there is nothing to hash, nil
    /// where another worker was faster.
    ///
    /// - Throws: `StoreError` with `.record` where an event of the log is gone before its leaf was made.
    public func extend(_ shard: Int32, _ edge: TileEdge, most: Int64 = 20_000) async throws -> TileEdge? {
        let from = Int64(edge.size)
        let rows = try await pool.query(
            """
            select \(unsafe: EventLeaf.columns)
            \(unsafe: EventLeaf.source)
            where l.shard = \(shard) and l.index >= \(from) and l.index < \(from + most)
            order by l.index
            """)
        guard !rows.isEmpty else { return edge }
        var grown = edge
        var full: [TileEdge.Full] = []
        for row in rows {
            let index = try row.decode(0, as: Int64.self)
            guard index == Int64(grown.size), let leaf = try EventLeaf(row) else {
                throw StoreError(
                    .record, "event \(grown.size) of shard \(shard) is gone before it was hashed: the tree cannot go on",
                    hint: "Run `cardea verify log`, and restore the event from a backup.")
            }
            grown.append(.leaf(leaf.bytes)) { full.append($0) }
        }
        let statement: SQL = """
            select audit.extend_tree(
                \(shard), \(from), \(Int64(grown.size)), \(full.map { Int16($0.tile.level) }), \(full.map { Int64($0.tile.index) }),
                \(full.map { PostgresBytes(Tile.encode($0.hashes)) }), \(PostgresBytes(grown.bytes)))
            """
        return try await pool.query(statement, as: Bool.self)[0] ? grown : nil
    }

    /// Hashes everything that is sealed in `shard`; returns the edge then.
    @discardableResult
    public func extendAll(_ shard: Int32) async throws -> TileEdge {
        var edge = try await edge(shard)
        while true {
            guard let grown = try await extend(shard, edge) else {
                edge = try await self.edge(shard)
                continue
            }
            if grown.size == edge.size { return grown }
            edge = grown
        }
    }

    // MARK: Reading

    /// The hashes of complete subtrees, from the tiles that are stored or, for those that are not full, from the edge.
    ///
    /// - Throws: `StoreError` with `.record` where one is missing.
    public func hashes(of nodes: some Sequence<TreeNode>, shard: Int32) async throws -> [TreeNode: MerkleHash] {
        // The edge first: what fills meanwhile is then found in a tile.
        let edge = try await edge(shard)
        var wanted: [Tile: [TreeNode]] = [:]
        var hashes: [TreeNode: MerkleHash] = [:]
        for node in Set(nodes) {
            if let hash = edge.hash(of: node) { hashes[node] = hash } else { wanted[Tile(holding: node), default: []].append(node) }
        }
        guard !wanted.isEmpty else { return hashes }
        let tiles = Array(wanted.keys)
        let rows = try await pool.query(
            """
            select t.level, t.index, t.hashes
            from unnest(\(tiles.map { Int16($0.level) }), \(tiles.map { Int64($0.index) })) as w (level, index)
            join audit.tile t on t.shard = \(shard) and t.level = w.level and t.index = w.index
            """)
        for row in rows {
            let tile = Tile(.hashes(level: Int(try row.decode(0, as: Int16.self))), UInt64(try row.decode(1, as: Int64.self)))
            guard let stored = tile.hashes(try row.decode(2, as: PostgresBytes.self).bytes) else { continue }
            for node in wanted.removeValue(forKey: tile) ?? [] { hashes[node] = tile.hash(of: node, in: stored) }
        }
        guard let missing = wanted.keys.min(by: { ($0.level, $0.index) < ($1.level, $1.index) }) else { return hashes }
        throw StoreError(.record, "\(missing.path) of shard \(shard) is missing", hint: "Run `cardea verify log`.")
    }

    /// The root of the first `size` leaves.
    public func root(_ shard: Int32, size: UInt64) async throws -> MerkleHash {
        try await proof([Subtree(first: 0, end: size)], shard: shard).first ?? .empty
    }

    /// The hashes of subtrees, as proofs hold them; see `ProofPlan`.
    public func proof(_ plan: [Subtree], shard: Int32) async throws -> [MerkleHash] {
        let known = try await hashes(of: plan.flatMap(\.nodes), shard: shard)
        return plan.compactMap { $0.hash { known[$0] } }
    }
}

extension Tile {
    /// The full tile that has what it takes to hash a node.
    init(holding node: TreeNode) {
        let (level, height) = (node.level / 8, UInt64(node.level % 8))
        self.init(.hashes(level: level), (node.index << height) / UInt64(Tile.width))
    }

    /// The tile's level; -1 for entries.
    var level: Int { if case .hashes(let level) = kind { level } else { -1 } }

    /// The hash of a node that the tile holds, from its hashes.
    func hash(of node: TreeNode, in hashes: [MerkleHash]) -> MerkleHash {
        let height = UInt64(node.level % 8)
        let first = Int(node.index << height % UInt64(Tile.width))
        return .root(complete: hashes[first..<first + 1 << Int(height)])
    }
}
