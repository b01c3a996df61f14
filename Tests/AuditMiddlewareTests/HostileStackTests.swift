import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

/// All layers at once, in the order that the documentation gives them, against what no proper client sends.
@Suite struct HostileStackTests {
    private static func withServer(_ body: @escaping @Sendable (TestApplication, Int) async throws -> Void) async throws {
        let test = TestApplication()
        let router = AuditedRouter(context: TestContext.self)
        router.add(middleware: RequestValidation())
        router.add(middleware: try TrustedHosts(["shop.example"]))
        router.add(middleware: CORS(try CORSPolicy(origins: ["https://shop.example"], methods: ["GET", "POST"])))
        router.add(middleware: try ResponseCompression())
        router.add(middleware: ConcurrentRequestLimit(name: "all", limit: 64))
        router.add(middleware: RateLimit(.init(name: "general", limit: 1_000_000, windowSeconds: 60)))
        router.add(middleware: BodyLimit(1_000))
        router.add(middleware: RequestTimeout(.seconds(20)))
        router.get("ok", policy: .anyone) { _, _ in "ok" }
        router.post("echo", policy: .anyone) { request, _ in try await request.body.collect(upTo: 1 << 20) }
        router.post("ignore", policy: .anyone) { _, _ in "ignored" }
        let signedIn = router.group().add(middleware: Authentication(BearerAuthenticator(verifier: try Forge.verifier(), realm: "shop")))
        signedIn.get("me", policy: .authenticated) { _, context in context.principal?.id ?? "" }
        let recorder = test.recorder
        let application = Application(
            responder: try SecurityHeaders().around(recorder.wrap(router)),
            server: .http1(configuration: .init(additionalChannelHandlers: recorder.connectionHandlers())),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: TestApplication.quiet)
        try await application.test(.live) { client in
            let port = try #require(client.port)
            try await body(test, port)
            // Whatever happened: it still answers, whom it should.
            let answer = try await Exchange.send(port, "GET /ok HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
            #expect(answer.status == 200)
        }
    }

    private static let head = " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
    private static func fill(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }

    /// Name, request, statuses that are clear answers to it.
    static let requests: [(String, String, [Int])] = [
        // Lengths.
        ("stated too long", "POST /echo\(head)Content-Length: 1001\r\n\r\n\(fill(1001, "x"))", [413]),
        ("stated far too long", "POST /echo\(head)Content-Length: 1099511627776\r\n\r\nx", [413]),
        ("beyond 64 bits", "POST /echo\(head)Content-Length: 99999999999999999999\r\n\r\nx", [400, 413]),
        ("negative", "POST /echo\(head)Content-Length: -1\r\n\r\n", [400]),
        ("signed", "POST /echo\(head)Content-Length: +1\r\n\r\nx", [400]),
        ("hexadecimal", "POST /echo\(head)Content-Length: 0x10\r\n\r\nx", [400]),
        ("scientific", "POST /echo\(head)Content-Length: 1e1\r\n\r\nx", [400]),
        ("two lengths", "POST /echo\(head)Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", [400]),
        ("one length twice", "POST /echo\(head)Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", [400]),
        ("a list of lengths", "POST /echo\(head)Content-Length: 1, 1\r\n\r\nx", [400]),
        ("an empty length", "POST /echo\(head)Content-Length:\r\n\r\n", [400]),
        (
            "chunks too long", "POST /echo\(head)Transfer-Encoding: chunked\r\n\r\n\(fill(3, "190\r\n\(fill(400, "x"))\r\n"))0\r\n\r\n",
            [413]
        ),
        ("many small chunks", "POST /echo\(head)Transfer-Encoding: chunked\r\n\r\n\(fill(1200, "1\r\nx\r\n"))0\r\n\r\n", [413]),
        ("one huge chunk", "POST /echo\(head)Transfer-Encoding: chunked\r\n\r\nffffffff\r\n\(fill(2_000, "x"))", [413]),
        ("a chunk beyond 64 bits", "POST /echo\(head)Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx", [400]),
        ("a chunk of no size", "POST /echo\(head)Transfer-Encoding: chunked\r\n\r\n\r\nx", [400]),
        ("a chunk of letters", "POST /echo\(head)Transfer-Encoding: chunked\r\n\r\nzz\r\nx", [400]),
        (
            "a long extension", "POST /echo\(head)Transfer-Encoding: chunked\r\n\r\n1;\(fill(100_000, "a"))\r\nx\r\n0\r\n\r\n",
            [200, 400, 413]
        ),
        (
            "trailers without end", "POST /echo\(head)Transfer-Encoding: chunked\r\n\r\n0\r\n\(fill(20_000, "A: b\r\n"))\r\n",
            [200, 400, 431]
        ),
        ("an ignored body too long", "POST /ignore\(head)Content-Length: 5000\r\n\r\n\(fill(5000, "x"))", [413]),
        // Smuggling.
        ("both framings", "POST /echo\(head)Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", [400]),
        ("both, the other way", "POST /echo\(head)Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]),
        ("an unknown coding", "POST /echo\(head)Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", [400, 501]),
        ("chunked twice", "POST /echo\(head)Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]),
        ("chunked, identity", "POST /echo\(head)Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", [400]),
        ("a space before the colon", "POST /echo\(head)Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", [400]),
        ("a folded line", "POST /echo\(head)X-A: b\r\n c\r\n\r\n", [200, 400]),
        ("a lone line feed", "GET /ok HTTP/1.1\nHost: shop.example\n\n", [200, 400]),
        ("a lone carriage return", "GET /ok\(head)X-A: b\rContent-Length: 5\r\n\r\n", [400]),
        ("NUL in a field", "GET /ok\(head)X-A: b\0c\r\n\r\n", [400]),
        ("NUL in a name", "GET /ok\(head)X\0A: b\r\n\r\n", [400]),
        // Floods.
        ("five thousand fields", "GET /ok\(head)\(fill(5_000, "X-A: b\r\n"))\r\n", [400, 431]),
        ("a field of 200 kB", "GET /ok\(head)X-Big: \(fill(200_000, "b"))\r\n\r\n", [400, 431]),
        ("a token of a megabyte", "GET /me\(head)Authorization: Bearer \(fill(1 << 20, "a"))\r\n\r\n", [400, 431]),
        ("a token of 30 kB", "GET /me\(head)Authorization: Bearer \(fill(30_000, "a"))\r\n\r\n", [401]),
        ("a thousand cookies", "GET /me\(head)Cookie: \(fill(1_000, "a=b; "))\r\n\r\n", [401]),
        ("a target of 20 kB", "GET /\(fill(20_000, "a"))\(head)\r\n", [414]),
        ("a query of 20 kB", "GET /ok?\(fill(5_000, "a=b&"))\(head)\r\n", [414]),
        // Duplicates.
        ("two hosts", "GET /ok\(head)Host: evil.example\r\n\r\n", [400]),
        ("two tokens", "GET /me\(head)Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", [400]),
        ("two content types", "POST /echo\(head)Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 1\r\n\r\nx", [400]),
        // Hosts.
        ("no host", "GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n", [400]),
        ("another host", "GET /ok HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", [400]),
        ("a host with a user", "GET /ok HTTP/1.1\r\nHost: shop.example@evil.example\r\nConnection: close\r\n\r\n", [400]),
        ("a Unicode host", "GET /ok HTTP/1.1\r\nHost: shöp.example\r\nConnection: close\r\n\r\n", [400]),
        ("a fullwidth host", "GET /ok HTTP/1.1\r\nHost: ｓｈｏｐ.example\r\nConnection: close\r\n\r\n", [400]),
        // Of such a target the server keeps the path alone; the host is that of the field.
        ("an absolute target of another host", "GET http://evil.example/ok\(head)\r\n", [200]),
        // Paths.
        ("two slashes", "GET //ok\(head)\r\n", [400, 404]), ("encoded dots", "GET /%2e%2e/ok\(head)\r\n", [400]),
        ("dots", "GET /a/../ok\(head)\r\n", [400]), ("an encoded slash", "GET /a%2fok\(head)\r\n", [400]),
        ("a parameter", "GET /ok;jsessionid=1\(head)\r\n", [400]), ("an overlong encoding", "GET /%c0%af\(head)\r\n", [400]),
        ("half an escape", "GET /ok%\(head)\r\n", [400]), ("encoded NUL", "GET /ok%00\(head)\r\n", [400]),
        ("a backslash", "GET /ok\\..\\x\(head)\r\n", [400]), ("encoded control", "GET /%0d%0aSet-Cookie:a=b\(head)\r\n", [400]),
        // Methods and origins.
        ("another method by field", "POST /ok\(head)X-HTTP-Method-Override: DELETE\r\n\r\n", [400]),
        ("a method nobody knows", "FROBNICATE /ok\(head)\r\n", [400]), ("TRACE", "TRACE /ok\(head)\r\n", [405]),
        ("CONNECT", "CONNECT shop.example:443\(head)\r\n", [400, 404, 405]),
        ("a foreign preflight", "OPTIONS /ok\(head)Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n\r\n", [400]),
        ("two origins", "GET /ok\(head)Origin: https://shop.example\r\nOrigin: https://evil.example\r\n\r\n", [200, 400]),
        ("an old protocol", "GET /ok HTTP/0.9\r\n\r\n", [400, 505]), ("no protocol", "GET /ok\r\n\r\n", [400]),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}", [400]),
    ]

    @Test("each has a clear status, one event, the security headers, and does no harm", arguments: requests.indices)
    func refusal(_ index: Int) async throws {
        let (name, request, statuses) = Self.requests[index]
        try await Self.withServer { test, port in
            let answer = try await Exchange.send(port, request)
            #expect(statuses.contains(answer.status), "\(name): \(answer.status)")
            let requests = test.sink.requests
            if requests.isEmpty {
                // The parser's own refusal: known by its connection alone.
                #expect(answer.status == 400, "\(name)")
                #expect(test.sink.events(.inputValidationFailure).count == 1, "\(name)")
            } else {
                #expect(requests.count == 1, "\(name)")
                let event = try #require(requests.first)
                // What fails within the body is the parser's to answer, after the head was handed in.
                #expect(event.header.status == Int16(answer.status) || event.header.reason == "malformed_request", "\(name)")
                #expect((event.body.path?.utf8.count ?? 0) <= 1024)
                if event.header.reason != "malformed_request" {
                    for header in SecurityHeadersTests.names { #expect(answer.count(header) == 1, "\(name): \(header)") }
                }
            }
            #expect(!answer.text.contains("evil.example"))
        }
    }

    @Test("a client that leaves at whatever byte of its request leaves no trouble, and at most one event")
    func leaving() async throws {
        let request = Array(
            "POST /echo HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer a.b.c\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
                .utf8)
        try await Self.withServer { test, port in
            for end in 0...request.count {
                let connection = try RawConnection(port: port)
                connection.send(Array(request[..<end]))
                if end.isMultiple(of: 2) { connection.reset() } else { connection.finish() }
            }
            let last = try await Exchange.send(
                port, String(decoding: request, as: UTF8.self).replacing("Host", with: "Connection: close\r\nHost"))
            #expect(last.status == 200)
            let kinds = Dictionary(grouping: test.sink.requests) {
                "\($0.header.status ?? 0) \($0.header.reason ?? "") \($0.body.path ?? "")"
            }.mapValues(\.count)
            #expect(test.sink.requests.count <= request.count + 2, "\(kinds)")
        }
    }

    @Test("many slow clients hold their own connections, and nobody else's")
    func slow() async throws {
        try await Self.withServer { test, port in
            let slow = try (0..<50).map { _ in try RawConnection(port: port) }
            defer { for connection in slow { connection.reset() } }
            for (index, connection) in slow.enumerated() {
                // A part of the head, the head, or a part of the body.
                connection.send(String("POST /echo\(Self.head)Content-Length: 10\r\n\r\nhal".prefix(10 + index * 2)))
            }
            for _ in 0..<20 {
                let answer = try await Exchange.send(port, "GET /ok\(Self.head)\r\n")
                #expect(answer.status == 200)
            }
        }
    }
}
