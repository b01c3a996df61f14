import AuditEvents
import AuditMiddleware
import AuditTesting
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@Suite struct SignInTests {
    @Test("a sign-in gives tokens and leaves login, session and request", arguments: Way.allCases)
    func signIn(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let tokens = try await server.logIn(client, "alice")
            let events = server.sink.events
            #expect(events.map(\.header.type) == [.loginSuccess, .sessionCreated, .httpRequest])
            for event in events {
                #expect(event.header.outcome == .success)
                #expect(event.header.route == "/login")
                #expect(event.header.source == "example")
                #expect(event.header.actorKind == .user)
                #expect(event.body.actor == .init(id: "alice", name: "alice"))
                // At the sign-in there is no session yet.
                if event.header.type != .loginSuccess {
                    #expect(event.body.session.map(Fingerprinter.isFingerprint) == true)
                    #expect(event.body.token?.fingerprint == server.fingerprinter.fingerprint(tokens.access, purpose: .token))
                }
                #expect(event.body.requestID == events[0].body.requestID)
                #expect(event.body.client?.userAgent == "honest/1")
            }
            let response = try await server.send(client, .get, "/me", token: tokens.access)
            #expect(String(buffer: response.body) == #"{"id":"alice","roles":["editor"]}"#)
            #expect(server.sink.events.last?.body.session == events[1].body.session)
            #expect(server.sink.events.last?.body.token?.fingerprint == events[1].body.token?.fingerprint)
        }
    }

    @Test("a wrong password and an unknown account are answered alike and recorded apart", arguments: Way.allCases)
    func failure(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            var bodies: Set<String> = []
            for (username, reason) in [("alice", "bad_password"), ("mallory", "unknown_account"), ("ALICE", "bad_password")] {
                let before = server.sink.events.count
                let response = try await server.send(
                    client, .post, "/login", json: ["username": .string(username), "password": "SECRET-guess"])
                #expect(response.status == .unauthorized)
                #expect(response.headers[.wwwAuthenticate] == "Bearer realm=\"example\"")
                bodies.insert(String(buffer: response.body))
                let events = server.sink.events[before...]
                #expect(events.map(\.header.type) == [.loginFailure, .httpRequest])
                let event = try #require(events.first)
                #expect(event.header.outcome == .failure)
                #expect(event.header.reason == reason)
                #expect(event.body.actor?.name == username.lowercased())
                #expect(event.body.actor?.id == (reason == "bad_password" ? username.lowercased() : nil))
                #expect(event.header.actorKind == .anonymous)
                #expect(events.last?.header.outcome == .denied)
                #expect(events.last?.header.status == 401)
            }
            #expect(bodies.count == 1)
            #expect(!server.sink.text.contains("SECRET"))
        }
    }

    @Test("guessing is recorded to the end, though after three guesses nobody judges them", arguments: Way.allCases)
    func bruteForce(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            var statuses: [Int] = []
            for i in 0..<40 {
                let response = try await server.send(client, .post, "/login", json: ["username": "bob", "password": .string("guess \(i)")])
                statuses.append(response.status.code)
                if response.status == .tooManyRequests { #expect(response.headers[.retryAfter] != nil) }
            }
            #expect(statuses == Array(repeating: 401, count: 3) + Array(repeating: 429, count: 37))
            // Thirty reach the sign-in in a minute, and all thirty count as guesses.
            #expect(
                server.sink.events(.loginFailure).map(\.header.reason) == Array(repeating: "bad_password", count: 3)
                    + Array(repeating: "locked", count: 27))
            #expect(server.sink.events(.loginLocked).count == 1)
            let throttled = server.sink.events(.rateLimitExceeded)
            #expect(throttled.count == 10)
            #expect(throttled.allSatisfy { $0.header.reason == "login" && $0.header.route == "/login" })
            // Others' routes are not closed by it, nor other accounts; and after the lock neither is this one.
            #expect(try await server.send(client, .get, "/health").status == .ok)
            server.clock.advance(seconds: 120)
            _ = try await server.logIn(client, "carol")
            let early = try await server.send(client, .post, "/login", json: ["username": "bob", "password": "bob-demo-password"])
            #expect(early.status == .tooManyRequests)
            server.clock.advance(seconds: 900)
            _ = try await server.logIn(client, "bob")
            #expect(server.sink.events(.loginSuccessAfterFailure).count == 1)
        }
    }

    @Test("a refresh token is good once; used again it ends the session and all its tokens", arguments: Way.allCases)
    func rotation(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let first = try await server.logIn(client, "bob")
            let other = try await server.logIn(client, "bob")
            let second = try server.tokens(
                try await server.send(client, .post, "/token/refresh", json: ["refresh_token": .string(first.refresh)]))
            #expect(second.refresh != first.refresh)
            let renewed = try #require(server.sink.events(.sessionRenewed).first)
            #expect(renewed.body.actor?.id == "bob")
            #expect(renewed.body.session == server.sink.events(.sessionCreated).first?.body.session)
            #expect(try await server.send(client, .get, "/me", token: second.access).status == .ok)

            let reuse = try await server.send(
                client, .post, "/token/refresh", json: ["refresh_token": .string(first.refresh)], agent: "thief/1")
            #expect(reuse.status == .unauthorized)
            let event = try #require(server.sink.events(.tokenReuse).first)
            #expect(event.header.severity == .high)
            #expect(event.header.outcome == .denied)
            #expect(event.body.actor?.id == "bob")
            #expect(event.body.session == renewed.body.session)
            #expect(event.body.client?.userAgent == "thief/1")
            #expect(event.body.token?.fingerprint == server.fingerprinter.fingerprint(first.refresh, purpose: .token))
            #expect(server.sink.events(.sessionEnded).first?.header.reason == "refresh_reused")

            for token in [first.access, second.access] {
                #expect(try await server.send(client, .get, "/me", token: token).status == .unauthorized)
                #expect(server.sink.events(.tokenRejected).last?.header.reason == "revoked")
            }
            #expect(
                try await server.send(client, .post, "/token/refresh", json: ["refresh_token": .string(second.refresh)]).status
                    == .unauthorized)
            #expect(server.sink.events(.tokenReuse).count == 1)
            #expect(server.sink.events(.tokenRejected).last?.header.reason == "revoked")
            #expect(
                try await server.send(client, .post, "/token/refresh", json: ["refresh_token": .string(first.refresh)]).status
                    == .unauthorized)
            #expect(server.sink.events(.tokenReuse).count == 2)
            #expect(server.sink.events(.sessionEnded).count == 1)
            // Another session of the same user goes on.
            #expect(try await server.send(client, .get, "/me", token: other.access).status == .ok)
            #expect(try await server.send(client, .post, "/token/refresh", json: ["refresh_token": "made up"]).status == .unauthorized)
            #expect(server.sink.events(.tokenRejected).last?.header.reason == "malformed")
            for secret in [first.access, first.refresh, second.access, second.refresh] { #expect(!server.sink.text.contains(secret)) }
        }
    }

    @Test("after a sign-out the token is revoked", arguments: Way.allCases)
    func logOut(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let tokens = try await server.logIn(client, "bob")
            #expect(try await server.send(client, .post, "/logout", token: tokens.access).status == .noContent)
            let types = server.sink.events.suffix(3).map(\.header.type)
            #expect(types == [.tokenRevoked, .sessionEnded, .httpRequest])
            #expect(server.sink.events(.sessionEnded).first?.header.reason == "logout")
            #expect(server.sink.events(.sessionEnded).first?.body.actor?.id == "bob")
            #expect(try await server.send(client, .get, "/me", token: tokens.access, agent: "thief/1").status == .unauthorized)
            let event = try #require(server.sink.events(.tokenRejected).first)
            #expect(event.header.reason == "revoked")
            #expect(event.header.severity == .high)
            #expect(event.body.actor?.id == "bob")
            #expect(event.body.client?.userAgent == "thief/1")
            #expect(
                try await server.send(client, .post, "/token/refresh", json: ["refresh_token": .string(tokens.refresh)]).status
                    == .unauthorized)
        }
    }

    @Test("an access token and a session end with their time", arguments: Way.allCases)
    func expiry(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let tokens = try await server.logIn(client, "bob")
            server.clock.advance(seconds: 899)
            #expect(try await server.send(client, .get, "/me", token: tokens.access).status == .ok)
            server.clock.advance(seconds: 1)
            #expect(try await server.send(client, .get, "/me", token: tokens.access).status == .unauthorized)
            #expect(server.sink.events(.tokenRejected).last?.header.reason == "expired")
            server.clock.advance(seconds: 86_400)
            #expect(
                try await server.send(client, .post, "/token/refresh", json: ["refresh_token": .string(tokens.refresh)]).status
                    == .unauthorized)
            #expect(server.sink.events(.tokenRejected).last?.header.reason == "expired")
        }
    }

    @Test("a stolen token is seen under one fingerprint with two agents", arguments: Way.allCases)
    func stolen(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let tokens = try await server.logIn(client, "bob")
            for agent in ["honest/1", "thief/1"] {
                #expect(try await server.send(client, .get, "/books", token: tokens.access, agent: agent).status == .ok)
            }
            let seen = server.sink.requests.filter { $0.header.route == "/books" }
            #expect(Set(seen.compactMap(\.body.token?.fingerprint)).count == 1)
            #expect(seen.compactMap(\.body.client?.userAgent) == ["honest/1", "thief/1"])
        }
    }

    @Test(
        "what is no login is refused without telling more",
        arguments: [
            (#"{"username":"alice"}"#, 400), (#"{"username":1,"password":"x"}"#, 400),
            (#"{"username":1000000000000000000000,"password":"x"}"#, 400),
            (#"{"username":"","password":"x"}"#, 400),
            (#"{"username":"alice","password":"alice-demo-password","password":"x"}"#, 400), ("[]", 400), ("", 400), ("{", 400),
            (#"{"username":"\#(String(repeating: "a", count: 65))","password":"x"}"#, 400),
            (#"{"username":"alice","password":"\#(String(repeating: "a", count: 20_000))"}"#, 413),
            (String(repeating: "[", count: 10_000), 400), (#"{"username":"al\u0000ice","password":"x"}"#, 401),
            ("{\"username\":\"\u{1b}[31mred\",\"password\":\"x\"}", 400), ("\u{feff}{}", 400),
        ])
    func malformed(_ body: String, _ status: Int) async throws {
        try await ExampleServer().run(.router) { server, client in
            let response = try await client.execute(
                uri: "/login", method: .post, headers: [.contentType: "application/json; charset=utf-8"], body: ByteBuffer(string: body))
            #expect(response.status.code == status)
            #expect(server.sink.requests.map(\.header.status) == [Int16(status)])
            #expect(server.sink.events(.loginSuccess).isEmpty)
        }
    }
}
