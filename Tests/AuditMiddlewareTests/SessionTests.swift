import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import Testing

@testable import AuditMiddleware

@Suite struct SessionTests {
    typealias Bed = SessionBed

    @Test("a sign-in sets a host cookie with every attribute, and only its hash is kept", arguments: Way.allCases)
    func begin(_ way: Way) async throws {
        let bed = SessionBed()
        try await bed.test.application(try bed.router()).test(way.setup) { client in
            let response = try await client.execute(uri: "/login", method: .post)
            let field = try #require(response.headers[.setCookie])
            #expect(field.hasPrefix("__Host-session=") && field.hasSuffix("; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Lax"))
            let cookie = try #require(Bed.cookie(response))
            let id = String(cookie.dropFirst("__Host-session=".count))
            #expect(Secret.isWellFormed(id))
            let stored = try #require(try await bed.store.session(SecretHash(of: id)))
            #expect(stored.handle != id)
            let me = try await client.execute(uri: "/me", method: .get, headers: [.cookie: "a=b; \(cookie); c=d"])
            #expect(String(buffer: me.body) == #"ann ["reader"]"#)
            let created = try #require(bed.test.sink.events(.sessionCreated).first)
            #expect(created.body.actor == .init(id: "ann", name: "Ann"))
            #expect(created.body.session == TestApplication.fingerprinter.fingerprint(stored.handle, purpose: .session))
            #expect(bed.test.sink.requests.last?.body.session == created.body.session)
            #expect(bed.test.sink.requests.last?.header.actorKind == .user)
            bed.expectNoSecrets([cookie])
            #expect(!bed.test.sink.text.contains(stored.handle))
        }
    }

    @Test("a client's own id is never taken over, and a sign-in ends the session that came with it", arguments: Way.allCases)
    func fixation(_ way: Way) async throws {
        let bed = SessionBed()
        try await bed.test.application(try bed.router()).test(way.setup) { client in
            let chosen = "__Host-session=" + Secret.make()
            let first = try await Bed.signIn(client, with: chosen)
            #expect(first != chosen)
            #expect(try await client.execute(uri: "/me", method: .get, headers: [.cookie: chosen]).status == .unauthorized)
            #expect(bed.test.sink.events(.tokenRejected).last?.header.reason == "unknown_session")
            let second = try await Bed.signIn(client, "bob", with: first)
            #expect(second != first)
            #expect(bed.test.sink.events(.sessionEnded).map(\.header.reason) == ["replaced"])
            #expect(bed.test.sink.events(.sessionEnded).first?.body.actor?.id == "ann")
            #expect(try await client.execute(uri: "/me", method: .get, headers: [.cookie: first]).status == .unauthorized)
            #expect(bed.test.sink.events(.sessionUseAfterExpire).last?.header.reason == "replaced")
            #expect(String(buffer: try await client.execute(uri: "/me", method: .get, headers: [.cookie: second]).body).hasPrefix("bob"))
            bed.expectNoSecrets([chosen, first, second])
        }
    }

    @Test("a change of privilege gives a new id and the new rights, and the former id opens nothing", arguments: Way.allCases)
    func renew(_ way: Way) async throws {
        let bed = SessionBed()
        try await bed.test.application(try bed.router()).test(way.setup) { client in
            let before = try await Bed.signIn(client)
            let response = try await client.execute(uri: "/elevate", method: .post, headers: [.cookie: before])
            let after = try #require(Bed.cookie(response))
            #expect(after != before)
            let stale = try await client.execute(uri: "/me", method: .get, headers: [.cookie: before])
            #expect(stale.status == .unauthorized)
            // A parallel request with the former id must not make the browser forget the new one.
            #expect(stale.headers[.setCookie] == nil)
            let me = try await client.execute(uri: "/me", method: .get, headers: [.cookie: after])
            #expect(String(buffer: me.body) == #"ann ["admin", "reader"]"#)
            let renewed = try #require(bed.test.sink.events(.sessionRenewed).first)
            #expect(renewed.header.reason == "privilege_change")
            #expect(renewed.body.session == bed.test.sink.events(.sessionCreated).first?.body.session)
            bed.expectNoSecrets([before, after])
        }
    }

