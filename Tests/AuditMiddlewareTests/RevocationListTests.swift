import AuditEvents
import AuditTesting
import Synchronization
import Testing

@testable import AuditMiddleware

@Suite struct RevocationListTests {
    static let start = Timestamp(microseconds: 1_800_000_000_000_000)

    static func token(id: String? = nil, session: String? = nil, subject: String = "ann", issued: Timestamp? = start) -> VerifiedToken {
        var claims: JSONObject = ["sub": .string(subject)]
        if let session { claims["sid"] = .string(session) }
        return VerifiedToken(
            issuer: "i", subject: subject, audience: ["shop"], expires: start.advanced(bySeconds: 900), issued: issued, id: id, keyID: nil,
            algorithm: .hs256, claims: claims)
    }

    static func revocation(_ kind: Revocation.Kind, _ value: String, until: Timestamp? = nil, seconds: Int64 = 900) -> Revocation {
        Revocation(key: Revocation.key(kind, issuer: "i", value), issuedUntil: until, expires: start.advanced(bySeconds: seconds))
    }

    @Test("a token is revoked by its id, its session, or where it has none by its account and time")
    func kinds() async throws {
        let list = TokenBed.list(MemoryRevocationStore(), TestClock())
        try await list.revoke([
            Self.revocation(.token, "j1"), Self.revocation(.session, "s1"), Self.revocation(.account, "bob", until: Self.start),
        ])
        #expect(list.isRevoked(Self.token(id: "j1")))
        #expect(!list.isRevoked(Self.token(id: "j2")))
        #expect(list.isRevoked(Self.token(id: "j2", session: "s1")))
        #expect(!list.isRevoked(Self.token(id: "j2", session: "s2")))
        #expect(!list.isRevoked(Self.token(id: "s1")))
        #expect(!list.isRevoked(Self.token(session: "j1")))
        #expect(list.isRevoked(Self.token(subject: "bob")))
        #expect(list.isRevoked(Self.token(subject: "bob", issued: nil)))
        #expect(!list.isRevoked(Self.token(subject: "bob", issued: Self.start.advanced(bySeconds: 1))))
        #expect(!list.isRevoked(Self.token(session: "s2", subject: "bob")))
        var foreign = Self.token(id: "j1")
        foreign.issuer = "j"
        #expect(!list.isRevoked(foreign))
        #expect(try await list.rejection(of: Self.token(id: "j1")) == .revoked)
    }

    @Test("beyond its bound it refuses every token issued so far rather than forget one")
    func bound() {
        var set = RevocationSet(capacity: 100, longestSeconds: 900)
        for number in 0..<100 { set.insert(Self.revocation(.token, "j\(number)"), at: Self.start) }
        #expect(set.floor == nil)
        let later = Self.start.advanced(bySeconds: 10)
        set.insert(Self.revocation(.token, "one more"), at: later)
        #expect(set.count == 0)
        #expect(set.contains([], issued: Self.start, at: later))
        #expect(set.contains([], issued: nil, at: later))
        #expect(!set.contains([], issued: later.advanced(bySeconds: 1), at: later))
        #expect(!set.contains([], issued: Self.start, at: later.advanced(bySeconds: 900)))
        // What has expired makes room first.
        var other = RevocationSet(capacity: 100, longestSeconds: 900)
        for number in 0..<100 { other.insert(Self.revocation(.token, "j\(number)", seconds: number < 50 ? 5 : 900), at: Self.start) }
        other.insert(Self.revocation(.token, "one more"), at: later)
        #expect(other.floor == nil)
        #expect(other.count == 51)
        other.insert(Self.revocation(.token, "over", seconds: 10), at: later)
        #expect(other.count == 51)
    }

    @Test("another instance knows as soon as it is told, and by polling where it is told nothing")
    func instances() async throws {
        let store = MemoryRevocationStore()
        let (clock, polling) = (TestClock(), ManualClock())
        let here = TokenBed.list(store, clock)
        let told = TokenBed.list(store, clock)
        let polled = TokenBed.list(Deaf(base: store), clock, sleeping: polling)
        let running = [Task { try await told.run() }, Task { try await polled.run() }]
        await polling.waitForSleepers(2)
        for round in 0..<20 {
            try await here.revoke([Self.revocation(.session, "s\(round)")])
            #expect(here.count == round + 1)
            while told.count <= round { await Task.yield() }
            while polled.count <= round {
                polling.advance(by: .seconds(1))
                await Task.yield()
            }
        }
        for task in running {
            task.cancel()
            try await task.value
        }
    }

    @Test("a store that fails is read again; a silent one is served or refused, as was asked for")
    func failing() async throws {
        let store = Failing()
        let clock = TestClock()
        let strict = TokenBed.list(store, clock, silence: .refuse(afterSeconds: 30))
        await #expect(throws: Problem.self) { try await strict.rejection(of: Self.token()) }
        store.fails.withLock { $0 = false }
        try await strict.refresh()
        #expect(try await strict.rejection(of: Self.token()) == nil)
        store.fails.withLock { $0 = true }
        clock.advance(seconds: 30)
        await #expect(throws: Failing.Failure.self) { try await strict.refresh() }
        #expect(try await strict.rejection(of: Self.token()) == nil)
        clock.advance(seconds: 1)
        await #expect(throws: Problem.self) { try await strict.rejection(of: Self.token()) }
        let lenient = TokenBed.list(store, clock)
        await #expect(throws: Failing.Failure.self) { try await lenient.revoke([Self.revocation(.token, "j1")]) }
        #expect(try await lenient.rejection(of: Self.token(id: "j1")) == .revoked)
        // Everything is read again after sixty-four reads, whatever the cursor says.
        store.fails.withLock { $0 = false }
        for _ in 0..<65 { try await lenient.refresh() }
        #expect(store.whole.withLock { $0 } == 3)
    }

    struct Deaf: RevocationStoring {
        let base: MemoryRevocationStore
        func add(_ revocations: [Revocation], at time: Timestamp) async throws { try await base.add(revocations, at: time) }
        func revocations(
            since cursor: RevocationCursor?, at time: Timestamp, limit: Int
        ) async throws -> (revocations: [Revocation], cursor: RevocationCursor) {
            try await base.revocations(since: cursor, at: time, limit: limit)
        }
        func changes() -> AsyncThrowingStream<Void, any Error> { AsyncThrowingStream { $0.finish() } }
    }

    final class Failing: RevocationStoring {
        struct Failure: Error {}
        let fails = Mutex(true)
        let whole = Mutex(0)
        let base = MemoryRevocationStore()
        func add(_ revocations: [Revocation], at time: Timestamp) async throws { throw Failure() }
        func revocations(
            since cursor: RevocationCursor?, at time: Timestamp, limit: Int
        ) async throws -> (revocations: [Revocation], cursor: RevocationCursor) {
            if fails.withLock({ $0 }) { throw Failure() }
            if cursor == nil { whole.withLock { $0 += 1 } }
            return try await base.revocations(since: cursor, at: time, limit: limit)
        }
        func changes() -> AsyncThrowingStream<Void, any Error> { AsyncThrowingStream { $0.finish(throwing: Failure()) } }
    }
}
