import AuditEvents
import AuditMiddleware
import AuditTesting
import Configuration
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import ServiceLifecycle
import Testing

@Suite struct ShopTests {
    @Test("each route lets in whom it should", arguments: Way.allCases)
    func access(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let tokens = [
                "alice": try await server.logIn(client, "alice").access, "bob": try await server.logIn(client, "bob").access,
                "carol": try await server.logIn(client, "carol").access,
            ]
            let book: JSONValue = ["title": "Reflections on Trusting Trust", "author": "Ken Thompson"]
            let expected: [(HTTPRequest.Method, String, JSONValue?, [String: Int])] = [
                (.get, "/health", nil, ["": 200, "bob": 200]), (.get, "/me", nil, ["": 401, "bob": 200]),
                (.get, "/books", nil, ["": 401, "bob": 200, "alice": 200]), (.get, "/books/1", nil, ["": 401, "bob": 200]),
                (.get, "/books/99", nil, ["bob": 404]), (.get, "/books/x", nil, ["bob": 404]), (.get, "/books/-1", nil, ["bob": 404]),
                (.post, "/books", book, ["": 401, "bob": 403, "alice": 201, "carol": 201]),
                (.post, "/books", ["title": ""], ["bob": 403, "alice": 422]),
                (.get, "/admin/users", nil, ["": 401, "bob": 403, "alice": 403, "carol": 200]),
                (.get, "/nothing", nil, ["": 404, "bob": 404]),
                (.delete, "/books", nil, ["": 405, "alice": 405]), (.options, "/books", nil, ["": 204]),
                (.head, "/books", nil, ["bob": 200]),
            ]
            for (method, uri, json, statuses) in expected {
                for (user, status) in statuses.sorted(by: { $0.key < $1.key }) {
                    let response = try await server.send(client, method, uri, token: tokens[user], json: json)
                    #expect(response.status.code == status, "\(user) \(method) \(uri)")
                    let event = try #require(server.sink.requests.last)
                    #expect(event.header.status == Int16(status))
                    if tokens[user] != nil, uri != "/health", uri != "/nothing", method != .delete { #expect(event.body.actor?.id == user) }
                    if status == 403 {
                        #expect(server.sink.events(.authorizationFailure).last?.body.actor?.id == user)
                        #expect(response.headers[.wwwAuthenticate]?.contains("insufficient_scope") == true)
                    }
                }
            }
            #expect(server.sink.events(.administration).map(\.header.privileged) == [true])
            #expect(server.sink.requests.contains { $0.header.route == "/books/{id}" })
            #expect(server.sink.requests.contains { $0.body.target == "book:4" })
            #expect(server.sink.events(.inputValidationFailure).last?.header.reason == "malformed_book")
        }
    }

