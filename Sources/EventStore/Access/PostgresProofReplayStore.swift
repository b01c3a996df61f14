public import AuditEvents
public import PostgreSQL

/// Proofs of possession in PostgreSQL, `audit_access.proof`: none is taken twice by all instances together.
public struct PostgresProofReplayStore: ProofReplayStoring {
    private let pool: PostgresPool

    /// - Parameter pool: under a role that may use the schema `audit_access` (`cardea_access`).
    public init(_ pool: PostgresPool) { self.pool = pool }

    public func claim(_ key: [UInt8], expires: Timestamp, at time: Timestamp) async throws -> Bool {
        guard expires > time else { return false }
        let rows = try await pool.query(
            """
            select audit_access.claim_proof(
                \(PostgresBytes(key)), \(PostgresTimestamp(microseconds: expires.microseconds)),
                \(PostgresTimestamp(microseconds: time.microseconds))) as is_first
            """)
        return try rows[0].decode("is_first", as: Bool.self)
    }
}
