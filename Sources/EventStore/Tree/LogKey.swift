public import AuditEvents
public import PostgreSQL
public import TransparencyLog

/// A public key under which checkpoints were signed, as the database lists it. To look up, not to trust: who verifies brings his own.
public struct LogKey: Sendable, Hashable {
    /// Ed25519, 32 bytes.
    public var key: [UInt8]
    public var createdAt: Timestamp
    public var retiredAt: Timestamp?

    /// The oldest first.
    public static func all(_ pool: PostgresPool) async throws -> [LogKey] {
        try await pool.query("select key, created_at, retired_at from audit.log_key order by created_at, key").map { row in
            LogKey(
                key: try row.decode("key", as: PostgresBytes.self).bytes,
                createdAt: Timestamp(microseconds: try row.decode("created_at", as: PostgresTimestamp.self).microseconds),
                retiredAt: try row.decode("retired_at", as: PostgresTimestamp?.self).map { Timestamp(microseconds: $0.microseconds) })
        }
    }

    /// Lists a key, and leaves an `audit_key_added` event; nothing where it is listed.
    ///
    /// - Parameter name: what the deployment is to be called, before the first key only.
    public static func register(_ verifier: NoteVerifier, name: String? = nil, by person: String, _ pool: PostgresPool) async throws {
        try await change(verifier, retire: false, name: name, by: person, pool)
    }

    /// Says that a key signs no more, and leaves an `audit_key_retired` event. Returns whether it was in use.
    @discardableResult
    public static func retire(_ verifier: NoteVerifier, by person: String, _ pool: PostgresPool) async throws -> Bool {
        try await change(verifier, retire: true, name: nil, by: person, pool)
    }

    @discardableResult
    private static func change(
        _ verifier: NoteVerifier, retire: Bool, name: String?, by person: String, _ pool: PostgresPool
    ) async throws -> Bool {
        try await pool.withTransaction { connection in
            let act = OwnAct(
                EventType(retire ? "audit_key_retired" : "audit_key_added"), severity: .medium, by: person, target: "key/\(verifier.text)")
            let event = try act.encoded(at: try await OwnAct.clock(connection))
            return try await connection.query(
                "select audit.change_key(\(PostgresBytes(verifier.key)), \(retire), \(name), \(event.actParameters))", as: Bool.self)[0]
        }
    }
}