    @Test("planted secrets are in no event, wherever they are put", arguments: Way.allCases)
    func secrets(_ way: Way) async throws {
        let planted = [
            "PLANTED-query", "PLANTED-password", "PLANTED-agentless", "PLANTED-cookie", "PLANTED-basic", "PLANTED-bearer", "PLANTED-body",
        ]
        try await ExampleServer().run(way) { server, client in
            let tokens = try await server.logIn(client, "alice")
            _ = try await server.send(
                client, .get, "/books?password=PLANTED-query&access_token=\(tokens.access)&PLANTED-query", token: tokens.access)
            _ = try await server.send(client, .post, "/login", json: ["username": "alice", "password": "PLANTED-password"])
            _ = try await server.send(client, .post, "/login", json: ["username": 7, "password": "PLANTED-password"])
            _ = try await client.execute(
                uri: "/me", method: .get,
                headers: [
                    .cookie: "session=PLANTED-cookie", .authorization: "Basic PLANTED-basic",
                    HTTPField.Name("X-Api-Key")!: "PLANTED-agentless",
                ])
            _ = try await server.send(client, .get, "/me", token: "PLANTED-bearer")
            _ = try await server.send(client, .post, "/token/refresh", json: ["refresh_token": "PLANTED-body"])
            _ = try await server.send(client, .post, "/token/refresh", json: ["refresh_token": .string(tokens.refresh)])
            _ = try await server.send(client, .post, "/logout", token: tokens.access)
            _ = try await client.execute(uri: "/login", method: .post, headers: [:], body: ByteBuffer(string: "PLANTED-body"))
            let text = server.sink.text
            for secret in planted + [tokens.access, tokens.refresh, "alice-demo-password"] { #expect(!text.contains(secret), "\(secret)") }
            // Nor any part of the token.
            for part in tokens.access.split(separator: ".") { #expect(!text.contains(part)) }
        }
    }

    @Test("the general limit spares health alone", arguments: Way.allCases)
    func generalLimit(_ way: Way) async throws {
        let five = RateLimitPolicy(name: "general", limit: 5, windowSeconds: 60)
        let configure: (inout ExampleAPI.Configuration) -> Void = { $0.generalLimit = five }
        try await ExampleServer().run(way, configure: configure) { server, client in
            var statuses: [Int] = []
            for uri in Array(repeating: "/nothing", count: 6) + ["/me", "/health"] {
                statuses.append(try await server.send(client, .get, uri).status.code)
            }
            #expect(statuses == [404, 404, 404, 404, 404, 429, 429, 200])
            #expect(server.sink.events(.rateLimitExceeded).map(\.header.route) == [nil, "/me"])
        }
    }

    @Test("it runs as a service on a free port, tells it, and stops gracefully")
    func service() async throws {
        var configuration = ExampleAPI.Configuration()
        configuration.port = 0
        configuration.passwordCost = 1
        let (ports, found) = AsyncStream<Int>.makeStream()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let sink = MemorySink()
        let api = try ExampleAPI(configuration: configuration, sink: sink, logger: logger) { port in found.yield(port) }
        let group = ServiceGroup(configuration: .init(services: [api], logger: logger))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            for await port in ports {
                #expect(port > 0)
                let status = try await TestClient.withClient(host: "127.0.0.1", port: port) { try await $0.get("/health").status }
                #expect(status == .ok)
                break
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        #expect(sink.requests.map(\.header.route) == ["/health"])
        #expect(sink.requests.first?.body.client?.ip == "127.0.0.1")
    }

    @Test("its description, which service groups log, tells neither keys nor passwords")
    func description() throws {
        let configuration = ExampleAPI.Configuration()
        let api = try ExampleAPI(configuration: configuration, sink: MemorySink(), logger: Logger(label: "test"))
        for text in ["\(api)", "\(configuration)", "\(configuration.users)", String(reflecting: api)] {
            #expect(text.contains("example") || text.contains("alice"))
            #expect(!text.contains("demo-password") && !text.contains("\(configuration.signingKey[0]), \(configuration.signingKey[1])"))
        }
    }

    @Test("configuration is read, and a bad key is told by its name alone")
    func configuration() throws {
        let reader = ConfigReader(
            provider: InMemoryProvider(values: [
                "host": "0.0.0.0", "port": 9000, "source": "shop", "limits.login": 5, "passwords.bob": "another",
                "signingKey": .init(stringLiteral: String(repeating: "0a", count: 32)),
            ]))
        let configuration = try ExampleAPI.Configuration(reader: reader)
        #expect(configuration.host == "0.0.0.0")
        #expect(configuration.port == 9000)
        #expect(configuration.source == "shop")
        #expect(configuration.loginLimit.limit == 5)
        #expect(configuration.generalLimit.limit == 300)
        #expect(configuration.signingKey == [UInt8](repeating: 10, count: 32))
        #expect(configuration.users.first { $0.username == "bob" }?.password == "another")
        #expect(configuration.users.first { $0.username == "alice" }?.password == "alice-demo-password")
        for bad in ["SECRET", "00", String(repeating: "0g", count: 32)] {
            let reader = ConfigReader(provider: InMemoryProvider(values: ["signingKey": .init(stringLiteral: bad)]))
            let error = #expect(throws: ConfigurationError.self) { try ExampleAPI.Configuration(reader: reader) }
            #expect(error?.description == "signingKey: expected 32 bytes or more in hex")
        }
    }
}
