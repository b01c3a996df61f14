public import AuditEvents

/// What every `TokenFamilyStoring` must do, as checks that any test framework can run.
public struct TokenFamilyStoreConformance: Sendable {
    /// One promise: throws `EventLogConformance.Failure` where a store does not keep it.
    public struct Check: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (TokenFamilyStoreConformance) async throws -> Void
    }

    let store: any TokenFamilyStoring
    let start = Timestamp(microseconds: 1_800_000_000_123_456)

    public init(_ store: any TokenFamilyStoring) { self.store = store }

    /// Each makes accounts of its own, so that they may share a store and run in any order.
    public static let checks: [Check] = [
        Check(description: "a family comes back as it was stored") { try await $0.roundTrip() },
        Check(description: "it advances by one generation at a time") { try await $0.generations() },
        Check(description: "of many exchanges at once one wins") { try await $0.race() },
        Check(description: "an ended family does not advance") { try await $0.ending() },
        Check(description: "one, all others, all: none of another account") { try await $0.selections() },
        Check(description: "the families refreshed longest ago give way at the limit") { try await $0.limit() },
        Check(description: "accounts that differ in normalisation alone are two") { try await $0.normalisation() },
        Check(description: "an expired family is not live, and goes away after its deadline") { try await $0.retention() },
    ]

    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw EventLogConformance.Failure(description: message()) }
    }

    func time(_ offset: Int64) -> Timestamp { start.advanced(bySeconds: offset) }
    func account(_ name: String = #function) -> String { "\(name.prefix { $0 != "(" })-\(UInt64.random(in: 0..<(1 << 48)))" }
    func hash() -> SecretHash { SecretHash(of: "\(UInt64.random(in: 0 ..< .max))") }

    func family(_ account: String, at offset: Int64 = 0) -> StoredTokenFamily {
        StoredTokenFamily(
            id: "family-\(UInt64.random(in: 0 ..< .max))", lineage: hash(), current: hash(),
            principal: StoredPrincipal(id: account, name: "Ann", roles: ["editor"]), created: time(offset), expires: time(offset + 600),
            deadline: time(offset + 3600))
    }

    func roundTrip() async throws {
        var family = family(account())
        try expect(try await store.insert(family, limit: 5).isEmpty, "nothing gave way")
        try expect(try await store.family(lineage: family.lineage) == family, "it differs")
        try expect(try await store.family(lineage: hash()) == nil, "found what never was")
        let half = family.current[0]
        family = family.rotated(from: half, to: hash(), at: time(5), expires: time(605))
        family.principal.roles = ["reader", "writer"]
        try expect(try await store.advance(family), "did not advance")
        family = family.rotated(from: half, to: hash(), at: time(6), expires: time(606))
        try expect(try await store.advance(family), "did not advance twice")
        try expect(family.current.count == 2 && family.previous == half, "a double submit")
        try expect(try await store.family(lineage: family.lineage) == family, "it differs after two rotations")
    }

    func generations() async throws {
        let family = family(account())
        _ = try await store.insert(family, limit: 5)
        try expect(try await store.advance(family) == false, "the same generation was taken")
        let next = family.rotated(from: family.current[0], to: hash(), at: time(1), expires: time(601))
        var far = next
        far.generation += 1
        try expect(try await store.advance(far) == false, "a generation was left out")
        try expect(try await store.advance(next), "the next was not taken")
        try expect(try await store.advance(next) == false, "the next was taken twice")
        try expect(next.expires == time(601), "the end moved wrongly")
        try expect(
            family.rotated(from: family.current[0], to: hash(), at: time(1), expires: time(9999)).expires == time(3600), "past the deadline"
        )
    }

    func race() async throws {
        let family = family(account())
        _ = try await store.insert(family, limit: 5)
        let wins = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                let next = family.rotated(from: family.current[0], to: hash(), at: time(1), expires: time(601))
                group.addTask { try await store.advance(next) ? 1 : 0 }
            }
            return try await group.reduce(0, +)
        }
        try expect(wins == 1, "\(wins) won")
    }

    func ending() async throws {
        let family = family(account())
        _ = try await store.insert(family, limit: 5)
        let ended = try await store.end(.one(family.id), of: family.principal.id, reason: "logout", at: time(2))
        try expect(ended.count == 1 && ended[0].endReason == "logout" && ended[0].ended == time(2), "not ended")
        try expect(try await store.family(lineage: family.lineage) == ended[0], "the stored end differs")
        try expect(try await store.end(.all, of: family.principal.id, reason: "x", at: time(3)).isEmpty, "ended twice")
        var next = ended[0].rotated(from: family.current[0], to: hash(), at: time(3), expires: time(603))
        try expect(try await store.advance(next) == false, "an ended one advanced")
        (next.ended, next.endReason) = (nil, nil)
        try expect(try await store.advance(next) == false, "an ended one was revived")
    }

    func selections() async throws {
        let (mine, theirs) = (account(), account())
        let families = (0..<4).map { family(mine, at: $0) }
        let other = family(theirs)
        for family in families + [other] { _ = try await store.insert(family, limit: 10) }
        try expect(try await store.families(of: mine, at: time(9)).map(\.id) == families.reversed().map(\.id), "not the last first")
        try expect(try await store.end(.one(other.id), of: mine, reason: "x", at: time(9)).isEmpty, "another account's was ended")
        try expect(
            try await store.end(.one(families[0].id), of: mine, reason: "x", at: time(9)).map(\.id) == [families[0].id], "not that one")
        let rest = try await store.end(.allBut(families[1].id), of: mine, reason: "x", at: time(9))
        try expect(Set(rest.map(\.id)) == Set(families[2...].map(\.id)), "not the others")
        try expect(try await store.end(.all, of: mine, reason: "x", at: time(9)).map(\.id) == [families[1].id], "not the last")
        try expect(try await store.families(of: theirs, at: time(9)).count == 1, "another account's was ended")
    }

    func limit() async throws {
        let account = account()
        let families = (0..<3).map { family(account, at: $0) }
        for family in families { try expect(try await store.insert(family, limit: 3).isEmpty, "gave way too early") }
        let next = families[0].rotated(from: families[0].current[0], to: hash(), at: time(50), expires: time(650))
        try expect(try await store.advance(next), "did not advance")
        let displaced = try await store.insert(family(account, at: 60), limit: 3)
        try expect(
            displaced.map(\.id) == [families[1].id] && displaced[0].endReason == "session_limit", "not the one refreshed longest ago")
        try await withThrowingTaskGroup { group in
            for number in 0..<8 { group.addTask { _ = try await store.insert(family(account, at: 70 + Int64(number)), limit: 3) } }
            try await group.waitForAll()
        }
        try expect(try await store.families(of: account, at: time(99)).count == 3, "sign-ins at once passed the limit")
    }

    func normalisation() async throws {
        let name = account()
        let (composed, decomposed) = (name + "\u{e9}", name + "e\u{301}")
        _ = try await store.insert(family(composed), limit: 1)
        try expect(try await store.insert(family(decomposed), limit: 1).isEmpty, "one account's sign-in ended the other's")
        try expect(try await store.end(.all, of: composed, reason: "x", at: time(1)).count == 1, "not one")
        try expect(try await store.families(of: decomposed, at: time(1)).count == 1, "the other's is gone")
    }

    func retention() async throws {
        let old = family(account(), at: -100_000)
        _ = try await store.insert(old, limit: 5)
        try expect(try await store.families(of: old.principal.id, at: time(0)).isEmpty, "an expired one is live")
        try expect(try await store.end(.all, of: old.principal.id, reason: "x", at: time(0)).isEmpty, "an expired one was ended")
        var tries = 0
        while try await store.family(lineage: old.lineage) != nil {
            tries += 1
            try expect(tries < 2000, "an old row stays")
            _ = try await store.insert(family(account()), limit: 1)
        }
    }
}
