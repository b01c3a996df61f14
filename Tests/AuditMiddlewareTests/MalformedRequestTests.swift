import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import Testing

@testable import AuditMiddleware

@Suite struct MalformedRequestTests {
    static func router() -> Router<TestContext> {
        let router = TestApplication.router()
        router.get("ok") { _, _ in "ok" }
        router.post("echo") { request, _ in try await request.body.collect(upTo: 10_000) }
        router.post("ignore") { _, _ in "ignored" }
        return router
    }

    static let malformed = [
        "\0\0\0\0", "GET\r\n\r\n", "GET /ok\r\n\r\n", "GET /ok HTTP/9.9\r\n\r\n", "GET /ok HTTP/1.1\r\nHost : x\r\n\r\n",
        "FROBNICATE /ok HTTP/1.1\r\n\r\n",
        "GET /ok HTTP/1.1\r\nX\0Y: z\r\n\r\n", "GET /ok HTTP/1.1\r\n: z\r\n\r\n", "GET /ok HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "get /ok HTTP/1.1\r\n\r\n",
        "GET /ok HTTP/1.1 x\r\n\r\n", "GET /ok HTTPS/1.1\r\n\r\n",
        "GET /ok HTTP/11\r\n\r\n",
        "GET /ok HTTP/1.1\r\nA B: c\r\n\r\n", "GET /ok HTTP/1.1\r\n(A): c\r\n\r\n", "GET /ok HTTP/1.1\r\nA\r\n\r\n",
        "GET /ok HTTP/1.1\r\nA: \u{1}\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "GET /ok HTTP/1.1\r\nX: " + String(repeating: "b", count: 200_000) + "\r\n\r\n",
        "GET /ok HTTP/1.1\r\n" + String(repeating: "X-A: b\r\n", count: 5_000) + "\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
        "SSH-2.0-OpenSSH_9.6\r\n", "EHLO x\r\n", "*1\r\n$4\r\nPING\r\n", "GET /\u{1} HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n",
        "{\"a\":1}\r\n\r\n",
        "<?xml version=\"1.0\"?>\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "GET ok HTTP/1.1\r\n\r\n", "GET http:// HTTP/1.1\r\n\r\n",
        "\r\n\r\n\u{0}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /ok HTTP/1.1\nHost: x\n\n\0", "OPTIONS ** HTTP/1.1\r\n\r\n", "GET ?a HTTP/1.1\r\n\r\n",
        "CONNECT /a HTTP/1.1\r\n\r\n", "GET /ok HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "GET /ok HTTP/1.1\rX: y\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "POST /ignore HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX",
        String(repeating: "A", count: 100_000), "GET /ok HTTP/1.1\r\nHost: x\r\nX: y\r\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: x\r\n\u{b}: y\r\n\r\n",
    ]

