import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Synchronization
import Testing

@Suite struct RecorderTests {
    struct Secretive: Error, CustomStringConvertible { var description: String { "SECRET-in-an-error" } }

    @Test("a request leaves one event with route, status, duration and bytes", arguments: Way.allCases)
    func plainRequest(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("books/:id") { _, context in
            test.clock.advance(seconds: 0.25)
            return "book \(context.parameters.get("id") ?? "")"
        }
        try await test.application(router).test(way.setup) { client in
            let response = try await client.execute(
                uri: "/books/7?page=2&token=SECRET&page=3", method: .get, headers: [.userAgent: "check/1"])
            #expect(response.status == .ok)
            #expect(String(buffer: response.body) == "book 7")
            let event = try #require(test.sink.events.first)
            #expect(test.sink.events.count == 1)
            #expect(event.header.type == .httpRequest)
            #expect(event.header.outcome == .success)
            #expect(event.header.source == "shop")
            #expect(event.header.tenant == "acme")
            #expect(event.header.method == "GET")
            #expect(event.header.route == "/books/{id}")
            #expect(event.header.status == 200)
            #expect(event.header.durationMicroseconds == 250_000)
            #expect(event.header.time == test.clock.now)
            #expect(event.header.reason == nil)
            #expect(event.header.actorKind == .anonymous)
            #expect(event.body.path == "/books/7")
            #expect(event.body.client?.userAgent == "check/1")
            #expect(event.body.client?.ip == (way == .live ? "127.0.0.1" : nil))
            #expect(event.body.details["bytes"] == 6)
            #expect(event.body.details["query_keys"] == ["page", "token"])
            #expect(event.body.requestID == response.headers[HTTPField.Name("X-Request-Id")!])
            #expect(!test.sink.text.contains("SECRET"))
        }
    }

    @Test("thrown errors, unknown routes and wrong methods are recorded with their final status", arguments: Way.allCases)
    func failures(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("teapot") { _, _ -> String in throw HTTPError(.init(code: 418), message: "SECRET-for-the-client") }
        router.get("broken") { _, _ -> String in throw Secretive() }
        router.get("refused") { _, _ in HTTPResponse.Status.forbidden }
        let expected: [(String, HTTPRequest.Method, Int, Outcome, String?, String?)] = [
            ("/teapot", .get, 418, .failure, nil, "/teapot"), ("/broken", .get, 500, .error, "unhandled_error", "/broken"),
            ("/refused", .get, 403, .denied, nil, "/refused"), ("/nowhere", .get, 404, .failure, nil, nil),
            ("/teapot", .delete, 405, .failure, "method_not_allowed", "/teapot"), ("//", .get, 404, .failure, nil, nil),
            ("/%2e%2e/etc", .get, 404, .failure, nil, nil),
        ]
        try await test.application(router).test(way.setup) { client in
            for (uri, method, status, outcome, reason, route) in expected {
                let response = try await client.execute(uri: uri, method: method)
                #expect(response.status.code == status)
                let event = try #require(test.sink.requests.last)
                #expect(event.header.status == Int16(status))
                #expect(event.header.outcome == outcome)
                #expect(event.header.reason == reason)
                #expect(event.header.route == route)
                #expect(event.body.path == uri)
                if status != 403 {
                    #expect(response.headers[.contentType] == "application/problem+json")
                    let document = try JSONValue(parsing: Array(buffer: response.body)).object
                    #expect(document?["status"] == .int(Int64(status)))
                    #expect(document?["type"] == "about:blank")
                    #expect(!String(buffer: response.body).contains("SECRET-in"))
                }
            }
            #expect(test.sink.events.count == expected.count)
            #expect(test.sink.requests[1].body.details["error_type"] == "Secretive")
            #expect(!test.sink.text.contains("SECRET"))
        }
    }

