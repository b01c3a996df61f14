public import AuditEvents

/// What every `SessionStoring` must do, as checks that any test framework can run.
public struct SessionStoreConformance: Sendable {
    /// One promise: throws `EventLogConformance.Failure` where a store does not keep it.
    public struct Check: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (SessionStoreConformance) async throws -> Void
    }

    let store: any SessionStoring
    let start = Timestamp(microseconds: 1_800_000_000_123_456)

    public init(_ store: any SessionStoring) { self.store = store }

    /// Each makes accounts of its own, so that they may share a store and run in any order.
    public static let checks: [Check] = [
        Check(description: "a session comes back as it was stored") { try await $0.roundTrip() },
        Check(description: "an id that never was is nobody's") { try await $0.unknown() },
        Check(description: "a use is noted, never moved back, and never revives") { try await $0.touching() },
        Check(description: "renewal leaves handle and times, and the former id is unknown") { try await $0.renewal() },
        Check(description: "only the owner's live session is renewed") { try await $0.renewalOfOthers() },
        Check(description: "a session ends once, whoever asks how often") { try await $0.endsOnce() },
        Check(description: "of many who end it at once one did") { try await $0.endsOnceConcurrently() },
        Check(description: "an expired session can be ended once, and is not among the live") { try await $0.expired() },
        Check(description: "one, all others, all: none of another account") { try await $0.selections() },
        Check(description: "the sessions used longest ago give way at the limit") { try await $0.limit() },
        Check(description: "sign-ins at once do not pass the limit") { try await $0.limitConcurrently() },
        Check(description: "accounts that differ in normalisation alone are two") { try await $0.normalisation() },
        Check(description: "rows go away when nobody needs them") { try await $0.retention() },
    ]

    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw EventLogConformance.Failure(description: message()) }
    }

    func session(_ account: String, at offset: Int64 = 0, idle: Int64 = 600, life: Int64 = 3600, keep: Int64 = 7200) -> StoredSession {
        let number = UInt64.random(in: 0 ..< .max)
        let created = start.advanced(bySeconds: offset)
        return StoredSession(
            id: SecretHash(of: "secret-\(number)"), handle: "handle-\(number)",
            principal: StoredPrincipal(id: account, name: "Änne \u{1F600} \"x\"", kind: .user, roles: ["b", "a"], scopes: ["read"]),
            created: created, idleSeconds: idle, expires: created.advanced(bySeconds: life), keepUntil: created.advanced(bySeconds: keep),
            clientIP: "2001:db8::1", userAgent: "agent/1")
    }

    func account(_ name: String = #function) -> String { "\(name.prefix { $0 != "(" })-\(UInt64.random(in: 0..<(1 << 48)))" }
    func time(_ offset: Int64) -> Timestamp { start.advanced(bySeconds: offset) }

    func roundTrip() async throws {
        var session = session(account())
        try expect(try await store.insert(session, limit: 5).isEmpty, "nothing gave way")
        try expect(try await store.session(session.id) == session, "it differs")
        session.clientIP = nil
        session.userAgent = nil
        session.id = SecretHash(of: session.handle)
        session.handle += "2"
        session.principal.name = nil
        session.principal.roles = []
        _ = try await store.insert(session, limit: 5)
        try expect(try await store.session(session.id) == session, "absent fields differ")
    }

    func unknown() async throws {
        let id = SecretHash(of: account())
        try expect(try await store.session(id) == nil, "found")
        try await store.touch(id, at: start)
        try expect(try await store.end(id, reason: "x", at: start, keepUntil: start) == nil, "ended")
        try expect(try await store.end(.all, of: account(), reason: "x", at: start, keepUntil: start).isEmpty, "ended some")
        try expect(try await store.sessions(of: account(), at: start).isEmpty, "listed some")
    }

    func touching() async throws {
        let session = session(account())
        _ = try await store.insert(session, limit: 5)
        try await store.touch(session.id, at: time(100))
        try await store.touch(session.id, at: time(50))
        try expect(try await store.session(session.id)?.seen == time(100), "seen is not the latest use")
        try await store.touch(session.id, at: time(701))
        try expect(try await store.session(session.id)?.seen == time(100), "an idle one was revived")
        try expect(try await store.session(session.id)?.state(at: time(699)) == .live, "not live within its idle time")
        try expect(try await store.session(session.id)?.state(at: time(700)) == .idle, "not idle at its end")
    }

    func renewal() async throws {
        let session = session(account())
        _ = try await store.insert(session, limit: 5)
        var principal = session.principal
        principal.roles = ["admin"]
        let id = SecretHash(of: session.handle)
        let renewed = try await store.renew(session.handle, id: id, principal: principal, at: time(10))
        var expected = session
        (expected.id, expected.principal, expected.seen) = (id, principal, time(10))
        try expect(renewed == expected, "the renewed one differs")
        try expect(try await store.session(id) == expected, "it was not stored")
        try expect(try await store.session(session.id) == nil, "the former id is still good")
        try expect(try await store.sessions(of: principal.id, at: time(10)).map(\.id) == [id], "not one session")
    }

    func renewalOfOthers() async throws {
        let session = session(account())
        _ = try await store.insert(session, limit: 5)
        let id = SecretHash(of: session.handle)
        var other = session.principal
        other.id = account()
        try expect(try await store.renew(session.handle, id: id, principal: other, at: time(1)) == nil, "another account's was renewed")
        let mine = session.principal
        try expect(try await store.renew(session.handle, id: id, principal: mine, at: time(600)) == nil, "an idle one was renewed")
        _ = try await store.end(session.id, reason: "x", at: time(2), keepUntil: time(100))
        try expect(try await store.renew(session.handle, id: id, principal: mine, at: time(3)) == nil, "an ended one was renewed")
        try expect(try await store.session(id) == nil, "there is a session of the new id")
    }

    func endsOnce() async throws {
        let session = session(account())
        _ = try await store.insert(session, limit: 5)
        let ended = try await store.end(session.id, reason: "logout", at: time(5), keepUntil: time(900))
        try expect(ended?.ended == time(5) && ended?.endReason == "logout" && ended?.keepUntil == time(900), "the end is not noted")
        try expect(try await store.end(session.id, reason: "again", at: time(6), keepUntil: time(900)) == nil, "ended twice")
        try expect(try await store.session(session.id) == ended, "the stored end differs")
        try await store.touch(session.id, at: time(7))
        try expect(try await store.session(session.id) == ended, "a use changed an ended one")
    }

    func endsOnceConcurrently() async throws {
        let session = session(account())
        _ = try await store.insert(session, limit: 5)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { try await store.end(session.id, reason: "x", at: time(1), keepUntil: time(9)) == nil ? 0 : 1 }
            }
            return try await group.reduce(0, +)
        }
        try expect(count == 1, "\(count) ended it")
    }

    func expired() async throws {
        let session = session(account(), idle: 7200)
        _ = try await store.insert(session, limit: 5)
        try expect(try await store.sessions(of: session.principal.id, at: time(3599)).count == 1, "not live before its end")
        try expect(try await store.sessions(of: session.principal.id, at: time(3600)).isEmpty, "live at its end")
        let none = try await store.end(.all, of: session.principal.id, reason: "x", at: time(3600), keepUntil: time(9000))
        try expect(none.isEmpty, "an expired one counted as live")
        try expect(try await store.end(session.id, reason: "y", at: time(3600), keepUntil: time(9000)) != nil, "could not be ended")
        try expect(try await store.end(session.id, reason: "y", at: time(3600), keepUntil: time(9000)) == nil, "ended twice")
    }

    func selections() async throws {
        let (mine, theirs) = (account(), account())
        let sessions = (0..<4).map { session(mine, at: $0) }
        let other = session(theirs)
        for session in sessions + [other] { _ = try await store.insert(session, limit: 10) }
        func handles() async throws -> [String] { try await store.sessions(of: mine, at: time(10)).map(\.handle) }
        try expect(try await handles() == sessions.reversed().map(\.handle), "not the one used last first")
        let foreign = try await store.end(.one(other.handle), of: mine, reason: "x", at: time(10), keepUntil: time(99))
        try expect(foreign.isEmpty, "another account's was ended")
        let one = try await store.end(.one(sessions[0].handle), of: mine, reason: "x", at: time(10), keepUntil: time(99))
        try expect(one.map(\.handle) == [sessions[0].handle], "not that one")
        let rest = try await store.end(.allBut(sessions[1].handle), of: mine, reason: "x", at: time(10), keepUntil: time(99))
        try expect(Set(rest.map(\.handle)) == Set(sessions[2...].map(\.handle)), "not the others")
        try expect(try await handles() == [sessions[1].handle], "not one left")
        try expect(try await store.end(.all, of: mine, reason: "x", at: time(10), keepUntil: time(99)).count == 1, "not the last")
        try expect(try await store.session(other.id)?.state(at: time(10)) == .live, "another account's was ended")
    }

    func limit() async throws {
        let account = account()
        let sessions = (0..<3).map { session(account, at: $0) }
        for session in sessions { try expect(try await store.insert(session, limit: 3).isEmpty, "gave way too early") }
        try await store.touch(sessions[0].id, at: time(50))
        let fourth = session(account, at: 60)
        let displaced = try await store.insert(fourth, limit: 3)
        try expect(displaced.map(\.handle) == [sessions[1].handle], "not the one used longest ago")
        try expect(displaced.first?.endReason == "session_limit" && displaced.first?.ended == time(60), "no reason")
        let last = session(account, at: 61)
        try expect(try await store.insert(last, limit: 1).count == 3, "a lower limit")
        try expect(try await store.sessions(of: account, at: time(62)).map(\.handle) == [last.handle], "more than the limit")
    }

    func limitConcurrently() async throws {
        let account = account()
        try await withThrowingTaskGroup { group in
            for number in 0..<12 { group.addTask { _ = try await store.insert(session(account, at: Int64(number)), limit: 4) } }
            try await group.waitForAll()
        }
        let count = try await store.sessions(of: account, at: time(20)).count
        try expect(count == 4, "\(count) live")
    }

    func normalisation() async throws {
        let name = account()
        let (composed, decomposed) = (name + "\u{e9}", name + "e\u{301}")
        _ = try await store.insert(session(composed), limit: 1)
        try expect(try await store.insert(session(decomposed), limit: 1).isEmpty, "one account's sign-in ended the other's session")
        try expect(try await store.end(.all, of: composed, reason: "x", at: time(1), keepUntil: time(2)).count == 1, "not one")
        try expect(try await store.sessions(of: decomposed, at: time(1)).count == 1, "the other's is gone")
    }

    func retention() async throws {
        let account = account()
        let old = session(account, at: -100_000)
        _ = try await store.insert(old, limit: 5)
        var tries = 0
        // A few with every call: others' leftovers may go first.
        while try await store.session(old.id) != nil {
            tries += 1
            try expect(tries < 2000, "an old row stays")
            _ = try await store.insert(session(self.account(), at: tries < 1000 ? 0 : 1), limit: 1)
        }
    }
}
