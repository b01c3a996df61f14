import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import AuditMiddleware

@Suite struct StreamTests {
    struct Broken: Error {}

    @Test("a stream is passed on piece by piece and recorded when it ends", arguments: Way.allCases)
    func stream(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("stream") { _, _ in
            Response(
                status: .ok,
                body: .init { writer in
                    for i in 0..<10 { try await writer.write(ByteBuffer(string: "part \(i)\n")) }
                    try await writer.write(contentsOf: [ByteBuffer(string: "a"), ByteBuffer(string: "b")])
                    try await writer.finish(nil)
                })
        }
        try await test.application(router).test(way.setup) { client in
            let response = try await client.execute(uri: "/stream", method: .get)
            #expect(response.body.readableBytes == 72)
            await test.sink.wait { $0.count == 1 }
            let event = try #require(test.sink.requests.first)
            #expect(event.header.status == 200)
            #expect(event.header.outcome == .success)
            #expect(event.body.details["bytes"] == 72)
        }
    }

    @Test("each piece of a stream leaves before the next is made")
    func unbuffered() async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        let (asked, ask) = AsyncStream<Void>.makeStream()
        router.get("stream") { _, _ in
            Response(
                status: .ok,
                body: .init { writer in
                    try await writer.write(ByteBuffer(string: "data: first\n\n"))
                    // The second piece is made only when the client says that it has the first.
                    for await _ in asked { break }
                    try await writer.write(ByteBuffer(string: "data: second\n\n"))
                    try await writer.finish(nil)
                })
        }
        try await test.application(router).test(.live) { client in
            let connection = try RawConnection(port: try #require(client.port))
            connection.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await connection.receive { $0.contains("first") }
            #expect(test.sink.events.isEmpty)
            ask.yield()
            _ = try await connection.receive { $0.contains("second") }
            await test.sink.wait { $0.count == 1 }
            #expect(test.sink.requests.first?.body.details["bytes"] == 27)
            connection.finish()
        }
    }

    @Test("a client that leaves within a response is recorded as such")
    func leavesWithin() async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("endless") { _, _ in
            Response(
                status: .ok,
                body: .init { writer in
                    while true { try await writer.write(ByteBuffer(repeating: 120, count: 65_536)) }
                })
        }
        try await test.application(router).test(.live) { client in
            let connection = try RawConnection(port: try #require(client.port))
            connection.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await connection.receive { $0.utf8.count > 100_000 }
            connection.reset()
            await test.sink.wait { $0.count == 1 }
            let event = try #require(test.sink.requests.first)
            #expect(event.header.outcome == .unknown)
            #expect(event.header.reason == "client_closed")
            #expect(event.header.status == 200)
            #expect((event.body.details["bytes"]?.int ?? 0) > 65_536)
        }
    }

    @Test("a client that leaves before the response is recorded as such", arguments: [0, 1 << 20])
    func leavesBefore(_ bytes: Int) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        let (started, start) = AsyncStream<Void>.makeStream()
        router.get("slow") { _, context in
            start.yield()
            while !context.audit.clientIsGone { await Task.yield() }
            return ByteBuffer(repeating: 120, count: bytes)
        }
        try await test.application(router).test(.live) { client in
            let connection = try RawConnection(port: try #require(client.port))
            connection.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            for await _ in started { break }
            connection.reset()
            await test.sink.wait { $0.count == 1 }
            #expect(test.sink.requests.first?.header.outcome == .unknown)
            #expect(test.sink.requests.first?.header.reason == "client_closed")
        }
    }

    @Test("a client that leaves within its upload is recorded as such")
    func leavesUpload() async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        let (started, start) = AsyncStream<Void>.makeStream()
        router.post("upload") { request, _ in
            start.yield()
            _ = try await request.body.collect(upTo: 1 << 20)
            return "done"
        }
        try await test.application(router).test(.live) { client in
            let connection = try RawConnection(port: try #require(client.port))
            connection.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this")
            for await _ in started { break }
            connection.finish()
            await test.sink.wait { $0.count == 1 }
            #expect(test.sink.requests.first?.header.outcome == .unknown)
            #expect(test.sink.requests.first?.header.reason == "client_closed")
        }
    }

    @Test("a handler that fails within its stream is an error, not a client that left")
    func cut() async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("cut") { _, _ in
            Response(
                status: .ok,
                body: .init { writer in
                    try await writer.write(ByteBuffer(string: "half"))
                    throw Broken()
                })
        }
        try await test.application(router).test(.live) { client in
            let connection = try RawConnection(port: try #require(client.port))
            connection.send("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n")
            await test.sink.wait { $0.count == 1 }
            #expect(test.sink.requests.first?.header.outcome == .error)
            #expect(test.sink.requests.first?.header.reason == "response_cut")
            #expect(test.sink.requests.first?.body.details["bytes"] == 4)
            connection.finish()
        }
    }

    @Test("with no limit for whole responses every one waits for its end", arguments: Way.allCases)
    func always(_ way: Way) async throws {
        let test = TestApplication(wholeResponseLimit: -1)
        let router = TestApplication.router()
        router.get("ok") { _, _ in "four" }
        let sink = test.sink
        try await test.application(router).test(way.setup) { client in
            let response = try await client.execute(uri: "/ok", method: .get)
            #expect(String(buffer: response.body) == "four")
            #expect(response.headers[.contentLength] == "4")
            await sink.wait { $0.count == 1 }
            #expect(sink.requests.first?.body.details["bytes"] == 4)
        }
    }
}
