public import AuditEvents
import Crypto
public import EventStore
public import PostgreSQL
public import TransparencyLog

/// Compares the whole record with its own tree and with every checkpoint that was kept.
public struct LogVerifier: Sendable {
    /// Where a verification stands, so that one that was interrupted can go on.
    public struct Position: Sendable, Hashable {
        public var shard: Int32
        public var index: Int64
        public var startedAt: Timestamp
        var edge: TileEdge
        var sealedAt: Timestamp
        public var findings: Int
        public var firstFinding: String?
    }

    /// The end of a shard's verification.
    public struct Summary: Sendable, Hashable {
        public var shard: Int32
        /// How many leaves were compared.
        public var size: UInt64
        /// Sealed events that are not in the tree yet.
        public var waiting: Int64
        /// How many checkpoints were compared, and how many of them carry a signature that a known key made.
        public var checkpoints: Int
        public var signed: Int
        public var last: StoredCheckpoint?
        public var findings: Int
        public var startedAt: Timestamp
        public var firstFinding: String?
    }

    /// A checkpoint that somebody kept elsewhere.
    public struct Held: Sendable, Hashable {
        public var origin: String
        public var from: String
        public var checkpoint: Checkpoint
        public init(_ checkpoint: Checkpoint, from: String) {
            (origin, self.checkpoint, self.from) = (checkpoint.origin, checkpoint, from)
        }
    }

    /// The checkpoint of a shard that was signed here, as one held.
    public static func held(_ kept: KeptCheckpoints, _ shard: Int32, _ pool: PostgresPool) async throws -> [Held] {
        let origin = TreeStore.origin(try await TreeStore(pool).name(), shard: shard)
        return try kept.newest(origin).map { [Held($0, from: kept.path(origin))] } ?? []
    }

    static let batch: Int64 = 5120

    let pool: PostgresPool
    let keys: [NoteVerifier]
    let held: [Held]

    /// - Parameters:
    ///   - pool: under `cardea_reader` or better.
    ///   - keys: those whose signatures count, under whatever name; none: signatures are not looked at.
    ///   - held: checkpoints to compare with beside those that the database keeps.
    public init(_ pool: PostgresPool, keys: [NoteVerifier], held: [Held] = []) { (self.pool, self.keys, self.held) = (pool, keys, held) }

