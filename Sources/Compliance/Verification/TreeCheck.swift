import AuditEvents
import EventStore
import PostgreSQL
import TransparencyLog

/// Compares one shard's rows, in index order, with the hashes that were made of them. Pure: rows and stored tiles go in, findings come out.
struct TreeCheck: Sendable {
    /// A row of the log with its event, as far as it is there.
    struct Row: Sendable {
        var index: Int64
        var id: PostgresUUID
        var time: Timestamp
        var sealedAt: Timestamp
        /// Nil where the event is gone.
        var event: Stored?
        struct Stored: Sendable {
            var leaf: EventLeaf
            var salt: [UInt8]?
            var body: String?
            var actor: String?
            var clientIP: String?
            var session: String?
            var token: String?
            /// Whether an erasure emptied it.
            var isErased: Bool
            /// The name of the partition where it lies, if that is not for its time.
            var wrongPartition: String?
        }
        /// Whether its partition was dropped past retention.
        var isDropped: Bool
    }

    let shard: Int32
    /// How far the stored tree reaches.
    let size: UInt64
    /// Built from the leaves as they were hashed, so that one changed row is one finding.
    private(set) var edge: TileEdge
    private(set) var sealedAt: Timestamp
    /// Events whose row is missing and must be looked for elsewhere.
    private(set) var missing: [Row] = []

    init(shard: Int32, size: UInt64, edge: TileEdge = TileEdge(), sealedAt: Timestamp = .minimum) {
        (self.shard, self.size, self.edge, self.sealedAt) = (shard, size, edge, sealedAt)
    }

    /// The next index.
    var next: Int64 { Int64(edge.size) }

    /// Takes the index `next`.
    ///
    /// - Parameters:
    ///   - row: the log's row of that index; nil where there is none.
    ///   - hashed: the leaf's hash as a tile has it; nil where none has.
    ///   - stored: the stored hashes of a full tile above the leaves; nil where it is missing.
    mutating func take(_ row: Row?, hashed: MerkleHash?, stored: (Tile) -> [MerkleHash]?, found: (RecordFinding) -> Void) {
        let index = next
        var computed: MerkleHash?
        if let row {
            computed = check(row, hashed, found)
        } else {
            found(RecordFinding(.indexMissing, shard: shard, index: index, "the log has no row for index \(index): it was removed"))
        }
        if hashed == nil {
            found(RecordFinding(.tileMissing, shard: shard, index: index, "no tile holds the hash of index \(index): it was removed"))
        }
        edge.append(hashed ?? computed ?? .empty) { full in
            guard full.tile.kind != .hashes(level: 0) else { return }
            guard let hashes = stored(full.tile) else {
                return found(RecordFinding(.tileMissing, shard: shard, index: index, "\(full.tile.path) was removed"))
            }
            if hashes != full.hashes {
                found(RecordFinding(.tileChanged, shard: shard, index: index, "\(full.tile.path) is not what the tiles below it give"))
            }
        }
    }

    mutating func forgetMissing() { missing = [] }

    /// The hash of the row's leaf, as it stands now.
    private mutating func check(_ row: Row, _ hashed: MerkleHash?, _ found: (RecordFinding) -> Void) -> MerkleHash? {
        let id = row.id.description
        func finding(_ kind: RecordFinding.Kind, _ message: String) {
            found(RecordFinding(kind, shard: shard, index: row.index, event: id, message))
        }
        if row.sealedAt < sealedAt {
            finding(.orderChanged, "index \(row.index) was sealed at \(row.sealedAt), before the index ahead of it")
        }
        sealedAt = max(sealedAt, row.sealedAt)
        guard let event = row.event else {
            if !row.isDropped { missing.append(row) }
            return nil
        }
        let computed = MerkleHash.leaf(event.leaf.bytes)
        if let hashed, computed != hashed {
            finding(.headerChanged, "the header of event \(id) is not the one that was sealed: it was changed, or its hash was")
        }
        if let partition = event.wrongPartition {
            finding(.partitionChanged, "event \(id) lies in \(partition), which is not for its time")
        }
        guard let text = event.body, let salt = event.salt else {
            if !event.isErased { finding(.bodyMissing, "the body of event \(id) is gone, and no erasure took it") }
            return computed
        }
        guard let body = try? JSONValue(parsing: text.utf8, maximumDepth: 1000, keepsLargeIntegers: false),
            EventEncoder.bodyHash(salt: salt, body: CanonicalJSON.encode(body)) == event.leaf.bodyHash
        else {
            finding(.bodyChanged, "the body of event \(id) is not the one that was recorded")
            return computed
        }
        let copies = EventBodyCopies(body.object ?? [:])
        let wrong = [
            (copies.actor != event.actor, "actor"), (copies.clientIP != event.clientIP, "client_ip"),
            (copies.session != event.session, "session"),
            (copies.token != event.token, "token"),
        ]
        for (isWrong, name) in wrong where isWrong {
            finding(.columnChanged, "the column \(name) of event \(id) does not say what its body says")
        }
        return computed
    }
}

/// What `audit.event` keeps of a body in columns of its own.
struct EventBodyCopies: Hashable {
    var actor: String?
    var clientIP: String?
    var session: String?
    var token: String?

    init(_ body: JSONObject) {
        actor = body["actor"]?.object.flatMap { $0["name"]?.string ?? $0["id"]?.string }
        clientIP = body["client"]?.object?["ip"]?.string.flatMap { PostgresInet($0).asStored }
        session = body["session"]?.string
        token = body["token"]?.object?["fingerprint"]?.string
    }
}

extension PostgresInet {
    /// As the server writes it; nil for a text that is no address.
    var asStored: String? {
        var bytes: [UInt8] = []
        guard (try? encode(into: &bytes)) != nil else { return nil }
        return bytes.withUnsafeBytes { try? PostgresInet(binary: $0, oid: PostgresInet.oid).text }
    }
}
