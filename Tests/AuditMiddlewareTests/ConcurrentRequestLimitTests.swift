import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import Testing

extension Logger {
    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return logger
    }
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

@Suite struct ConcurrentRequestLimitTests {
    /// Lets handlers arrive and holds them until it is opened.
    final class Barrier: Sendable {
        private struct State {
            var arrived = 0
            var isOpen = false
            var inside: [CheckedContinuation<Void, Never>] = []
            var outside: [(Int, CheckedContinuation<Void, Never>)] = []
        }
        private let state = Mutex(State())

        func pass() async {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state in
                    state.arrived += 1
                    let arrived = state.arrived
                    let ready = state.outside.filter { $0.0 <= arrived }.map(\.1)
                    state.outside.removeAll { $0.0 <= arrived }
                    if state.isOpen { return ready + [continuation] }
                    state.inside.append(continuation)
                    return ready
                }
                for one in ready { one.resume() }
            }
        }

        func arrival(of count: Int) async {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if state.arrived < count { state.outside.append((count, continuation)) }
                    return state.arrived >= count
                }
                if now { continuation.resume() }
            }
        }

        func open() {
            for one in state.withLock({ state in
                state.isOpen = true
                defer { state.inside = [] }
                return state.inside
            }) { one.resume() }
        }
    }

    static let name = HTTPField.Name("X-Who")!

    static func router(_ barrier: Barrier, key: RateLimitKey<TestContext>? = nil, limit: Int = 2) -> Router<TestContext> {
        let router = TestApplication.router()
        router.add(middleware: ConcurrentRequestLimit(name: "At once", limit: limit, key: key))
        router.get("wait") { _, _ in
            await barrier.pass()
            return "done"
        }
        router.get("stream") { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "begun"))
                    await barrier.pass()
                    try await writer.write(ByteBuffer(string: "done"))
                    try await writer.finish(nil)
                })
        }
        router.get("fail") { _, _ -> String in throw HTTPError(.conflict) }
        router.get("cut") { _, _ in
            Response(status: .ok, body: ResponseBody { _ in throw HTTPError(.conflict) })
        }
        router.get("ok") { _, _ in "ok" }
        return router
    }

    /// A request that is under way beside others: the test client has a single connection.
    static func hold(_ client: any TestClientProtocol, _ uri: String, who: String = "") async throws {
        guard let port = client.port else {
            _ = try await client.execute(uri: uri, method: .get, headers: [name: who])
            return
        }
        let connection = try RawConnection(port: port)
        defer { connection.finish() }
        connection.send("GET \(uri) HTTP/1.1\r\nHost: x\r\nX-Who: \(who)\r\n\r\n")
        _ = try await connection.receive { $0.contains("done") }
    }

    @Test("beyond the limit the server is short, until a body has been written", arguments: Way.allCases, ["/wait", "/stream"])
    func total(_ way: Way, _ uri: String) async throws {
        let test = TestApplication()
        let barrier = Barrier()
        try await test.application(Self.router(barrier)).test(way.setup) { (client) async throws in
            try await withThrowingTaskGroup { group in
                for _ in 0..<2 { group.addTask { try await Self.hold(client, uri) } }
                await barrier.arrival(of: 2)
                defer { barrier.open() }
                let refused = try await client.execute(uri: "/ok", method: .get)
                #expect(refused.status == .serviceUnavailable)
                #expect(refused.headers[.retryAfter] == "1")
                #expect(refused.headers[HTTPField.Name("RateLimit-Policy")!] == "\"at_once\";q=2;qu=\"concurrent-requests\"")
                #expect(refused.headers[HTTPField.Name("RateLimit")!] == "\"at_once\";r=0")
                let document = try JSONValue(parsing: Array(buffer: refused.body)).object
                #expect(document?["type"]?.string?.hasSuffix("#temporary-reduced-capacity") == true)
                let event = try #require(test.sink.events(.rateLimitExceeded).first)
                #expect(event.body.details["algorithm"] == .string("concurrency") && event.body.details["key"] == .string("all"))
                #expect(event.header.outcome == .denied && event.header.reason == "at_once")
                barrier.open()
                try await group.waitForAll()
            }
            await test.sink.wait { $0.count { $0.header.type == .httpRequest } == 3 }
            for _ in 0..<5 { #expect(try await client.execute(uri: "/ok", method: .get).status == .ok) }
        }
    }

    @Test("by a key it is that client who asks for too much at once", arguments: Way.allCases)
    func byKey(_ way: Way) async throws {
        let test = TestApplication()
        let barrier = Barrier()
        let key = RateLimitKey<TestContext>.custom("who") { request, _ in request.headers[Self.name] }
        try await test.application(Self.router(barrier, key: key, limit: 1)).test(way.setup) { (client) async throws in
            try await withThrowingTaskGroup { group in
                group.addTask { try await Self.hold(client, "/wait", who: "a") }
                await barrier.arrival(of: 1)
                defer { barrier.open() }
                let refused = try await client.execute(uri: "/ok", method: .get, headers: [Self.name: "a"])
                #expect(refused.status == .tooManyRequests)
                let document = try JSONValue(parsing: Array(buffer: refused.body)).object
                #expect(document?["type"]?.string?.hasSuffix("#abnormal-usage-detected") == true)
                #expect(try await client.execute(uri: "/ok", method: .get, headers: [Self.name: "b"]).status == .ok)
                #expect(try await client.execute(uri: "/ok", method: .get).status == .ok)
                barrier.open()
                try await group.waitForAll()
            }
            #expect(try await client.execute(uri: "/ok", method: .get, headers: [Self.name: "a"]).status == .ok)
        }
    }

    @Test("what fails, in the handler or in the body, gives its place back", arguments: Way.allCases)
    func failures(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(Self.router(Barrier(), limit: 1)).test(way.setup) { (client) async throws in
            for _ in 0..<5 {
                #expect(try await client.execute(uri: "/fail", method: .get).status == .conflict)
                if let port = client.port {
                    // The server closes the connection on which it failed.
                    let connection = try RawConnection(port: port)
                    connection.send("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n")
                    _ = try await connection.receive()
                    connection.finish()
                } else {
                    _ = try? await client.execute(uri: "/cut", method: .get)
                }
                #expect(try await client.execute(uri: "/nowhere", method: .get).status == .notFound)
                #expect(try await client.execute(uri: "/ok", method: .head).status == .ok)
                await test.sink.wait { events in events.allSatisfy { $0.header.type == .httpRequest } && events.count % 4 == 0 }
            }
            #expect(try await client.execute(uri: "/ok", method: .get).status == .ok)
            #expect(test.sink.events(.rateLimitExceeded).isEmpty)
        }
    }

    @Test("a client that leaves within its stream gives its place back")
    func leaving() async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.add(middleware: ConcurrentRequestLimit(name: "one", limit: 1))
        router.get("endless") { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    while true { try await writer.write(ByteBuffer(repeating: 65, count: 100_000)) }
                })
        }
        router.get("ok") { _, _ in "ok" }
        try await test.application(router).test(.live) { (client) async throws in
            let connection = try RawConnection(port: try #require(client.port))
            connection.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await connection.receive { $0.contains("AAAA") }
            #expect(try await client.execute(uri: "/ok", method: .get).status == .serviceUnavailable)
            connection.reset()
            await test.sink.wait { $0.contains { $0.header.route == "/endless" } }
            #expect(try await client.execute(uri: "/ok", method: .get).status == .ok)
        }
    }
}
