import AuditEvents
import AuditMiddleware
import AuditTesting
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

/// What no proper client sends, over a real socket.
@Suite struct HostileTests {
    static func withServer(_ body: @escaping @Sendable (TestApplication, Int) async throws -> Void) async throws {
        let test = TestApplication()
        let router = try BearerTests.router()
        router.get("ok") { _, _ in "ok" }
        router.post("echo") { request, _ in try await request.body.collect(upTo: 10_000) }
        try await test.application(router).test(.live) { client in
            try await body(test, try #require(client.port))
            // Whatever happened: it still answers.
            #expect(try await client.execute(uri: "/ok", method: .get).status == .ok)
        }
    }

    static func status(_ port: Int, _ request: String) async throws -> Int? {
        let connection = try RawConnection(port: port)
        defer { connection.finish() }
        connection.send(request)
        let answer = try await connection.receive { $0.contains("\r\n\r\n") }
        return answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    @Test(
        "strange targets have a status and one event each, with the path as it came",
        arguments: [
            "//", "///ok", "/ok/", "/%2e%2e/%2e%2e/etc/passwd", "/../../etc/passwd", "/ok%00", "/ok;jsessionid=1", "/%C0%AF", "/%", "/%zz",
            "/ok%2f",
            "/caf%C3%A9", "/a\u{7f}", "/\"<script>", "/ok?", "/ok??a=1", "/ok?a[]=1&a[]=2", "/" + String(repeating: "a", count: 5_000),
            "/ok?" + String(repeating: "k=v&", count: 2_000), "http://other.example/ok", "/ok#fragment", "/é",
        ])
    func targets(_ target: String) async throws {
        try await Self.withServer { test, port in
            let status = try #require(try await Self.status(port, "GET \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
            #expect([200, 400, 404].contains(status))
            if let event = test.sink.requests.first {
                #expect(event.header.status == Int16(status))
                #expect(event.header.route == (status == 200 ? "/ok" : nil))
                #expect((event.body.path?.utf8.count ?? 0) <= 1024)
            } else {
                // The parser's own refusal.
                #expect(status == 400)
            }
            #expect(test.sink.requests.count <= 1)
        }
    }

    @Test(
        "strange requests have a clear status and do no harm",
        arguments: [
            ("GET /ok HTTP/1.1\r\nHost: x\r\n" + String(repeating: "X-A: b\r\n", count: 5_000) + "\r\n", [400, 431]),
            ("GET /ok HTTP/1.1\r\nHost: x\r\nX-Big: " + String(repeating: "b", count: 200_000) + "\r\n\r\n", [400, 431]),
            ("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + String(repeating: "a", count: 1 << 20) + "\r\n\r\n", [400, 431]),
            ("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + String(repeating: "a", count: 60_000) + "\r\n\r\n", [401]),
            ("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", [400]),
            ("GET /me HTTP/1.1\r\nHost: x\r\nauthorization: Bearer a\r\nAUTHORIZATION: Basic b\r\n\r\n", [400]),
            ("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \u{202e}é\u{0301}\r\n\r\n", [400, 401]),
            ("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", [400]),
            ("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", [400]),
            ("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", [200, 400]),
            ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", [400]),
            ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", [400]),
            ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + String(repeating: "x", count: 20_000), [413]),
            ("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=\"a\"\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", [200]),
            ("PROPFIND /ok HTTP/1.1\r\nHost: x\r\n\r\n", [405]), ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", [204]),
            ("FROBNICATE /ok HTTP/1.1\r\nHost: x\r\n\r\n", [400]), ("GET /ok HTTP/9.9\r\nHost: x\r\n\r\n", [400, 505]), ("\0\0\0\0", [400]),
            ("GET /ok\r\n\r\n", [400]), ("GET /ok HTTP/1.1\r\nHost : x\r\n\r\n", [400]), ("GET /ok HTTP/1.1\r\nX\0Y: z\r\n\r\n", [400]),
            ("GET /ok HTTP/1.1\r\nHost: x\r\nUser-Agent: \u{1b}[31mred\r\n\r\n", [200, 400]),
            ("GET /ok HTTP/1.1\r\nHost: x\r\nUser-Agent: " + String(repeating: "é", count: 3_000) + "\r\n\r\n", [200]),
        ] as [(String, [Int])])
    func requests(_ request: String, _ statuses: [Int]) async throws {
        try await Self.withServer { test, port in
            let status = try #require(try await Self.status(port, request))
            #expect(statuses.contains(status))
            #expect(test.sink.requests.count <= 1)
            for event in test.sink.requests {
                #expect(event.header.status == Int16(status))
                #expect((event.body.client?.userAgent?.utf8.count ?? 0) <= 256)
                #expect(["GET", "POST", "OPTIONS", "_OTHER"].contains(event.header.method))
            }
        }
    }

    @Test("requests sent at once on one connection are answered and recorded in order")
    func pipelined() async throws {
        try await Self.withServer { test, port in
            let connection = try RawConnection(port: port)
            connection.send(
                String(repeating: "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n", count: 50)
                    + "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let answer = try await connection.receive { $0.contains("404 Not Found") }
            #expect(answer.components(separatedBy: "HTTP/1.1 200 OK").count == 51)
            #expect(test.sink.requests.map(\.body.path) == Array(repeating: "/ok", count: 50) + ["/last"])
            connection.finish()
        }
    }

    @Test("sixty connections at once lose no event")
    func crowd() async throws {
        try await Self.withServer { test, port in
            try await withThrowingTaskGroup { group in
                for i in 0..<60 {
                    let connection = try RawConnection(port: port)
                    group.addTask {
                        defer { connection.finish() }
                        for j in 0..<10 {
                            connection.send("GET /ok?c=1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: c-\(i)-\(j)\r\n\r\n")
                            _ = try await connection.receive { $0.hasSuffix("ok") }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(test.sink.requests.count == 600)
            #expect(Set(test.sink.requests.compactMap(\.body.requestID)).count == 600)
        }
    }

    @Test("a megabyte of token is refused in process too, and is not hashed")
    func hugeToken() async throws {
        let test = TestApplication()
        try await test.application(try BearerTests.router()).test(.router) { client in
            let response = try await client.execute(
                uri: "/me", method: .get, headers: [.authorization: "Bearer " + String(repeating: "a.", count: 1 << 19)])
            #expect(response.status == .unauthorized)
            #expect(test.sink.events(.tokenRejected).first?.header.reason == "too_large")
            #expect(test.sink.events(.tokenRejected).first?.body.token == nil)
        }
    }
}