    @Test("idle and absolute ends are told once as expiry, then as use after it", arguments: Way.allCases)
    func expiry(_ way: Way) async throws {
        let bed = SessionBed { ($0.idleSeconds, $0.absoluteSeconds) = (600, 1500) }
        try await bed.test.application(try bed.router()).test(way.setup) { client in
            @Sendable func me(_ cookie: String) async throws -> TestResponse {
                try await client.execute(uri: "/me", method: .get, headers: [.cookie: cookie])
            }
            let idle = try await Bed.signIn(client)
            let used = try await Bed.signIn(client, "bob")
            for _ in 0..<2 {
                bed.test.clock.advance(seconds: 500)
                #expect(try await me(used).status == .ok)
            }
            let response = try await me(idle)
            #expect(response.status == .unauthorized)
            #expect(response.headers[.setCookie] == "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
            #expect(response.headers[.wwwAuthenticate] == "Bearer realm=\"shop\"")
            bed.test.clock.advance(seconds: 499)
            #expect(try await me(used).status == .ok)
            bed.test.clock.advance(seconds: 1)
            #expect(try await me(used).status == .unauthorized)
            for _ in 0..<3 { #expect(try await me(idle).status == .unauthorized) }
            #expect(bed.test.sink.events(.sessionExpired).map(\.header.reason) == ["idle_timeout", "absolute_timeout"])
            #expect(bed.test.sink.events(.sessionExpired).map(\.body.actor?.id) == ["ann", "bob"])
            #expect(bed.test.sink.events(.sessionUseAfterExpire).map(\.header.reason) == Array(repeating: "idle_timeout", count: 3))
            // Long after, the row is gone with the next sign-in.
            bed.test.clock.advance(seconds: 200_000)
            _ = try await Bed.signIn(client)
            bed.expectNoSecrets([idle, used])
        }
    }

    @Test("the last use is written at most once a minute")
    func touch() async throws {
        let counting = CountingStore()
        let test = TestApplication()
        let clock = test.clock
        let sessions = Sessions(store: counting, now: { clock.now })
        let router = TestApplication.router()
        router.post("login") { request, context in
            try await sessions.begin(Principal(id: "ann"), request: request, context: context)
            return "in"
        }
        router.group().add(middleware: Authentication(sessions.authenticator())).get("me") { _, _ in "ann" }
        try await test.application(router).test(.router) { client in
            let cookie = try #require(Bed.cookie(try await client.execute(uri: "/login", method: .post)))
            for second in 0..<300 {
                _ = try await client.execute(uri: "/me", method: .get, headers: [.cookie: cookie])
                if second < 299 { test.clock.advance(seconds: 1) }
            }
            #expect(counting.touches.withLock { $0 } == 4)
        }
    }

    @Test("where sessions are optional a stale one is nobody, with its event", arguments: Way.allCases)
    func optional(_ way: Way) async throws {
        let bed = SessionBed()
        try await bed.test.application(try bed.router()).test(way.setup) { client in
            let cookie = try await Bed.signIn(client)
            #expect(String(buffer: try await client.execute(uri: "/open", method: .get).body) == "nobody")
            #expect(String(buffer: try await client.execute(uri: "/open", method: .get, headers: [.cookie: cookie]).body) == "ann")
            bed.test.clock.advance(seconds: 1801)
            for stale in [cookie, cookie, "__Host-session=x", "__Host-session=" + Secret.make()] {
                let response = try await client.execute(uri: "/open", method: .get, headers: [.cookie: stale])
                #expect(String(buffer: response.body) == "nobody")
                #expect(response.status == .ok)
            }
            #expect(bed.test.sink.events(.sessionExpired).count == 1)
            #expect(bed.test.sink.events(.sessionUseAfterExpire).count == 1)
            #expect(bed.test.sink.events(.tokenRejected).map(\.header.reason) == ["malformed_session", "unknown_session"])
            #expect(bed.test.sink.requests.suffix(4).allSatisfy { $0.header.actorKind == .anonymous && $0.body.session == nil })
        }
    }

    @Test("one's own sessions are listed and ended; another's are not there", arguments: Way.allCases)
    func own(_ way: Way) async throws {
        let bed = SessionBed { $0.maximumPerAccount = 3 }
        try await bed.test.application(try bed.router()).test(way.setup) { client in
            @Sendable func list(_ cookie: String) async throws -> [JSONObject] {
                let response = try await client.execute(uri: "/sessions", method: .get, headers: [.cookie: cookie])
                let document = try JSONValue(parsing: response.body.readableBytesView)
                return (document.object?["sessions"]?.array ?? []).compactMap(\.object)
            }
            var cookies: [String] = []
            for _ in 0..<4 {
                cookies.append(try await Bed.signIn(client))
                bed.test.clock.advance(seconds: 1)
            }
            #expect(bed.test.sink.events(.sessionEnded).map(\.header.reason) == ["session_limit"])
            #expect(try await client.execute(uri: "/me", method: .get, headers: [.cookie: cookies[0]]).status == .unauthorized)
            let bob = try await Bed.signIn(client, "bob")
            let mine = try await list(cookies[3])
            #expect(mine.count == 3)
            #expect(mine.filter { $0["current"] == .bool(true) }.count == 1)
            let other = try #require(mine.first { $0["current"] == .bool(false) }?["id"]?.string)
            #expect(try await client.execute(uri: "/sessions/\(other)", method: .delete, headers: [.cookie: bob]).status == .notFound)
            #expect(try await client.execute(uri: "/sessions/%00", method: .delete, headers: [.cookie: bob]).status == .notFound)
            #expect(
                try await client.execute(uri: "/sessions/\(other)", method: .delete, headers: [.cookie: cookies[3]]).status == .noContent)
            #expect(try await list(cookies[3]).count == 2)
            #expect(try await client.execute(uri: "/sessions", method: .delete, headers: [.cookie: cookies[3]]).status == .noContent)
            #expect(try await list(cookies[3]).count == 1)
            #expect(try await list(bob).count == 1)
            let out = try await client.execute(uri: "/logout", method: .post, headers: [.cookie: cookies[3]])
            #expect(String(buffer: out.body) == "out")
            #expect(out.headers[.setCookie]?.contains("Max-Age=0") == true)
            #expect(try await client.execute(uri: "/me", method: .get, headers: [.cookie: cookies[3]]).status == .unauthorized)
            #expect(bed.test.sink.events(.sessionUseAfterExpire).last?.header.reason == "logout")
            #expect(bed.test.sink.events(.sessionUseAfterExpire).last?.header.severity == .medium)
            bed.expectNoSecrets(cookies + [bob])
        }
    }

