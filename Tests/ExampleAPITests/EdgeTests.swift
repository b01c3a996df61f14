import AuditEvents
import AuditMiddleware
import AuditTesting
import Configuration
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Testing

/// What stands between the shop and the network, as a deployment configures it.
@Suite struct EdgeTests {
    private typealias Configure = (inout ExampleAPI.Configuration) -> Void

    @Test("told its origins, it lets their pages in, also to what it refuses, and no other's", arguments: Way.allCases)
    func origins(_ way: Way) async throws {
        let shop = "https://shop.example.com"
        let configure: Configure = { $0.corsOrigins = [shop] }
        try await ExampleServer().run(way, configure: configure) { server, client in
            func preflight(_ origin: String, _ method: String) async throws -> TestResponse {
                try await client.execute(
                    uri: "/books", method: .options,
                    headers: [
                        .origin: origin, .accessControlRequestMethod: method, .accessControlRequestHeaders: "authorization, content-type",
                    ])
            }
            let granted = try await preflight(shop, "POST")
            #expect(granted.status.code / 100 == 2)
            #expect(granted.headers[.accessControlAllowOrigin] == shop)
            #expect(granted.headers[.accessControlAllowMethods]?.contains("POST") == true)
            for (origin, method) in [("https://shop.example.com.evil.example", "POST"), ("null", "POST"), (shop, "PATCH")] {
                let refused = try await preflight(origin, method)
                #expect(refused.status == .badRequest, "\(origin) \(method)")
                #expect(server.sink.requests.last?.header.status == 400)
            }
            for (origin, allowed) in [(shop, shop), ("https://evil.example", nil)] {
                let refused = try await client.execute(uri: "/books", method: .get, headers: [.origin: origin])
                #expect(refused.status == .unauthorized)
                #expect(refused.headers[.accessControlAllowOrigin] == allowed)
                #expect(refused.headers[.vary]?.lowercased().contains("origin") == true)
            }
        }
    }

    @Test(
        "behind a proxy, the client is the proxy's word, the limit is the client's, and nobody else is believed", arguments: [true, false])
    func proxies(trusted: Bool) async throws {
        let reader = ConfigReader(
            provider: InMemoryProvider(values: ["proxies": .init(.stringArray([trusted ? "127.0.0.0/8" : "192.0.2.0/24"]), isSecret: false)]
            ))
        let trust = try ExampleAPI.Configuration(reader: reader).clientAddress
        let one = RateLimitPolicy(name: "general", limit: 1, windowSeconds: 60)
        let configure: Configure = {
            $0.clientAddress = trust
            $0.generalLimit = one
        }
        try await ExampleServer().run(.live, configure: configure) { server, client in
            var statuses: [Int] = []
            for address in ["198.51.100.7", "203.0.113.9", "1.1.1.1, 198.51.100.7"] {
                let forwarded = HTTPField.Name("X-Forwarded-For")!
                statuses.append(try await client.execute(uri: "/openapi.json", method: .get, headers: [forwarded: address]).status.code)
            }
            #expect(statuses == (trusted ? [200, 200, 429] : [200, 429, 429]))
            let clients = server.sink.requests.map { $0.body.client?.ip }
            #expect(
                clients
                    == (trusted ? ["198.51.100.7", "203.0.113.9", "198.51.100.7"] : Array(repeating: "127.0.0.1", count: 3)))
        }
    }

    @Test("told its hosts, it answers for them alone", arguments: [(["localhost"], 200), (["*.example.com"], 400)])
    func hosts(hosts: [String], status: Int) async throws {
        let configure: Configure = { $0.hosts = hosts }
        try await ExampleServer().run(.live, configure: configure) { server, client in
            let response = try await client.execute(uri: "/health", method: .get)
            #expect(response.status.code == status)
            #expect(server.sink.requests.last?.header.status == Int16(status))
        }
    }

    @Test("what is no host, no origin and no network keeps it from starting")
    func refused() throws {
        let proxies = ConfigReader(
            provider: InMemoryProvider(values: ["proxies": .init(.stringArray(["10.1.2.3/8"]), isSecret: false)]))
        #expect(throws: ConfigurationError.self) { try ExampleAPI.Configuration(reader: proxies) }
        var configuration = ExampleAPI.Configuration()
        configuration.corsOrigins = ["shop.example.com"]
        #expect(throws: HardeningError.self) { try ExampleAPI.routes(configuration) }
        configuration.corsOrigins = []
        configuration.hosts = ["https://shop.example.com"]
        #expect(throws: HardeningError.self) { try ExampleAPI.routes(configuration) }
        // Also where it would ask other servers.
        configuration.otherIssuer = .init(issuer: "https://id.example.com", audience: "shop")
        #expect(throws: HardeningError.self) {
            try ExampleAPI(configuration: configuration, sink: MemorySink(), logger: Logger(label: "test"))
        }
    }
}
