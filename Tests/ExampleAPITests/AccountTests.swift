import AuditEvents
import AuditMiddleware
import AuditTesting
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

/// Second factors, administrators, and the endpoints of OAuth 2.
@Suite struct AccountTests {
    private func object(_ response: TestResponse) throws -> JSONObject {
        try #require(try JSONValue(parsing: response.body.readableBytesView).object)
    }

    @Test("with a second factor the password is not enough, a code is good once, and a recovery code too", arguments: Way.allCases)
    func secondFactor(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let alice = try await server.logIn(client, "alice").access
            let setup = try object(try await server.send(client, .post, "/me/second-factor", token: alice))
            let secret = try #require(setup["secret"]?.string.flatMap(Self.unbase32))
            let codes = try #require(OneTimeCodeSecret(secret: secret))
            func now() -> Int64 { server.clock.now.microseconds / 1_000_000 }
            func confirm(_ code: String) async throws -> TestResponse {
                try await server.send(
                    client, .put, "/me/second-factor", token: alice, json: ["ticket": setup["ticket"] ?? .null, "code": .string(code)])
            }
            #expect(try await confirm("000000").status == .badRequest)
            let recovery = try object(try await confirm(codes.code(at: now())))["recovery_codes"]?.array?.compactMap(\.string) ?? []
            #expect(recovery.count > 4)

            func logIn(_ code: String?) async throws -> TestResponse {
                var json: JSONObject = ["username": "alice", "password": "alice-demo-password"]
                if let code { json["code"] = .string(code) }
                return try await server.send(client, .post, "/login", json: .object(json))
            }
            let wanted = try await logIn(nil)
            #expect(wanted.status == .unauthorized)
            #expect(try object(wanted)["type"] == "urn:cardea:problem:second-factor-required")
            server.clock.advance(seconds: 30)
            #expect(try await logIn(codes.code(at: now())).status == .ok)
            #expect(try await logIn(codes.code(at: now())).status == .unauthorized)
            #expect(server.sink.events(.loginFailure).last?.header.reason == "code_reused")
            #expect(try await logIn(recovery[0]).status == .ok)
            #expect(try await logIn(recovery[0]).status == .unauthorized)
            #expect(
                try await client.execute(
                    uri: "/admin/users", method: .get, headers: [.authorization: "Basic YWxpY2U6YWxpY2UtZGVtby1wYXNzd29yZA=="]
                ).status == .unauthorized)

            let carol = try await server.logIn(client, "carol").access
            #expect(try await server.send(client, .delete, "/admin/users/alice/second-factor", token: carol).status == .noContent)
            #expect(try await logIn(nil).status == .ok)
            for text in [setup["secret"]?.string ?? "-", setup["ticket"]?.string ?? "-", recovery[0]] {
                #expect(!server.sink.text.contains(text))
            }
        }
    }

    @Test("an administrator's changes take effect at once, and leave who was given what", arguments: Way.allCases)
    func administration(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let (bob, carol) = (try await server.logIn(client, "bob"), try await server.logIn(client, "carol"))
            let roles: JSONValue = ["roles": ["reader", "editor"]]
            #expect(try await server.send(client, .put, "/admin/users/bob/roles", token: bob.access, json: roles).status == .forbidden)
            #expect(try await server.send(client, .put, "/admin/users/bob/roles", token: carol.access, json: roles).status == .noContent)
            let change = try #require(server.sink.events(.authorizationChange).last)
            #expect(change.body.target == "bob" && change.body.actor?.id == "carol" && change.header.privileged)
            #expect(change.body.details["former_roles"] == ["reader"] && change.body.details["roles"] == ["editor", "reader"])
            #expect(try await server.send(client, .get, "/me", token: bob.access).status == .unauthorized)
            server.clock.advance(seconds: 1)
            let again = try await server.logIn(client, "bob")
            let book: JSONValue = ["title": "Crypto", "author": "Steven Levy"]
            #expect(try await server.send(client, .post, "/books", token: again.access, json: book).status == .created)

            #expect(
                try await server.send(client, .put, "/admin/users/bob/roles", token: carol.access, json: ["roles": ["root"]]).status
                    == .badRequest)
            #expect(try await server.send(client, .put, "/admin/users/nobody/roles", token: carol.access, json: roles).status == .notFound)
            #expect(
                try await server.send(client, .put, "/admin/users/bob/disabled", token: carol.access, json: ["disabled": true]).status
                    == .noContent)
            #expect(try await server.send(client, .get, "/me", token: again.access).status == .unauthorized)
            let refused = try await server.send(client, .post, "/login", json: ["username": "bob", "password": "bob-demo-password"])
            #expect(refused.status == .unauthorized)
            #expect(server.sink.events(.loginFailure).last?.header.reason == "disabled")
        }
    }

    @Test("an administrator's script signs in by name and password, and is locked out like anybody", arguments: Way.allCases)
    func basic(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            func list(_ credentials: String) async throws -> TestResponse {
                try await client.execute(uri: "/admin/users", method: .get, headers: [.authorization: "Basic \(credentials)"])
            }
            let (right, wrong) = ("Y2Fyb2w6Y2Fyb2wtZGVtby1wYXNzd29yZA==", "Y2Fyb2w6eA==")
            #expect(try await list(right).status == .ok)
            let refused = try await list(wrong)
            #expect(refused.status == .unauthorized)
            #expect(refused.headers[values: .wwwAuthenticate].contains { $0.hasPrefix("Basic ") })
            for _ in 0..<2 { #expect(try await list(wrong).status == .unauthorized) }
            #expect(try await list(right).status == .tooManyRequests)
            #expect(server.sink.events(.loginLocked).count == 1)
        }
    }

    @Test("the endpoints of OAuth 2 take forms, and answer as RFC 6749 and RFC 7009 say", arguments: Way.allCases)
    func endpoints(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            func post(_ uri: String, _ form: String) async throws -> TestResponse {
                try await client.execute(
                    uri: uri, method: .post, headers: [.contentType: "application/x-www-form-urlencoded"], body: ByteBuffer(string: form))
            }
            let tokens = try await server.logIn(client, "alice")
            let renewed = try server.tokens(try await post("/oauth/token", "grant_type=refresh_token&refresh_token=\(tokens.refresh)"))
            let reused = try await post("/oauth/token", "grant_type=refresh_token&refresh_token=\(tokens.refresh)")
            #expect(reused.status == .badRequest)
            #expect(try object(reused)["error"] == "invalid_grant")
            #expect(server.sink.events(.tokenReuse).count == 1)
            #expect(try await server.send(client, .get, "/me", token: renewed.access).status == .unauthorized)
            #expect(try object(try await post("/oauth/token", "grant_type=password"))["error"] == "unsupported_grant_type")

            let more = try await server.logIn(client, "alice")
            #expect(try await post("/oauth/revoke", "token=\(more.refresh)").status == .ok)
            #expect(try await server.send(client, .get, "/me", token: more.access).status == .unauthorized)
            #expect(try await post("/oauth/revoke", "token=unknown").status == .ok)
        }
    }

    private static func unbase32(_ text: String) -> [UInt8]? {
        var (bits, count, bytes) = (UInt32(0), 0, [UInt8]())
        for c in text.utf8 where c != UInt8(ascii: "=") {
            guard let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8.enumerated().first(where: { $0.element == c })?.offset else {
                return nil
            }
            (bits, count) = (bits << 5 | UInt32(value), count + 5)
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
