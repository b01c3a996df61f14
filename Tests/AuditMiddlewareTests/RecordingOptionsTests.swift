import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import ServiceLifecycle
import Testing

@testable import AuditMiddleware

@Suite struct RecordingOptionsTests {
    @Test("a route that opts out leaves its failures on the record, and every event of a layer", arguments: Way.allCases)
    func optOut(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        let quiet = router.group().add(middleware: SampleRequests(.none))
        quiet.get("health") { _, _ in "ok" }
        quiet.get("broken") { _, _ -> String in throw HTTPError(.badRequest) }
        quiet.get("acts") { _, context in
            try await context.audit.emit(.administration, outcome: .success)
            return "done"
        }
        router.get("loud") { _, _ in "ok" }
        let application = test.application(router)
        try await application.test(way.setup) { client in
            for uri in ["/health", "/health", "/broken", "/acts", "/loud"] { _ = try await client.execute(uri: uri, method: .get) }
        }
        #expect(test.sink.requests.map(\.header.route) == ["/broken", "/acts", "/loud"])
        #expect(test.sink.events(.administration).count == 1)
    }

    @Test("sampling leaves out about as many plain successes as it says, and what is kept says so")
    func sampling() async throws {
        var test = TestApplication()
        test.sampling = .oneIn(4)
        let router = TestApplication.router()
        router.get("ok") { _, _ in "ok" }
        router.get("bad") { _, _ -> String in throw HTTPError(.badRequest) }
        try await test.application(router).test(.router) { client in
            for _ in 0..<400 { _ = try await client.execute(uri: "/ok", method: .get) }
            for _ in 0..<20 { _ = try await client.execute(uri: "/bad", method: .get) }
        }
        let kept = test.sink.requests.filter { $0.header.status == 200 }
        // 100 expected; 50 and 150 are more than five standard deviations away.
        #expect((50...150).contains(kept.count))
        #expect(kept.allSatisfy { $0.body.details["sample_rate"] == 4 })
        #expect(test.sink.requests.count { $0.header.status == 400 } == 20)
    }

    @Test("named headers are recorded, bounded, and never those that bear credentials", arguments: Way.allCases)
    func headers(_ way: Way) async throws {
        var test = TestApplication()
        test.recordedHeaders = [.origin, .authorization, .cookie, HTTPField.Name("X-Api-Key")!, HTTPField.Name("X-Version")!]
        let router = TestApplication.router()
        router.get("ok") { _, _ in "ok" }
        try await test.application(router).test(way.setup) { client in
            _ = try await client.execute(
                uri: "/ok", method: .get,
                headers: [
                    .origin: "https://a.example", .authorization: "Bearer SECRET", .cookie: "a=SECRET",
                    HTTPField.Name("X-Api-Key")!: "SECRET",
                    HTTPField.Name("X-Version")!: String(repeating: "v", count: 4000), .accept: "text/plain",
                ])
        }
        let headers = try #require(test.sink.requests.first?.body.details["headers"]?.object)
        #expect(headers["origin"] == "https://a.example")
        #expect(headers["x-version"]?.string?.utf8.count == 256)
        #expect(headers.count == 2)
        #expect(!test.sink.text.contains("SECRET"))
    }

    @Test("the request's size is recorded, told or counted", arguments: Way.allCases)
    func requestSize(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.post("upload") { request, _ in
            var count = 0
            for try await chunk in request.body { count += chunk.readableBytes }
            return "\(count)"
        }
        try await test.application(router).test(way.setup) { client in
            let response = try await client.execute(
                uri: "/upload", method: .post, body: ByteBuffer(string: String(repeating: "x", count: 5000)))
            #expect(String(buffer: response.body) == "5000")
        }
        #expect(test.sink.requests.first?.body.details["request_bytes"] == 5000)
    }

    @Test("a chunked upload is counted as it comes")
    func chunked() async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.post("upload") { request, _ in String(try await request.body.collect(upTo: 1000).readableBytes) }
        try await test.application(router).test(.live) { client in
            let port = try #require(client.port)
            let connection = try RawConnection(port: port)
            connection.send(
                "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
            )
            #expect(try await connection.receive().hasSuffix("11"))
            connection.finish()
        }
        #expect(test.sink.requests.first?.body.details["request_bytes"] == 11)
    }

    @Test("secrets in a path are left out where the route, or the segment before, names them", arguments: Way.allCases)
    func paths(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("reset/:token") { _, _ in "ok" }
        router.get("users/:id/keys/:apiKey") { _, _ in "ok" }
        router.get("books/:id") { _, _ in "ok" }
        let cases = [
            ("/reset/SECRET", "/reset/[redacted:token]"), ("/users/7/keys/SECRET", "/users/7/keys/[redacted:key]"),
            ("/books/7", "/books/7"),
            ("/books/a-very-long-title-of-a-book", "/books/a-very-long-title-of-a-book"),
            ("/nowhere/token/SECRET0123456789abcdef", "/nowhere/token/[redacted:token]"),
            ("/password-reset/SECRET0123456789abcdef", "/password-reset/[redacted:token]"),
        ]
        try await test.application(router).test(way.setup) { client in
            for (uri, path) in cases {
                _ = try await client.execute(uri: uri, method: .get)
                #expect(test.sink.requests.last?.body.path == path)
            }
        }
        #expect(!test.sink.text.contains("SECRET"))
    }

    @Test("heartbeats count what was recorded, and the last one counts all of it")
    func heartbeats() async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("ok") { _, _ in "ok" }
        let recorder = test.recorder
        let application = Application(responder: recorder.wrap(router), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let group = ServiceGroup(
            services: [recorder.heartbeat(every: .milliseconds(20))], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await group.run() }
        try await application.test(.router) { client in
            for _ in 0..<3 { _ = try await client.execute(uri: "/ok", method: .get) }
        }
        while test.sink.events(.auditHeartbeat).count < 2 { await Task.yield() }
        await group.triggerGracefulShutdown()
        try await running.value

        let own = test.sink.events.filter { $0.header.type != .httpRequest }
        #expect(own.first?.header.type == .systemStartup)
        #expect(own.last?.header.type == .systemShutdown)
        #expect(own.compactMap { $0.body.details["sequence"] } == own.indices.map { JSONValue.int(Int64($0)) })
        #expect(Set(own.compactMap { $0.body.details["instance"]?.string }).count == 1)
        let last = try #require(own.last)
        #expect(last.body.details["requests"] == 3)
        #expect(last.body.details["events"] == .int(Int64(test.sink.events.count - 1)))
    }
}
