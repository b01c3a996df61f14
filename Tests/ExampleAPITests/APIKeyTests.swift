import AuditEvents
import AuditMiddleware
import AuditTesting
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

/// API keys as a program uses them.
@Suite struct APIKeyTests {
    private func send(_ client: any TestClientProtocol, _ method: HTTPRequest.Method, _ uri: String, key: String) async throws
        -> TestResponse
    {
        let body = #"{"title":"Crypto","author":"Steven Levy"}"#
        return try await client.execute(
            uri: uri, method: method, headers: [.apiKey: key, .contentType: "application/json"],
            body: method == .post ? ByteBuffer(string: body) : nil)
    }

    private func issue(_ server: ExampleServer, _ client: any TestClientProtocol, token: String) async throws -> (id: String, key: String) {
        let response = try await server.send(client, .post, "/api-keys", token: token, json: ["label": "till-2"])
        #expect(response.status == .created)
        let object = try JSONValue(parsing: response.body.readableBytesView).object
        return (try #require(object?["id"]?.string), try #require(object?["key"]?.string))
    }

    @Test("a key does what its owner may on the books, makes no keys, and ends with its revocation", arguments: Way.allCases)
    func life(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let alice = try await server.logIn(client, "alice").access
            let bob = try await server.logIn(client, "bob").access
            let (id, key) = try await issue(server, client, token: alice)
            let (_, reading) = try await issue(server, client, token: bob)

            #expect(try await send(client, .get, "/books", key: key).status == .ok)
            #expect(server.sink.requests.last?.body.actor?.id == "alice")
            #expect(server.sink.requests.last?.header.actorKind == .service)
            #expect(try await send(client, .post, "/books", key: key).status == .created)
            #expect(try await send(client, .post, "/books", key: reading).status == .forbidden)
            for (method, uri) in [(HTTPRequest.Method.post, "/api-keys"), (.get, "/api-keys"), (.get, "/me"), (.get, "/admin/users")] {
                #expect(try await send(client, method, uri, key: key).status == .unauthorized, "\(method) \(uri)")
            }
            let listed = try await server.send(client, .get, "/api-keys", token: alice)
            let text = String(buffer: listed.body)
            #expect(text.contains(id) && text.contains("till-2") && !text.contains(key))

            // Neither another's key nor one that is not there is told apart, and neither is revoked.
            #expect(try await server.send(client, .delete, "/api-keys/\(id)", token: bob).status == .notFound)
            #expect(try await server.send(client, .delete, "/api-keys/0000000000000000", token: alice).status == .notFound)
            #expect(try await server.send(client, .delete, "/api-keys/\(id)", token: alice).status == .noContent)
            #expect(try await server.send(client, .delete, "/api-keys/\(id)", token: alice).status == .notFound)
            server.clock.advance(seconds: 1)
            let refused = try await send(client, .get, "/books", key: key)
            #expect(refused.status == .unauthorized)
            #expect(refused.headers[values: .wwwAuthenticate].joined(separator: ", ").contains("ApiKey"))
            #expect(server.sink.requests.last?.header.status == 401)

            #expect(server.sink.events(.tokenCreated).map(\.body.actor?.id) == ["alice", "bob"])
            #expect(server.sink.events(.tokenRevoked).map(\.body.actor?.id) == ["alice"])
            for secret in [key, reading, String(key.suffix(20))] { #expect(!server.sink.text.contains(secret)) }
        }
    }

    @Test("a label that could not be shown is refused, and so is a key's fifty-first sibling", arguments: Way.allCases)
    func limits(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let alice = try await server.logIn(client, "alice").access
            for label: JSONValue in ["", "-x", "a b", "a\u{0}b", "\u{202e}x", .string(String(repeating: "a", count: 51)), 7, .null] {
                let response = try await server.send(client, .post, "/api-keys", token: alice, json: ["label": label])
                #expect(response.status == .unprocessableContent)
                #expect(server.sink.events(.inputValidationFailure).last?.header.reason == "malformed_label")
            }
            for number in 1...51 {
                let response = try await server.send(client, .post, "/api-keys", token: alice, json: ["label": .string("k\(number)")])
                #expect(response.status == (number <= 50 ? .created : .conflict))
            }
        }
    }
}