    @Test("a principal that cannot be stored is refused, and no session is begun", arguments: Way.allCases)
    func unstorable(_ way: Way) async throws {
        let bed = SessionBed()
        let router = TestApplication.router()
        let sessions = bed.sessions
        router.post("login") { request, context in
            let id = String(repeating: "x", count: Int(request.uri.queryParameters["n"].flatMap { Int($0) } ?? 0))
            try await sessions.begin(Principal(id: id), request: request, context: context)
            return "in"
        }
        try await bed.test.application(router).test(way.setup) { client in
            for (count, status) in [(0, 500), (257, 500), (256, 200)] {
                let response = try await client.execute(uri: "/login?n=\(count)", method: .post)
                #expect(response.status.code == status)
            }
            #expect(bed.store.count == 1)
        }
    }
}

/// Counts how often a use is written.
final class CountingStore: SessionStoring {
    let base = MemorySessionStore()
    let touches = Mutex(0)

    func insert(_ session: StoredSession, limit: Int) async throws -> [StoredSession] { try await base.insert(session, limit: limit) }
    func session(_ id: SecretHash) async throws -> StoredSession? { try await base.session(id) }
    func touch(_ id: SecretHash, at time: Timestamp) async throws {
        touches.withLock { $0 += 1 }
        try await base.touch(id, at: time)
    }
    func renew(_ handle: String, id: SecretHash, principal: StoredPrincipal, at time: Timestamp) async throws -> StoredSession? {
        try await base.renew(handle, id: id, principal: principal, at: time)
    }
    func end(_ id: SecretHash, reason: String, at time: Timestamp, keepUntil: Timestamp) async throws -> StoredSession? {
        try await base.end(id, reason: reason, at: time, keepUntil: keepUntil)
    }
    func end(
        _ selection: SessionSelection, of account: String, reason: String, at time: Timestamp, keepUntil: Timestamp
    ) async throws -> [StoredSession] { try await base.end(selection, of: account, reason: reason, at: time, keepUntil: keepUntil) }
    func sessions(of account: String, at time: Timestamp) async throws -> [StoredSession] { try await base.sessions(of: account, at: time) }
}
