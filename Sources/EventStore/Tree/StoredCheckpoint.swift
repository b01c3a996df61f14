public import AuditEvents
public import PostgreSQL
public import TransparencyLog

/// A signed checkpoint of a shard's tree as it is kept, with what witnesses added.
public struct StoredCheckpoint: Sendable, Hashable {
    public var shard: Int32
    public var checkpoint: Checkpoint
    public var note: SignedNote
    public var signedAt: Timestamp

    /// The newest of a shard with at most `size` leaves; nil where none was signed.
    public static func latest(_ shard: Int32, atMost size: Int64 = .max, _ pool: PostgresPool) async throws -> StoredCheckpoint? {
        try await read(
            """
            where c.shard = \(shard) and c.size <= \(size) order by c.size desc limit 1
            """, pool
        ).first
    }

    static func read(_ condition: SQL, _ pool: PostgresPool) async throws -> [StoredCheckpoint] {
        let rows = try await pool.query(
            """
            select c.shard, c.note, c.signed_at,
                array(select s.name from audit.cosignature s where s.shard = c.shard and s.size = c.size order by s.name, s.key_id) as names,
                array(select s.key_id || s.signature from audit.cosignature s where s.shard = c.shard and s.size = c.size
                    order by s.name, s.key_id) as signatures
            from audit.signed_checkpoint c \(condition)
            """)
        return try rows.map { row in
            let text = try row.decode("note", as: String.self)
            do {
                var note = try SignedNote(text.utf8)
                let signatures = try row.decode("signatures", as: [PostgresBytes].self).map(\.bytes)
                for (name, bytes) in zip(try row.decode("names", as: [String].self), signatures) {
                    note.signatures.append(.init(name: name, keyID: Array(bytes.prefix(4)), bytes: Array(bytes.dropFirst(4))))
                }
                return StoredCheckpoint(
                    shard: try row.decode("shard", as: Int32.self), checkpoint: try Checkpoint(note.text), note: note,
                    signedAt: Timestamp(microseconds: try row.decode("signed_at", as: PostgresTimestamp.self).microseconds))
            } catch let error as NoteError {
                throw StoreError(.record, "a kept checkpoint is none: \(error)", hint: "Run `cardea verify log`.")
            }
        }
    }
}
