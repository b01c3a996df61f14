import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@Suite("Proofs of possession in PostgreSQL") struct ProofReplayTests {
    @Test("what every store of proofs must do, under the role that the middleware has")
    func conformance() async throws {
        try await withStore(shards: 1) { fixture in
            let pool = fixture.database.pool(role: "cardea_access", maximumConnections: 4)
            let violations = try await ProofReplayConformance().violations(of: PostgresProofReplayStore(pool))
            #expect(violations == [])
            await pool.close()
        }
    }

    @Test("proofs that have expired go away, so that the table stays small")
    func bounded() async throws {
        try await withStore(shards: 1) { fixture in
            let pool = fixture.database.pool(role: "cardea_access", maximumConnections: 4)
            let store = PostgresProofReplayStore(pool)
            let start = Timestamp(microseconds: 1_800_000_000_000_000)
            for number in 0..<400 {
                let time = start.advanced(bySeconds: Int64(number))
                let key = [UInt8](repeating: UInt8(number % 251), count: 31) + [UInt8(number / 251)]
                let isFirst = try await store.claim(key, expires: time.advanced(bySeconds: 60), at: time)
                #expect(isFirst)
            }
            let count = try await fixture.count("audit_access.proof")
            #expect(count <= 122)
            let refused = try await sqlState { _ = try await pool.query("select * from audit.event") }
            #expect(refused == "42501")
            await pool.close()
        }
    }
}
