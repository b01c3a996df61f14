import AuditEvents
import AuditMiddleware
import AuditTesting
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Testing

/// The two ways that every test body runs: in process, and through a socket.
enum Way: Sendable, CaseIterable {
    case router, live
    var setup: TestingSetup { self == .router ? .router : .live }
}

/// An example API for one test.
struct ExampleServer: Sendable {
    let sink = MemorySink()
    let clock = TestClock()
    static let fingerprintKey = [UInt8](repeating: 3, count: 32)
    let fingerprinter = Fingerprinter(key: fingerprintKey)

    func run(
        _ way: Way, http: (any OutboundHTTP)? = nil, configure: (inout ExampleAPI.Configuration) -> Void = { _ in },
        _ body: @escaping @Sendable (ExampleServer, any TestClientProtocol) async throws -> Void
    ) async throws {
        var configuration = ExampleAPI.Configuration()
        configuration.port = 0
        configuration.passwordCost = 1
        configuration.fingerprintKey = Self.fingerprintKey
        configuration.clock = clock.clock
        configure(&configuration)
        let api = try ExampleAPI(
            configuration: configuration, sink: sink, http: http, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await api.testable.test(way.setup) { client in try await body(self, client) }
    }

    struct Tokens { var access: String, refresh: String }

    func send(
        _ client: any TestClientProtocol, _ method: HTTPRequest.Method, _ uri: String, token: String? = nil, json: JSONValue? = nil,
        agent: String = "honest/1"
    ) async throws -> TestResponse {
        var headers: HTTPFields = [.userAgent: agent]
        if let token { headers[.authorization] = "Bearer \(token)" }
        if json != nil { headers[.contentType] = "application/json" }
        return try await client.execute(
            uri: uri, method: method, headers: headers, body: json.map { ByteBuffer(bytes: CanonicalJSON.encode($0)) })
    }

    func logIn(_ client: any TestClientProtocol, _ username: String, password: String? = nil) async throws -> Tokens {
        let response = try await send(
            client, .post, "/login", json: ["username": .string(username), "password": .string(password ?? "\(username)-demo-password")])
        #expect(response.status == .ok)
        return try tokens(response)
    }

    func tokens(_ response: TestResponse) throws -> Tokens {
        let object = try JSONValue(parsing: response.body.readableBytesView).object
        return Tokens(access: try #require(object?["access_token"]?.string), refresh: try #require(object?["refresh_token"]?.string))
    }
}