    /// Verifies a shard; findings come as they are found.
    ///
    /// - Parameters:
    ///   - from: where an earlier one was interrupted.
    ///   - progress: called after each batch.
    public func verify(
        _ shard: Int32, from: Position? = nil, progress: (Position, _ size: UInt64) async throws -> Void = { _, _ in },
        found report: (RecordFinding) -> Void
    ) async throws -> Summary {
        let store = TreeStore(pool)
        let started = if let from { from.startedAt } else { try await pool.withConnection { try await OwnAct.clock($0) } }
        var findings = from?.findings ?? 0
        var firstFinding = from?.firstFinding
        func found(_ finding: RecordFinding) {
            findings += 1
            if firstFinding == nil { firstFinding = finding.message }
            report(finding)
        }

        let stored: TileEdge
        do { stored = try await store.edge(shard) } catch let error as StoreError where error.code == .record {
            found(RecordFinding(.treeChanged, shard: shard, error.message))
            stored = TileEdge()
        }
        let name = try await store.name()
        let origin = TreeStore.origin(name, shard: shard)
        var checkpoints = Checkpoints(shard: shard, origin: origin, keys: keys.compactMap { $0.named(origin) }, held: held)
        var check = TreeCheck(shard: shard, size: stored.size, edge: from?.edge ?? TileEdge(), sealedAt: from?.sealedAt ?? .minimum)
        let rows = RecordRows(pool: pool, shard: shard, partitions: try await RecordRows.partitions(pool))
        var pending = try await checkpoints.next(after: check.edge.size, pool, found)
        while check.edge.size < stored.size {
            let end = min(check.next + LogVerifier.batch, Int64(stored.size))
            let batch = try await rows.read(check.next..<end, edge: stored)
            for index in check.next..<end {
                check.take(batch.rows[index], hashed: batch.leaves[index], stored: { batch.tiles[$0] }, found: found)
                while let checkpoint = pending.first, checkpoint.size == check.edge.size {
                    checkpoints.compare(checkpoint, check.edge.root, found)
                    pending.removeFirst()
                    if pending.isEmpty { pending = try await checkpoints.next(after: check.edge.size, pool, found) }
                }
            }
            for row in check.missing { found(try await rows.elsewhere(row)) }
            check.forgetMissing()
            try await progress(
                Position(
                    shard: shard, index: check.next, startedAt: started, edge: check.edge, sealedAt: check.sealedAt, findings: findings,
                    firstFinding: firstFinding), stored.size)
        }
        for late in pending {
            found(
                RecordFinding(
                    .treeChanged, shard: shard,
                    "\(late.from) has \(late.size) leaves, but the tree of shard \(shard) has \(stored.size): its end was cut off"))
        }
        if let newest = checkpoints.newest, !keys.isEmpty, !newest.isSigned {
            found(
                RecordFinding(
                    .checkpointChanged, shard: shard,
                    "the newest checkpoint, of \(newest.size) leaves, is signed by none of the keys: name the one that signs with --vkey, or it is forged"
                ))
        }
        if check.edge != stored {
            found(RecordFinding(.treeChanged, shard: shard, "the edge of the tree of shard \(shard) is not what its leaves give"))
        }
        let waiting = try await rows.checkRest(tree: Int64(stored.size), found)
        return Summary(
            shard: shard, size: stored.size, waiting: waiting, checkpoints: checkpoints.compared, signed: checkpoints.signed,
            last: try? await StoredCheckpoint.latest(shard, pool), findings: findings, startedAt: started, firstFinding: firstFinding)
    }

    /// Writes down how a verification ended: a row, and an event on the record.
    ///
    /// - Parameter pool: under `cardea_worker`.
    public static func record(_ summary: Summary, by person: String?, _ pool: PostgresPool) async throws {
        try await pool.withTransaction { connection in
            let now = try await OwnAct.clock(connection)
            var details: JSONObject = [
                "shard": .int(Int64(summary.shard)), "size": .int(Int64(summary.size)), "findings": .int(Int64(summary.findings)),
                "checkpoints": .int(Int64(summary.checkpoints)), "signed_checkpoints": .int(Int64(summary.signed)),
            ]
            if let first = summary.firstFinding { details["first_finding"] = .string(String(first.prefix(500))) }
            let isWhole = summary.findings == 0
            let event = AuditEvent(
                header: EventHeader(
                    id: EventID(time: now), source: "cardea", type: isWhole ? .recordVerified : .recordVerificationFailed,
                    outcome: isWhole ? .success : .failure, reason: isWhole ? nil : "proof_broken",
                    severity: isWhole ? .informational : .critical, actorKind: person == nil ? .system : .user),
                body: EventBody(
                    actor: person.map { .init(name: $0) }, target: "shard/\(summary.shard)", service: "cardea", details: details))
            let encoded = try EventEncoder().encode(event, now: now)
            let home = try await connection.query("select audit.shard_of('default')", as: Int32.self)[0]
            try await connection.execute(
                "select audit.ensure_partitions(\(PostgresTimestamp(microseconds: now.microseconds)), \(PostgresTimestamp(microseconds: now.microseconds)))"
            )
            try await Appender.append([encoded], shard: home, in: connection)
            try await connection.execute(
                """
                select audit.keep_verification(
                    \(summary.shard), \(PostgresTimestamp(microseconds: summary.startedAt.microseconds)), \(Int64(summary.size)),
                    \(Int64(summary.findings)), \(summary.firstFinding))
                """)
        }
    }
}

extension EventType {
    /// The record was compared with its tree, and nothing was wrong.
    public static let recordVerified = EventType("audit_verified")
    /// The record is not what was sealed.
    public static let recordVerificationFailed = EventType("audit_verification_failed")
}