    @Test("a route added before any middleware is recorded, and its unknown errors are bare 500s", arguments: Way.allCases)
    func plainRouter(_ way: Way) async throws {
        let sink = MemorySink()
        let router = Router(context: TestContext.self)
        router.get("broken") { _, _ -> String in throw Secretive() }
        let recorder = AuditRecorder(
            sink: sink, configuration: .init(source: "shop", fingerprinter: TestApplication.fingerprinter),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await Application(responder: recorder.wrap(router), configuration: .init(address: .hostname("127.0.0.1", port: 0)))
            .test(way.setup) { client in
                let response = try await client.execute(uri: "/broken", method: .get)
                #expect(response.status == .internalServerError)
                #expect(response.headers[.contentType] == "application/problem+json")
                #expect(sink.requests.map(\.header.status) == [500])
                #expect(sink.requests.first?.header.reason == "unhandled_error")
            }
    }

    @Test("a sane request id is taken over, any other is replaced", arguments: Way.allCases)
    func requestID(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("ok") { _, _ in "ok" }
        let name = HTTPField.Name("X-Request-Id")!
        try await test.application(router).test(way.setup) { client in
            for (id, accepted) in [
                ("abc-123", true), ("1-67891233-abcdef012345678912345678", true), (String(repeating: "a", count: 64), true),
                (String(repeating: "a", count: 65), false), ("a b", false), ("a\"b", false), ("é", false), ("<script>", false),
            ] {
                let response = try await client.execute(uri: "/ok", method: .get, headers: [name: id])
                let returned = try #require(response.headers[name])
                #expect((returned == id) == accepted)
                #expect(test.sink.requests.last?.body.requestID == returned)
                if !accepted { #expect(returned.utf8.count == 32) }
            }
        }
    }

    @Test("a valid traceparent is recorded; two of them are none", arguments: Way.allCases)
    func trace(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("ok") { _, _ in "ok" }
        let name = HTTPField.Name("traceparent")!
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        try await test.application(router).test(way.setup) { client in
            try await client.execute(uri: "/ok", method: .get, headers: [name: valid])
            #expect(test.sink.requests.last?.body.traceID == "0af7651916cd43dd8448eb211c80319c")
            #expect(test.sink.requests.last?.body.spanID == "b7ad6b7169203331")
            var twice = HTTPFields()
            twice.append(HTTPField(name: name, value: valid))
            twice.append(HTTPField(name: name, value: valid))
            try await client.execute(uri: "/ok", method: .get, headers: twice)
            #expect(test.sink.requests.last?.body.traceID == nil)
        }
    }

    @Test("a full record refuses requests before they run", arguments: Way.allCases)
    func fullBefore(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        let runs = Mutex(0)
        router.get("ok") { _, _ in
            runs.withLock { $0 += 1 }
            return "ok"
        }
        try await test.application(router).test(way.setup) { client in
            test.sink.refusesAdmission = true
            let refused = try await client.execute(uri: "/ok", method: .get)
            #expect(refused.status == .serviceUnavailable)
            #expect(refused.headers[.retryAfter] == "5")
            #expect(refused.headers[.contentType] == "application/problem+json")
            #expect(runs.withLock { $0 } == 0)
            #expect(test.sink.events.isEmpty)
            test.sink.refusesAdmission = false
            #expect(try await client.execute(uri: "/ok", method: .get).status == .ok)
        }
    }

    @Test("a response whose event the record refuses is not given", arguments: Way.allCases)
    func fullAfter(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("ok") { _, _ in "the answer" }
        router.get("emits") { _, context in
            try await context.audit.emit(.administration, outcome: .success)
            return "the answer"
        }
        try await test.application(router).test(way.setup) { client in
            test.sink.refusesRecords = true
            for uri in ["/ok", "/emits"] {
                let refused = try await client.execute(uri: uri, method: .get)
                #expect(refused.status == .serviceUnavailable)
                #expect(!String(buffer: refused.body).contains("answer"))
                #expect(refused.headers[.retryAfter] != nil)
            }
        }
    }

    @Test("what a layer finds out is in its own events and in the request's", arguments: Way.allCases)
    func facts(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("ok") { _, context in
            context.audit.update {
                $0.actor = .init(id: "u1", name: "Ann")
                $0.actorKind = .user
                $0.target = "thing"
                $0.details["seen"] = true
            }
            try await context.audit.emit(.administration, outcome: .denied, reason: "because", severity: .high) {
                $0.details["note"] = "only here"
                $0.target = "another"
            }
            return HTTPResponse.Status.forbidden
        }
        try await test.application(router).test(way.setup) { client in
            try await client.execute(uri: "/ok", method: .get)
            let (inner, outer) = (try #require(test.sink.events.first), try #require(test.sink.events.last))
            #expect(inner.header.type == .administration)
            #expect(inner.header.outcome == .denied)
            #expect(inner.header.reason == "because")
            #expect(inner.header.severity == .high)
            #expect(inner.header.route == "/ok")
            #expect(inner.header.status == nil)
            #expect(inner.body.details == ["note": "only here"])
            #expect(inner.body.target == "another")
            #expect(inner.body.requestID == outer.body.requestID)
            #expect(outer.header.reason == "because")
            #expect(outer.body.actor == .init(id: "u1", name: "Ann"))
            #expect(outer.body.target == "thing")
            #expect(outer.body.details["seen"] == true)
            #expect(outer.body.details.contains { $0.key == "note" } == false)
        }
    }

    @Test("HEAD has no body and no bytes", arguments: Way.allCases)
    func head(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("ok") { _, _ in "four" }
        try await test.application(router).test(way.setup) { client in
            let response = try await client.execute(uri: "/ok", method: .head)
            #expect(response.status == .ok)
            #expect(test.sink.requests.first?.header.method == "HEAD")
            #expect(test.sink.requests.first?.body.details["bytes"] == 0)
        }
    }

    @Test("a thousand concurrent requests leave a thousand events, each id once")
    func concurrent() async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("books/:id") { _, context in context.parameters.get("id") ?? "" }
        try await test.application(router).test(.router) { client in
            try await withThrowingTaskGroup { group in
                for i in 0..<1000 {
                    group.addTask { _ = try await client.execute(uri: "/books/\(i)", method: .get) }
                }
                try await group.waitForAll()
            }
            #expect(test.sink.requests.count == 1000)
            #expect(Set(test.sink.requests.map(\.id)).count == 1000)
            #expect(Set(test.sink.requests.compactMap(\.body.requestID)).count == 1000)
            #expect(Set(test.sink.requests.compactMap(\.body.path)).count == 1000)
        }
    }
}
