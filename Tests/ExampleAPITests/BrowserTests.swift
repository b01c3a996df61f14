import AuditEvents
import AuditMiddleware
import AuditTesting
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

/// Browsers, which come with a cookie.
@Suite struct BrowserTests {
    private func signIn(
        _ client: any TestClientProtocol, _ username: String = "alice", headers: HTTPFields = [.secFetchSite: "same-origin"]
    ) async throws -> TestResponse {
        var headers = headers
        headers[.contentType] = "application/json"
        return try await client.execute(
            uri: "/session", method: .post, headers: headers,
            body: ByteBuffer(string: #"{"username":"\#(username)","password":"\#(username)-demo-password"}"#))
    }

    private func cookie(_ response: TestResponse) throws -> String {
        String(try #require(response.headers[.setCookie]).prefix { $0 != ";" })
    }

    private func send(
        _ client: any TestClientProtocol, _ method: HTTPRequest.Method, _ uri: String, _ cookie: String, site: String? = "same-origin",
        json: String? = nil
    ) async throws -> TestResponse {
        var headers: HTTPFields = [.cookie: cookie]
        if let site { headers[.secFetchSite] = site }
        if json != nil { headers[.contentType] = "application/json" }
        return try await client.execute(uri: uri, method: method, headers: headers, body: json.map { ByteBuffer(string: $0) })
    }

    @Test("a cookie signs in, is a host's own, and is gone with the sign-out", arguments: Way.allCases)
    func life(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let response = try await signIn(client)
            #expect(response.status == .created)
            let field = try #require(response.headers[.setCookie])
            #expect(field.hasPrefix("__Host-session=") && field.contains("Secure") && field.contains("HttpOnly"))
            let cookie = try cookie(response)
            #expect(server.sink.events.map(\.header.type) == [.loginSuccess, .sessionCreated, .httpRequest])
            for uri in ["/me", "/books", "/sessions"] { #expect(try await send(client, .get, uri, cookie).status == .ok) }
            #expect(try await send(client, .get, "/admin/users", cookie).status == .unauthorized)
            #expect(try await send(client, .post, "/logout", cookie).status == .noContent)
            #expect(try await send(client, .get, "/me", cookie).status == .unauthorized)
            #expect(server.sink.events(.sessionUseAfterExpire).count == 1)
            #expect(!server.sink.text.contains(cookie.dropFirst(15)))
        }
    }

    @Test("another site's page can neither act nor sign in, and an id that was planted signs nobody in", arguments: Way.allCases)
    func foreign(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let cookie = try cookie(try await signIn(client))
            let book = #"{"title":"Crypto","author":"Steven Levy"}"#
            #expect(try await send(client, .post, "/books", cookie, site: "cross-site", json: book).status == .forbidden)
            #expect(server.sink.events(.maliciousCORS).last?.header.reason == "cross_site")
            #expect(try await send(client, .post, "/books", cookie, site: nil, json: book).status == .forbidden)
            #expect(try await send(client, .post, "/books", cookie, json: book).status == .created)
            #expect(try await signIn(client, headers: [.secFetchSite: "cross-site"]).status == .forbidden)

            let planted = "__Host-session=" + String(repeating: "A", count: 43)
            let response = try await signIn(client, headers: [.secFetchSite: "same-origin", .cookie: planted])
            #expect(try self.cookie(response) != planted)
            #expect(try await send(client, .get, "/me", planted).status == .unauthorized)
        }
    }

    @Test("one sees one's own sessions alone, and ends them", arguments: Way.allCases)
    func list(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let (first, second) = (try cookie(try await signIn(client)), try cookie(try await signIn(client)))
            let other = try cookie(try await signIn(client, "bob"))
            func list(_ cookie: String) async throws -> [JSONObject] {
                let response = try await send(client, .get, "/sessions", cookie)
                return try JSONValue(parsing: response.body.readableBytesView).object?["sessions"]?.array?.compactMap(\.object) ?? []
            }
            let sessions = try await list(second)
            #expect(sessions.count == 2)
            let id = try #require(sessions.first { $0["current"] == false }?["id"]?.string)
            #expect(try await send(client, .delete, "/sessions/\(id)", other).status == .notFound)
            #expect(try await send(client, .delete, "/sessions/\(id)", second).status == .noContent)
            #expect(try await send(client, .get, "/me", first).status == .unauthorized)
            #expect(try await list(second).count == 1)
        }
    }

    @Test("a change of the password gives this browser another id, and signs out all others", arguments: Way.allCases)
    func password(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let (here, there) = (try cookie(try await signIn(client)), try cookie(try await signIn(client)))
            let tokens = try await server.logIn(client, "alice")
            let change = #"{"current":"alice-demo-password","new":"correct horse battery staple"}"#
            let response = try await send(client, .post, "/me/password", here, json: change)
            #expect(response.status == .noContent)
            let renewed = try cookie(response)
            #expect(renewed != here)
            #expect(try await send(client, .get, "/me", renewed).status == .ok)
            for former in [here, there] { #expect(try await send(client, .get, "/me", former).status == .unauthorized) }
            server.clock.advance(seconds: 1)
            #expect(try await server.send(client, .get, "/me", token: tokens.access).status == .unauthorized)
            #expect(server.sink.events(.passwordChange).count == 1)
            #expect(try await signIn(client).status == .unauthorized)
            _ = try await server.logIn(client, "alice", password: "correct horse battery staple")
            // What everybody guesses first is not taken.
            let common = try await send(
                client, .post, "/me/password", renewed, json: #"{"current":"correct horse battery staple","new":"passwordpassword"}"#)
            #expect(common.status == .badRequest)
        }
    }
}

extension HTTPField.Name {
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
