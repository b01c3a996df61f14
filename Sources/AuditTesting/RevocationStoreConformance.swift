public import AuditEvents

/// What every `RevocationStoring` must do, as checks that any test framework can run.
public struct RevocationStoreConformance: Sendable {
    /// One promise: throws `EventLogConformance.Failure` where a store does not keep it.
    public struct Check: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (RevocationStoreConformance) async throws -> Void
    }

    let store: any RevocationStoring
    let start = Timestamp(microseconds: 1_800_000_000_123_456)

    public init(_ store: any RevocationStoring) { self.store = store }

    /// Each uses keys of its own, so that they may share a store and run in any order.
    public static let checks: [Check] = [
        Check(description: "a new reader gets all that is in force") { try await $0.all() },
        Check(description: "a reader gets what is new, once") { try await $0.news() },
        Check(description: "a revocation that changes is new again") { try await $0.changed() },
        Check(description: "what has expired is not given, and goes away") { try await $0.expired() },
        Check(description: "the same twice in one call is one") { try await $0.twice() },
        Check(description: "those added at once all come, once each") { try await $0.concurrent() },
        Check(description: "no more than asked for are read") { try await $0.limited() },
        Check(description: "whoever listens is told") { try await $0.listening() },
    ]

    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw EventLogConformance.Failure(description: message()) }
    }

    func time(_ offset: Int64) -> Timestamp { start.advanced(bySeconds: offset) }

    func revocation(until issued: Timestamp? = nil, expires: Int64 = 900) -> Revocation {
        Revocation(
            key: Revocation.key(.session, issuer: "https://issuer", "\(UInt64.random(in: 0 ..< .max))"), issuedUntil: issued,
            expires: time(expires))
    }

    func read(_ cursor: RevocationCursor?, at offset: Int64 = 0) async throws -> (Set<Revocation>, RevocationCursor) {
        let (revocations, next) = try await store.revocations(since: cursor, at: time(offset), limit: 100_000)
        try expect(Set(revocations.map(\.key)).count == revocations.count, "one came twice")
        return (Set(revocations), next)
    }

    func all() async throws {
        let some = [revocation(), revocation(until: time(3))]
        try await store.add(some, at: start)
        try expect(try await read(nil).0.isSuperset(of: some), "one is missing")
    }

    func news() async throws {
        let (_, cursor) = try await read(nil)
        try await store.add([], at: start)
        let some = [revocation(), revocation()]
        try await store.add(some, at: start)
        let (new, next) = try await read(cursor)
        try expect(new.isSuperset(of: some), "one is missing")
        try expect(try await read(next).0.isDisjoint(with: some), "one came again")
    }

    func changed() async throws {
        var one = revocation(until: time(3))
        try await store.add([one], at: start)
        let (_, cursor) = try await read(nil)
        one.issuedUntil = time(9)
        one.expires = time(400)
        try await store.add([one], at: start)
        one.expires = time(900)
        let (new, next) = try await read(cursor)
        try expect(new.contains(one), "the later moment and the later end are not kept")
        var whole = one
        whole.issuedUntil = nil
        try await store.add([whole], at: start)
        try await store.add([one], at: start)
        try expect(try await read(next).0.contains(whole), "all tokens is more than some")
    }

    func expired() async throws {
        let old = revocation(expires: 10)
        try await store.add([old], at: start)
        try expect(try await read(nil, at: 9).0.contains(old), "gone too early")
        try expect(try await read(nil, at: 10).0.contains(old) == false, "in force after its end")
        var tries = 0
        while try await read(nil, at: 0).0.contains(old) {
            tries += 1
            try expect(tries < 2000, "an old row stays")
            try await store.add([revocation()], at: time(10))
        }
    }

    func twice() async throws {
        let one = revocation(until: time(1))
        var later = one
        later.issuedUntil = time(2)
        try await store.add([one, later, one], at: start)
        try expect(try await read(nil).0.contains(later), "not merged")
    }

    func concurrent() async throws {
        let (_, cursor) = try await read(nil)
        let some = (0..<24).map { _ in revocation() }
        let shared = revocation()
        try await withThrowingTaskGroup { group in
            for one in some { group.addTask { try await store.add([one, shared], at: start) } }
            try await group.waitForAll()
        }
        try expect(try await read(cursor).0.isSuperset(of: some + [shared]), "one is missing")
    }

    func limited() async throws {
        try await store.add([revocation(), revocation(), revocation()], at: start)
        try expect(try await store.revocations(since: nil, at: start, limit: 2).revocations.count == 2, "not two")
    }

    func listening() async throws {
        var heard = store.changes().makeAsyncIterator()
        try expect(try await heard.next() != nil, "nothing at the start")
        try await store.add([revocation()], at: start)
        try expect(try await heard.next() != nil, "nothing was heard")
    }
}
