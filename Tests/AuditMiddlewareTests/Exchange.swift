import AuditMiddleware
import AuditTesting
import CZlib
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

/// A request with every byte in the test's hand: authority, target and fields are sent as they stand, in process and on the wire.
struct TestRequest: Sendable {
    var method = "GET"
    var target = "/"
    var host: String? = "testserver"
    var fields: [(String, String)] = []
    /// With a length stated.
    var body: String?
    /// In pieces, without one.
    var chunks: [String]?

    static func get(_ target: String = "/", host: String? = "testserver", _ fields: (String, String)...) -> TestRequest {
        TestRequest(target: target, host: host, fields: fields)
    }
}

struct TestAnswer: Sendable {
    var status = 0
    var headers = HTTPFields()
    var bytes: [UInt8] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }
    subscript(name: String) -> String? { headers[HTTPField.Name(name)!] }
    /// How many fields of this name there are.
    func count(_ name: String) -> Int { headers[values: HTTPField.Name(name)!].count }
    var isProblem: Bool { self["Content-Type"] == "application/problem+json" }
}

/// One way to have requests answered.
struct Exchange: Sendable {
    private enum Place {
        case process(any HTTPResponder<TestContext>)
        case port(Int)
    }
    private let place: Place

    /// Runs `body` against a recorded router, or what `around` makes of it.
    static func run<Responder: HTTPResponder<TestContext>>(
        _ way: Way, _ test: TestApplication, _ router: Router<TestContext>, idleTimeout: TimeAmount? = nil,
        around: (RecordedResponder<RouterResponder<TestContext>>) throws -> Responder,
        _ body: @escaping @Sendable (Exchange) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let recorder = AuditRecorder(
            sink: test.sink, configuration: .init(source: "shop", fingerprinter: TestApplication.fingerprinter, clock: test.clock.clock),
            logger: logger)
        let responder = try around(recorder.wrap(router))
        guard way == .live else { return try await body(Exchange(place: .process(responder))) }
        let application = Application(
            responder: responder,
            server: .http1(
                configuration: .init(additionalChannelHandlers: recorder.connectionHandlers(), idleTimeout: idleTimeout)),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: logger)
        try await application.test(.live) { client in try await body(Exchange(place: .port(try #require(client.port)))) }
    }

    static func run(
        _ way: Way, _ test: TestApplication, _ router: Router<TestContext>, idleTimeout: TimeAmount? = nil,
        _ body: @escaping @Sendable (Exchange) async throws -> Void
    ) async throws {
        try await run(way, test, router, idleTimeout: idleTimeout, around: { $0 }, body)
    }

    var port: Int? { if case .port(let port) = place { port } else { nil } }

    func callAsFunction(_ request: TestRequest) async throws -> TestAnswer {
        switch place {
        case .process(let responder): try await Exchange.respond(responder, request)
        case .port(let port): try await Exchange.send(port, Exchange.text(request))
        }
    }

    private static func respond(_ responder: any HTTPResponder<TestContext>, _ request: TestRequest) async throws -> TestAnswer {
        var fields = HTTPFields()
        for (name, value) in request.fields { fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        if let body = request.body { fields[.contentLength] = String(body.utf8.count) }
        if request.chunks != nil { fields[.transferEncoding] = "chunked" }
        let pieces = (request.chunks ?? request.body.map { [$0] } ?? []).map { ByteBuffer(string: $0) }
        let stream = AsyncStream<ByteBuffer> { continuation in
            for piece in pieces { continuation.yield(piece) }
            continuation.finish()
        }
        let head = HTTPRequest(
            method: try #require(HTTPRequest.Method(request.method)), scheme: "http", authority: request.host, path: request.target,
            headerFields: fields)
        let context = TestContext(source: .init(channel: NIOAsyncTestingChannel(), logger: Logger(label: "test")))
        let response = try await responder.respond(to: Request(head: head, body: RequestBody(asyncSequence: stream)), context: context)
        let sink = BodySink()
        try await response.body.write(sink)
        return TestAnswer(
            status: response.status.code, headers: response.headers, bytes: request.method == "HEAD" ? [] : sink.bytes.withLock { $0 })
    }

    private final class BodySink: ResponseBodyWriter, Sendable {
        let bytes = Mutex<[UInt8]>([])
        func write(_ buffer: ByteBuffer) async throws { bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) } }
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    static func text(_ request: TestRequest) -> String {
        var text = "\(request.method) \(request.target) HTTP/1.1\r\n"
        if let host = request.host { text += "Host: \(host)\r\n" }
        for (name, value) in request.fields { text += "\(name): \(value)\r\n" }
        text += "Connection: close\r\n"
        if let chunks = request.chunks {
            text += "Transfer-Encoding: chunked\r\n\r\n"
            for chunk in chunks { text += String(chunk.utf8.count, radix: 16) + "\r\n\(chunk)\r\n" }
            return text + "0\r\n\r\n"
        }
        if let body = request.body { return text + "Content-Length: \(body.utf8.count)\r\n\r\n" + body }
        return text + "\r\n"
    }

    static func send(_ port: Int, _ text: String) async throws -> TestAnswer {
        let connection = try RawConnection(port: port)
        defer { connection.finish() }
        connection.send(text)
        return parse(try await connection.receiveBytes())
    }

    static func parse(_ bytes: [UInt8]) -> TestAnswer {
        var answer = TestAnswer()
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return answer }
        let lines = bytes[..<end.lowerBound].split(separator: UInt8(ascii: "\n")).map {
            String(decoding: $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0, as: UTF8.self)
        }
        answer.status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else { continue }
            answer.headers.append(HTTPField(name: name, value: String(line[line.index(after: colon)...].drop { $0 == " " })))
        }
        var rest = bytes[end.upperBound...]
        guard answer.headers[.transferEncoding] == "chunked" else {
            answer.bytes = Array(rest)
            return answer
        }
        while let line = rest.firstRange(of: Array("\r\n".utf8)),
            let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16), size > 0
        {
            answer.bytes += rest[line.upperBound...].prefix(size)
            rest = rest[line.upperBound...].dropFirst(size + 2)
        }
        return answer
    }
}

/// The bytes of a gzip or zlib stream; nil where it is damaged. What a cut stream holds so far with `partial`.
func inflated(_ bytes: [UInt8], partial: Bool = false) -> [UInt8]? {
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    var (input, output) = (bytes, [UInt8]())
    var status = Z_OK
    input.withUnsafeMutableBufferPointer { input in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        var piece = [UInt8](repeating: 0, count: 65_536)
        while status == Z_OK {
            piece.withUnsafeMutableBufferPointer { piece in
                stream.next_out = piece.baseAddress
                stream.avail_out = UInt32(piece.count)
                status = inflate(&stream, Z_NO_FLUSH)
            }
            output += piece[..<(piece.count - Int(stream.avail_out))]
        }
    }
    return status == Z_STREAM_END || partial ? output : nil
}
