import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import AuditMiddleware

/// What Starlette's `GZipMiddleware` does, and what it leaves out.
@Suite struct CompressionTests {
    struct Broken: Error {}

    static func text(_ count: Int, _ headers: HTTPFields = [:], status: HTTPResponse.Status = .ok) -> Response {
        var headers = headers
        if headers[.contentType] == nil { headers[.contentType] = "text/plain; charset=utf-8" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: String(repeating: "x", count: count))))
    }

    static func router(minimumSize: Int = 500, wholeResponseLimit: Int = 256 * 1024) throws -> Router<TestContext> {
        let router = TestApplication.router()
        router.add(middleware: try ResponseCompression(minimumSize: minimumSize, wholeResponseLimit: wholeResponseLimit))
        router.get("/") { _, _ in text(4000) }
        router.get("small") { _, _ in "OK" }
        router.get("empty") { _, _ in Response(status: .ok, headers: [.contentType: "text/plain"]) }
        router.get("large") { _, _ in text(1 << 20) }
        router.get("stream") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain"],
                body: .init { writer in
                    for _ in 0..<10 { try await writer.write(ByteBuffer(string: String(repeating: "x", count: 400))) }
                    try await writer.finish(nil)
                })
        }
        for (path, headers, status) in [
            ("encoded", [.contentEncoding: "text"], .ok), ("identity", [.contentEncoding: "identity"], .ok),
            ("events", [.contentType: "text/event-stream"], .ok), ("events2", [.contentType: "Text/Event-Stream;charset=utf-8"], .ok),
            ("fixed", [.cacheControl: "public, No-Transform"], .ok), ("image", [.contentType: "image/png"], .ok),
            ("bytes", [.contentType: "application/octet-stream"], .ok), ("part", [.contentRange: "bytes 0-1/2"], .partialContent),
            ("unchanged", [:], .notModified),
        ] as [(String, HTTPFields, HTTPResponse.Status)] {
            router.get(RouterPath(path)) { _, _ in text(4000, headers, status: status) }
        }
        for type in [
            "application/json", "application/problem+json", "image/svg+xml", "application/xml", "text/html", "APPLICATION/JSON ;x=y",
        ] {
            router.get(RouterPath(type.filter(\.isLetter))) { _, _ in text(4000, [.contentType: type]) }
        }
        router.get("tagged") { _, _ in text(4000, [.eTag: "\"abc\"", .acceptRanges: "bytes", .vary: "Origin"]) }
        router.get("weak") { _, _ in text(4000, [.eTag: "W/\"abc\""]) }
        router.get("varied") { _, _ in text(4000, [.vary: "*"]) }
        router.get("broken") { _, _ -> Response in throw HTTPError(.conflict, message: String(repeating: "long ", count: 300)) }
        router.get("breaks") { _, _ in
            Response(status: .ok, headers: [.contentType: "text/plain"], body: .init(contentLength: 4000) { _ in throw Broken() })
        }
        return router
    }

    static func get(_ target: String, _ accept: String? = "gzip", method: String = "GET") -> TestRequest {
        TestRequest(method: method, target: target, fields: accept.map { [("Accept-Encoding", $0)] } ?? [])
    }

    @Test("text is compressed, its new length told", arguments: Way.allCases)
    func gzip(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, try Self.router()) { (send) async throws -> Void in
            for (coding, magic) in [("gzip", [0x1f, 0x8b] as [UInt8]), ("deflate", [])] {
                let answer = try await send(Self.get("/", coding))
                #expect(answer.status == 200)
                #expect(answer["Content-Encoding"] == coding)
                #expect(answer["Vary"] == "Accept-Encoding")
                #expect(answer["Content-Length"] == String(answer.bytes.count))
                #expect(answer.count("Content-Length") == 1)
                #expect(answer.bytes.count < 100)
                #expect(answer.bytes.starts(with: magic))
                #expect(inflated(answer.bytes) == Array(repeating: UInt8(ascii: "x"), count: 4000))
                #expect(test.sink.requests.last?.body.details["bytes"] == .int(Int64(answer.bytes.count)))
            }
            for accept in ["identity", nil, "", "br", "gzip;q=0"] {
                let answer = try await send(Self.get("/", accept))
                #expect(answer.text == String(repeating: "x", count: 4000))
                #expect(answer["Content-Encoding"] == nil)
                #expect(answer["Content-Length"] == "4000")
                #expect(answer["Vary"] == "Accept-Encoding")
            }
            for path in ["applicationjson", "applicationproblemjson", "imagesvgxml", "applicationxml", "texthtml", "APPLICATIONJSONxy"] {
                #expect(try await send(Self.get("/" + path))["Content-Encoding"] == "gzip", "\(path)")
            }
        }
    }

    @Test("what must not or need not be compressed is left as it is", arguments: Way.allCases)
    func left(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), try Self.router()) { (send) async throws -> Void in
            for path in ["small", "encoded", "identity", "events", "events2", "fixed", "image", "bytes", "part", "unchanged", "empty"] {
                let plain = try await send(Self.get("/" + path, nil))
                let answer = try await send(Self.get("/" + path))
                #expect(answer.bytes == plain.bytes, "\(path)")
                #expect(answer["Content-Encoding"] == plain["Content-Encoding"])
                #expect(answer["Content-Length"] == plain["Content-Length"])
                #expect(answer["Vary"] == nil)
            }
            let head = try await send(Self.get("/", method: "HEAD"))
            #expect(head["Content-Encoding"] == nil)
            #expect(head["Content-Length"] == "4000")
        }
    }

    @Test("identity ruled out has small bodies compressed; everything ruled out is answered all the same", arguments: Way.allCases)
    func identity(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), try Self.router()) { (send) async throws -> Void in
            for accept in ["gzip, identity;q=0", "gzip, *;q=0"] {
                let answer = try await send(Self.get("/small", accept))
                #expect(answer["Content-Encoding"] == "gzip")
                #expect(inflated(answer.bytes) == Array("OK".utf8))
            }
            let answer = try await send(Self.get("/", "identity;q=0"))
            #expect(answer.status == 200)
            #expect(answer["Content-Encoding"] == nil)
        }
    }

    @Test("streams and large bodies are compressed piece by piece, without a length", arguments: Way.allCases)
    func streaming(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), try Self.router()) { (send) async throws -> Void in
            for (path, count) in [("/stream", 4000), ("/large", 1 << 20)] {
                for coding in ["gzip", "deflate"] {
                    let answer = try await send(Self.get(path, coding))
                    #expect(answer["Content-Encoding"] == coding)
                    #expect(answer["Content-Length"] == nil)
                    #expect(inflated(answer.bytes) == Array(repeating: UInt8(ascii: "x"), count: count))
                }
            }
        }
    }

    @Test("each piece of a stream can be read before the next is made")
    func flushed() async throws {
        let router = TestApplication.router()
        router.add(middleware: try ResponseCompression())
        let (asked, ask) = AsyncStream<Void>.makeStream()
        router.get("stream") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/x-ndjson"],
                body: .init { writer in
                    try await writer.write(ByteBuffer(string: "{\"n\":1}\n"))
                    for await _ in asked { break }
                    try await writer.write(contentsOf: [ByteBuffer(string: "{\"n\":"), ByteBuffer(string: "2}\n")])
                    try await writer.finish(nil)
                })
        }
        try await Exchange.run(.live, TestApplication(), router) { (send) async throws -> Void in
            let connection = try RawConnection(port: try #require(send.port))
            defer { connection.finish() }
            connection.send("GET /stream HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
            // A sync flush ends in the empty block 00 00 ff ff.
            let first = try await connection.receive { $0.contains("\r\n\r\n") && $0.hasSuffix("\u{fffd}\u{fffd}\r\n") }
            #expect(!first.isEmpty)
            ask.yield()
            #expect(try await connection.receive().hasSuffix("0\r\n\r\n"))
        }
    }

    @Test("a strong entity tag becomes weak, ranges are no longer offered, Vary is kept", arguments: Way.allCases)
    func validators(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), try Self.router()) { (send) async throws -> Void in
            let answer = try await send(Self.get("/tagged"))
            #expect(answer["ETag"] == "W/\"abc\"")
            #expect(answer["Accept-Ranges"] == nil)
            #expect(answer["Vary"] == "Origin, Accept-Encoding")
            #expect(try await send(Self.get("/tagged", nil))["ETag"] == "\"abc\"")
            #expect(try await send(Self.get("/weak"))["ETag"] == "W/\"abc\"")
            #expect(try await send(Self.get("/varied"))["Vary"] == "*")
        }
    }

    @Test("errors are compressed too, and a body that fails while it is taken into memory is one", arguments: Way.allCases)
    func errors(_ way: Way) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, try Self.router()) { (send) async throws -> Void in
            let answer = try await send(Self.get("/broken"))
            #expect(answer.status == 409)
            #expect(answer["Content-Encoding"] == "gzip")
            #expect(inflated(answer.bytes).map { String(decoding: $0, as: UTF8.self) }?.contains("long long") == true)
            let failed = try await send(Self.get("/breaks"))
            #expect(failed.status == 500)
            #expect(failed.isProblem)
            #expect(failed["Content-Encoding"] == nil)
            #expect(test.sink.requests.last?.header.reason == "unhandled_error")
        }
    }

    static let hostile: [(String, String?)] = [
        ("gzip", "gzip"), ("GZIP", "gzip"), ("x-gzip", "gzip"), ("deflate", "deflate"), ("*", "gzip"), ("gzip, deflate", "gzip"),
        ("deflate, gzip", "gzip"), ("gzip;q=0.5, deflate", "deflate"), ("gzip;q=0.5, deflate;q=0.6", "deflate"), ("gzip;q=0, *", "deflate"),
        ("gzip;q=0, *;q=0", nil), ("*;q=0", nil), ("gzip;q=0.000", nil), ("gzip;q=0.001", "gzip"), ("gzip;q=1.000", "gzip"),
        ("gzip; q=1", "gzip"),
        ("gzip ;Q=1", "gzip"), ("gzip;q=1.001", nil), ("gzip;q=2", nil), ("gzip;q=-1", nil), ("gzip;q=", nil), ("gzip;q", nil),
        ("gzip;", nil),
        ("gzip;q=0.0001", nil), ("gzip;q=1.", "gzip"), ("gzip;q=.5", nil), ("gzip;q=0,5", nil), ("gzip;q=nan", nil), ("gzip;q=1e0", nil),
        ("gzip;q=\"1\"", nil), ("gzip;q=1;q=0", nil), ("gzip;x=1", nil), ("gzip;q = 1", nil), ("gzipx", nil), ("xgzip", nil),
        ("not-gzip", nil),
        ("g zip", nil), ("gzip gzip", nil), ("\"gzip\"", nil), ("gzip;q=0, gzip", "gzip"), ("identity, gzip", "gzip"),
        ("identity, gzip;q=0.9", nil), ("identity;q=0.5, gzip;q=0.9", "gzip"), ("identity;q=0", nil), (",,,gzip,,,", "gzip"), (",", nil),
        ("", nil), (" ", nil), (";q=1", nil), ("br, zstd", nil), ("gzıp", nil), ("ｇｚｉｐ", nil), ("gzip\u{301}", nil), ("gzip/1.0", nil),
        (String(repeating: "a,", count: 400) + "gzip", "gzip"), (String(repeating: "a,", count: 4000) + "gzip", nil),
        (String(repeating: "gzip,", count: 200), "gzip"), (String(repeating: ";", count: 900) + ",gzip", "gzip"),
        ("gzip;q=" + String(repeating: "0", count: 900), nil),
    ]

    @Test("preferences are read as RFC 9110 has them, and nonsense is none", arguments: Way.allCases, hostile)
    func accept(_ way: Way, _ pair: (String, String?)) async throws {
        let test = TestApplication()
        try await Exchange.run(way, test, try Self.router()) { (send) async throws -> Void in
            let answer = try await send(Self.get("/", pair.0))
            #expect(answer.status == 200)
            #expect(answer["Content-Encoding"] == pair.1)
            #expect((pair.1 == nil ? answer.bytes : inflated(answer.bytes))?.count == 4000)
            #expect(test.sink.events.count == 1)
        }
    }

    @Test("several fields are one list", arguments: Way.allCases)
    func fields(_ way: Way) async throws {
        try await Exchange.run(way, TestApplication(), try Self.router()) { (send) async throws -> Void in
            let answer = try await send(.get("/", ("Accept-Encoding", "br"), ("Accept-Encoding", "gzip;q=0.1")))
            #expect(answer["Content-Encoding"] == "gzip")
        }
    }

    @Test("what is compressed in any pieces comes out as it went in")
    func deflater() throws {
        var generator = SystemRandomNumberGenerator()
        for size in [0, 1, 9, 300, 511, 512, 513, 70_000, 300_000] {
            let bytes = (0..<size).map { $0 % 3 == 0 ? UInt8.random(in: 0...255, using: &generator) : UInt8(ascii: "a") }
            for coding in [ContentCoding.gzip, .deflate] {
                for flush in [Deflater.Flush.none, .sync] {
                    let deflater = try Deflater(coding, level: 6, size: flush == .none ? size : nil)
                    var output = ByteBuffer()
                    var rest = bytes[...]
                    while !rest.isEmpty {
                        let piece = rest.prefix(Int.random(in: 1...100_000, using: &generator))
                        try deflater.compress(ByteBuffer(bytes: piece), into: &output, flush: flush)
                        rest = rest.dropFirst(piece.count)
                        if flush == .sync { #expect(inflated(Array(output.readableBytesView), partial: true)?.count == size - rest.count) }
                    }
                    try deflater.compress(ByteBuffer(), into: &output, flush: .finish)
                    #expect(inflated(Array(output.readableBytesView)) == bytes)
                }
            }
        }
    }

    @Test("levels and sizes that make no sense are refused at once")
    func configuration() {
        #expect(throws: HardeningError.self) { try ResponseCompression<TestContext>(level: 0) }
        #expect(throws: HardeningError.self) { try ResponseCompression<TestContext>(level: 10) }
        #expect(throws: HardeningError.self) { try ResponseCompression<TestContext>(minimumSize: -1) }
    }
}
