import AuditEvents
import AuditTesting
import Testing

@testable import AuditMiddleware

@Suite("The stores in memory keep the promises")
struct StoreConformanceTests {
    @Test("sessions", arguments: SessionStoreConformance.checks)
    func sessions(check: SessionStoreConformance.Check) async throws {
        // Small enough that what is old gives way.
        try await check.run(SessionStoreConformance(MemorySessionStore(capacity: 200)))
    }

    @Test("families of refresh tokens", arguments: TokenFamilyStoreConformance.checks)
    func families(check: TokenFamilyStoreConformance.Check) async throws {
        try await check.run(TokenFamilyStoreConformance(MemoryTokenFamilyStore(capacity: 200)))
    }

    @Test("revocations", arguments: RevocationStoreConformance.checks)
    func revocations(check: RevocationStoreConformance.Check) async throws {
        try await check.run(RevocationStoreConformance(MemoryRevocationStore()))
    }

    @Test("a flood of sign-ins leaves no more than the capacity")
    func bounded() async throws {
        let (sessions, families) = (MemorySessionStore(capacity: 100), MemoryTokenFamilyStore(capacity: 100))
        let now = Timestamp(microseconds: 1_800_000_000_000_000)
        for number in 0..<1000 {
            let principal = StoredPrincipal(id: "u\(number)")
            _ = try await sessions.insert(
                StoredSession(
                    id: SecretHash(of: "s\(number)"), handle: "h\(number)", principal: principal, created: now, idleSeconds: 600,
                    expires: now.advanced(bySeconds: 600), keepUntil: now.advanced(bySeconds: 600)), limit: 5)
            _ = try await families.insert(
                StoredTokenFamily(
                    id: "f\(number)", lineage: SecretHash(of: "l\(number)"), current: SecretHash(of: "c\(number)"), principal: principal,
                    created: now, expires: now.advanced(bySeconds: 600), deadline: now.advanced(bySeconds: 600)), limit: 5)
        }
        #expect(sessions.count <= 100)
        #expect(families.count <= 100)
        #expect(try await sessions.session(SecretHash(of: "s999")) != nil)
        #expect(try await families.family(lineage: SecretHash(of: "l999")) != nil)
    }
}
