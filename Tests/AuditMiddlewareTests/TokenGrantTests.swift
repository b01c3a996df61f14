import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

@Suite struct TokenGrantTests {
    typealias Bed = TokenBed

    @Test("a refresh token is exchanged once for the next pair, with the rights as they are now", arguments: Way.allCases)
    func rotation(_ way: Way) async throws {
        let bed = try Bed()
        try await bed.test.application(bed.router()).test(way.setup) { client in
            let first = try await Bed.logIn(client)
            #expect(String(buffer: try await Bed.me(client, first.access).body) == #"["reader"]"#)
            let claims = try bed.verifier.verify(first.access)
            #expect(claims.claims["scope"] == .string("a b"))
            var pairs = [first]
            for _ in 0..<3 {
                bed.test.clock.advance(seconds: 60)
                let response = try await Bed.refresh(client, pairs[pairs.count - 1].refresh)
                #expect(response.headers[.cacheControl] == "no-store")
                pairs.append(try Bed.Pair(response))
            }
            #expect(Set(pairs.map(\.refresh)).count == 4)
            #expect(String(buffer: try await Bed.me(client, pairs[3].access).body) == #"["reader", "writer"]"#)
            #expect(bed.test.sink.events(.sessionRenewed).count == 3)
            #expect(Set(bed.test.sink.events.compactMap(\.body.session)).count == 1)
            #expect(bed.families.count == 1)
            bed.expectNoSecrets(pairs)
        }
    }

    @Test("a spent token, however old, ends the sign-in at once, its access tokens too", arguments: Way.allCases)
    func reuse(_ way: Way) async throws {
        let bed = try Bed()
        try await bed.test.application(bed.router()).test(way.setup) { client in
            var pairs = [try await Bed.logIn(client)]
            let other = try await Bed.logIn(client)
            for _ in 0..<80 { pairs.append(try Bed.Pair(try await Bed.refresh(client, pairs[pairs.count - 1].refresh))) }
            let before = bed.test.sink.events.count
            let response = try await Bed.refresh(client, pairs[0].refresh)
            #expect(response.status == .badRequest)
            #expect(try JSONValue(parsing: response.body.readableBytesView).object?["error"]?.string == "invalid_grant")
            let events = bed.test.sink.events[before...]
            #expect(events.map(\.header.type) == [.tokenReuse, .sessionEnded, .httpRequest])
            #expect(events.map(\.header.reason) == ["refresh_reused", "refresh_reused", "refresh_reused"])
            #expect(events.first?.header.severity == .high)
            #expect(events.first?.body.actor?.id == "ann")
            // The thief's and the owner's alike.
            #expect(try await Bed.refresh(client, pairs[80].refresh).status == .badRequest)
            #expect(bed.test.sink.events(.tokenRejected).last?.header.reason == "revoked")
            #expect(try await Bed.me(client, pairs[80].access).status == .unauthorized)
            #expect(try await Bed.me(client, pairs[0].access).status == .unauthorized)
            #expect(bed.test.sink.events(.tokenRejected).last?.header.reason == "revoked")
            // Again: known as reuse still, and no second end.
            #expect(try await Bed.refresh(client, pairs[5].refresh).status == .badRequest)
            #expect(bed.test.sink.events(.tokenReuse).count == 2)
            #expect(bed.test.sink.events(.sessionEnded).count == 1)
            #expect(try await Bed.me(client, other.access).status == .ok)
            bed.expectNoSecrets(pairs + [other])
        }
    }