    @Test("what the parser refuses leaves an event with the peer's address and the status, one for each answer", arguments: malformed)
    func refused(_ text: String) async throws {
        let test = TestApplication()
        try await Exchange.run(.live, test, Self.router()) { (send) async throws -> Void in
            let connection = try RawConnection(port: try #require(send.port))
            defer { connection.finish() }
            connection.send(text)
            let answer = try await connection.receive { $0.contains("HTTP/1.1 400") || $0.contains("HTTP/1.1 404") }
            let status = try #require(answer.split(separator: " ").dropFirst().first.flatMap { Int16($0) })
            let answers = answer.ranges(of: "HTTP/1.1 ").count
            await test.sink.wait { $0.count == answers }
            #expect(test.sink.requests.count == answers)
            #expect(test.sink.requests.map(\.header.status).contains(status))
            let event = try #require(test.sink.requests.last)
            #expect(event.header.reason == "malformed_request" || event.header.status == 404)
            #expect(event.body.client?.ip == "127.0.0.1")
            #expect(event.body.client?.port != nil)
            #expect(event.body.requestID?.isEmpty == false)
            #expect(test.sink.text.utf8.count < 8_000)
            #expect(try await send(.get("/ok")).status == 200)
        }
    }

    @Test("a request before the malformed one has its own event, and they are in order")
    func pipelined() async throws {
        let test = TestApplication()
        try await Exchange.run(.live, test, Self.router()) { (send) async throws -> Void in
            let connection = try RawConnection(port: try #require(send.port))
            defer { connection.finish() }
            connection.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET /ok HTTP/1.1\r\nHost: x\r\n\r\nBAD BAD BAD\r\n\r\n")
            _ = try await connection.receive { $0.contains("400 Bad Request") }
            await test.sink.wait { $0.count == 3 }
            #expect(test.sink.requests.map(\.header.status) == [200, 200, 400])
            #expect(test.sink.requests.map(\.header.reason) == [nil, nil, "malformed_request"])
        }
    }

    @Test("a client that leaves within a head is recorded; one that says nothing is not")
    func leaves() async throws {
        let test = TestApplication()
        try await Exchange.run(.live, test, Self.router()) { (send) async throws -> Void in
            let port = try #require(send.port)
            try RawConnection(port: port).finish()
            let connection = try RawConnection(port: port)
            connection.send("GET /ok HTTP/1.1\r\nHost: x\r\nX-Ha")
            connection.finish()
            await test.sink.wait { $0.count == 1 }
            #expect(test.sink.requests.map(\.header.reason) == ["incomplete_request"])
            #expect(test.sink.requests.first?.header.outcome == .unknown)
            #expect(try await send(.get("/ok")).status == 200)
            #expect(test.sink.events.count == 2)
        }
    }

    @Test("the idle timeout closes a client that never ends its head, and it is recorded")
    func slowHead() async throws {
        let test = TestApplication()
        try await Exchange.run(.live, test, Self.router(), idleTimeout: .milliseconds(100)) { (send) async throws -> Void in
            // On a busy machine the time may be over before the bytes are there: then there is nothing to record, and another is sent.
            while test.sink.events.isEmpty {
                let connection = try RawConnection(port: try #require(send.port))
                connection.send("GET /ok HTTP/1.1\r\nHost: x\r\nX-Ha")
                #expect(try await connection.receiveBytes().count < 200)
                connection.finish()
            }
            #expect(test.sink.requests.allSatisfy { $0.header.reason == "incomplete_request" })
        }
    }

    @Test("a full record loses no connection, and a crowd of malformed requests leaves as many events")
    func crowd() async throws {
        let test = TestApplication()
        try await Exchange.run(.live, test, Self.router()) { (send) async throws -> Void in
            let port = try #require(send.port)
            test.sink.refusesRecords = true
            #expect(try await Exchange.send(port, "BAD\r\n\r\n").status == 400)
            test.sink.refusesRecords = false
            try await withThrowingTaskGroup { group in
                for _ in 0..<50 { group.addTask { _ = try await Exchange.send(port, "BAD BAD BAD\r\n\r\n") } }
                try await group.waitForAll()
            }
            await test.sink.wait { $0.count >= 50 }
            #expect((50...51).contains(test.sink.requests.count))
        }
    }

    @Test("a failure is recorded once, and not while a request is in progress")
    func record() {
        var record = ConnectionRecord()
        #expect(record.responseBegan(200) == nil)
        record.requestBegan()
        // Within its body, and its own event tells of it.
        #expect(record.failed(.refused) == nil)
        record.responseEnded()
        #expect(record.closed() == nil)
        // Unless the server answers once more by itself.
        #expect(record.responseBegan(400) == .answered(400))

        record = ConnectionRecord()
        record.requestBegan()
        record.requestWasRead()
        // Behind it, while it is not answered yet.
        #expect(record.failed(.refused) == nil)
        #expect(record.responseBegan(400) == nil)
        record.responseEnded()
        #expect(record.responseBegan(100) == nil)
        #expect(record.responseBegan(400) == .answered(400))
        #expect(record.responseBegan(400) == nil)
        #expect(record.closed() == nil)

        record = ConnectionRecord()
        #expect(record.failed(.ended) == .incomplete)
        #expect(record.responseBegan(400) == nil)

        record = ConnectionRecord()
        #expect(record.failed(.unusable) == .dropped)

        record = ConnectionRecord()
        #expect(record.failed(.refused) == nil)
        #expect(record.closed() == .dropped)
        #expect(record.closed() == nil)
    }
}