    @Test("of one token sent many times at once one is exchanged, and the sign-in ends", arguments: Way.allCases)
    func race(_ way: Way) async throws {
        let bed = try Bed()
        try await bed.test.application(bed.router()).test(way.setup) { client in
            let pair = try await Bed.logIn(client)
            let good = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 { group.addTask { try await Bed.refresh(client, pair.refresh).status == .ok ? 1 : 0 } }
                return try await group.reduce(0, +)
            }
            #expect(good == 1)
            #expect(bed.test.sink.events(.tokenReuse).count == 5)
            #expect(bed.test.sink.events(.sessionEnded).count == 1)
        }
    }

    @Test("within a grace a lost answer can be asked for again; afterwards it is reuse", arguments: Way.allCases)
    func grace(_ way: Way) async throws {
        let bed = try Bed { $0.graceSeconds = 10 }
        try await bed.test.application(bed.router()).test(way.setup) { client in
            let first = try await Bed.logIn(client)
            let lost = try Bed.Pair(try await Bed.refresh(client, first.refresh))
            bed.test.clock.advance(seconds: 5)
            let second = try Bed.Pair(try await Bed.refresh(client, first.refresh))
            let third = try Bed.Pair(try await Bed.refresh(client, second.refresh))
            #expect(bed.test.sink.events(.tokenReuse).isEmpty)
            // The other answer's token fell with the rotation of its sibling.
            #expect(try await Bed.refresh(client, lost.refresh).status == .badRequest)
            #expect(bed.test.sink.events(.tokenReuse).count == 1)
            #expect(try await Bed.refresh(client, third.refresh).status == .badRequest)
            let late = try await Bed.logIn(client)
            _ = try await Bed.refresh(client, late.refresh)
            bed.test.clock.advance(seconds: 10)
            #expect(try await Bed.refresh(client, late.refresh).status == .badRequest)
            #expect(bed.test.sink.events(.tokenReuse).count == 2)
            bed.expectNoSecrets([first, lost, second, third, late])
        }
    }

    @Test("a sign-in ends when it is not refreshed, and in any case at its deadline", arguments: Way.allCases)
    func ends(_ way: Way) async throws {
        let bed = try Bed { ($0.idleSeconds, $0.absoluteSeconds) = (1000, 2500) }
        try await bed.test.application(bed.router()).test(way.setup) { client in
            let idle = try await Bed.logIn(client)
            var used = try await Bed.logIn(client)
            for _ in 0..<3 {
                bed.test.clock.advance(seconds: 800)
                used = try Bed.Pair(try await Bed.refresh(client, used.refresh))
            }
            bed.test.clock.advance(seconds: 100)
            for token in [idle.refresh, used.refresh] {
                #expect(try await Bed.refresh(client, token).status == .badRequest)
                #expect(bed.test.sink.events(.tokenRejected).last?.header.reason == "expired")
            }
        }
    }

    @Test("an account that may not go on gets no more tokens", arguments: Way.allCases)
    func reload(_ way: Way) async throws {
        let bed = try Bed()
        try await bed.test.application(bed.router()).test(way.setup) { client in
            let pair = try await Bed.logIn(client, "gone")
            #expect(try await Bed.refresh(client, pair.refresh).status == .badRequest)
            #expect(bed.test.sink.events(.sessionEnded).map(\.header.reason) == ["account_refused"])
            #expect(try await Bed.me(client, pair.access).status == .unauthorized)
        }
    }

    @Test("revocation answers 200 whatever the token was, and ends what it belongs to", arguments: Way.allCases)
    func revocation(_ way: Way) async throws {
        let bed = try Bed()
        try await bed.test.application(bed.router()).test(way.setup) { client in
            let (one, two) = (try await Bed.logIn(client), try await Bed.logIn(client))
            let next = try Bed.Pair(try await Bed.refresh(client, two.refresh))
            for form in ["token=\(one.refresh)&token_type_hint=refresh_token", "token_type_hint=access_token&token=\(next.access)"] {
                #expect(try await Bed.post(client, "/oauth/revoke", form).status == .ok)
            }
            #expect(try await Bed.me(client, one.access).status == .unauthorized)
            #expect(try await Bed.refresh(client, one.refresh).status == .badRequest)
            // Of the second only this access token: its sign-in goes on.
            #expect(try await Bed.me(client, next.access).status == .unauthorized)
            #expect(try await Bed.me(client, two.access).status == .ok)
            #expect(try await Bed.refresh(client, next.refresh).status == .ok)
            #expect(bed.test.sink.events(.tokenRevoked).count == 2)
            for token in ["x", one.refresh, Forge.token(), String(repeating: "A", count: 86), String(repeating: "%41", count: 4000)] {
                let before = bed.test.sink.events.count
                #expect(try await Bed.post(client, "/oauth/revoke", "token=\(token)").status == .ok)
                let types = bed.test.sink.events[before...].map(\.header.type)
                #expect(types == [.tokenRejected, .httpRequest] || types == [.tokenRevoked, .httpRequest])
            }
            bed.expectNoSecrets([one, two, next])
        }
    }

    @Test("signing out ends one sign-in, logout everywhere all, and a new one is good at once", arguments: Way.allCases)
    func logout(_ way: Way) async throws {
        let bed = try Bed { $0.maximumPerAccount = 3 }
        try await bed.test.application(bed.router()).test(way.setup) { client in
            let pairs = [try await Bed.logIn(client), try await Bed.logIn(client), try await Bed.logIn(client)]
            let bob = try await Bed.logIn(client, "bob")
            @Sendable func post(_ uri: String, _ pair: Bed.Pair) async throws -> String {
                String(buffer: try await client.execute(uri: uri, method: .post, headers: [.authorization: "Bearer \(pair.access)"]).body)
            }
            #expect(try await post("/logout", pairs[0]) == "out")
            #expect(try await Bed.me(client, pairs[0].access).status == .unauthorized)
            #expect(try await Bed.me(client, pairs[1].access).status == .ok)
            #expect(try await post("/everywhere", pairs[1]) == "2")
            for pair in pairs {
                #expect(try await Bed.me(client, pair.access).status == .unauthorized)
                #expect(try await Bed.refresh(client, pair.refresh).status == .badRequest)
            }
            #expect(try await Bed.me(client, bob.access).status == .ok)
            let new = try await Bed.logIn(client)
            #expect(try await Bed.me(client, new.access).status == .ok)
            // A token of this issuer without a sign-in is revoked by its account and time.
            let bare = try bed.grants.issuer.issue(subject: "ann", lifetimeSeconds: 600)
            #expect(try await Bed.me(client, bare).status == .unauthorized)
            bed.test.clock.advance(seconds: 1)
            let later = try bed.grants.issuer.issue(subject: "ann", lifetimeSeconds: 600)
            #expect(try await Bed.me(client, later).status == .ok)
            bed.test.clock.advance(seconds: 5)
            for _ in 0..<3 {
                bed.test.clock.advance(seconds: 1)
                _ = try await Bed.logIn(client)
            }
            #expect(try await Bed.me(client, new.access).status == .unauthorized)
            #expect(bed.test.sink.events(.sessionEnded).last?.header.reason == "session_limit")
        }
    }
}
