import NIOCore

/// A server's reply: the code and the lines (RFC 5321, 4.2).
struct SMTPReply: Sendable, Hashable {
    var code: Int
    var lines: [String]

    var text: String { "\(code) \(lines.joined(separator: " "))" }

    /// A permanent refusal is final.
    var failure: DeliveryAttempt { DeliveryAttempt(code / 100 == 5 ? .refused : .unreachable, "the server says \(text)") }

    @discardableResult
    func require(_ code: Int) throws(DeliveryAttempt) -> SMTPReply {
        guard self.code == code else { throw failure }
        return self
    }

    /// Whether the answer to EHLO names an extension, and a word behind it.
    func offers(_ keyword: String, _ word: String? = nil) -> Bool {
        lines.dropFirst().contains { line in
            let words = line.uppercased().split(whereSeparator: { $0 == " " || $0 == "=" }).map(String.init)
            return words.first == keyword && (word.map { words.dropFirst().contains($0) } ?? true)
        }
    }
}

/// One conversation with a mail server: a command, a reply.
struct SMTPSession: Sendable {
    private let connection: StreamConnection
    private let replies: AsyncThrowingStream<SMTPReply, any Error>
    private let reader: NIOLoopBound<ReplyReader>
    let isLoopback: Bool

    /// - Parameter isSecure: whether TLS begins with the first byte.
    init(
        _ addresses: [SocketAddress], host: String, isSecure: Bool, authorities: String?, timeout: Duration
    ) async throws(DeliveryAttempt) {
        let (replies, continuation) = AsyncThrowingStream.makeStream(of: SMTPReply.self, throwing: (any Error).self)
        self.replies = replies
        connection = try await StreamConnection(addresses, timeout: timeout) { channel in
            if isSecure { try channel.pipeline.syncOperations.addHandler(StreamConnection.tls(host, authorities: authorities)) }
            try channel.pipeline.syncOperations.addHandler(ReplyReader(continuation))
        }
        let channel = connection.channel
        do {
            reader = try await channel.eventLoop.submit {
                NIOLoopBound(try channel.pipeline.syncOperations.handler(type: ReplyReader.self), eventLoop: channel.eventLoop)
            }.get()
        } catch { throw DeliveryAttempt(.unreachable, "the connection broke: \(error)") }
        let bytes = channel.remoteAddress?.ipAddress ?? ""
        isLoopback = bytes == "::1" || bytes.hasPrefix("127.")
    }

    /// The next reply.
    func read() async throws(DeliveryAttempt) -> SMTPReply {
        do {
            for try await reply in replies { return reply }
        } catch { throw DeliveryAttempt(.unreachable, "the connection broke: \(error)") }
        throw DeliveryAttempt(.unreachable, "the server ended the connection, or did not answer in time")
    }

    func ask(_ command: String) async throws(DeliveryAttempt) -> SMTPReply {
        try await write(Array(command.utf8) + [13, 10])
        return try await read()
    }

    /// Sends a message, in which a line that begins with a dot begins with two (4.5.2), and its end.
    func ask(data: [UInt8]) async throws(DeliveryAttempt) -> SMTPReply {
        var bytes: [UInt8] = []
        var isStart = true
        for byte in data {
            if isStart, byte == UInt8(ascii: ".") { bytes.append(byte) }
            bytes.append(byte)
            isStart = byte == 10
        }
        try await write(bytes + Array(".\r\n".utf8))
        return try await read()
    }

    private func write(_ bytes: [UInt8]) async throws(DeliveryAttempt) {
        do { try await connection.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() } catch {
            throw DeliveryAttempt(.unreachable, "the connection broke: \(error)")
        }
    }

    /// Begins TLS. What the server sent after its consent is not the server's word: nothing may stand in the buffer (CVE-2011-0411).
    func secure(_ host: String, authorities: String?) async throws(DeliveryAttempt) {
        let (channel, reader) = (connection.channel, reader)
        let isClean: Bool
        do {
            isClean = try await channel.eventLoop.submit {
                guard reader.value.isEmpty else { return false }
                try channel.pipeline.syncOperations.addHandler(StreamConnection.tls(host, authorities: authorities), position: .first)
                return true
            }.get()
        } catch let error as DeliveryAttempt {
            throw error
        } catch { throw DeliveryAttempt(.unreachable, "the connection broke: \(error)") }
        guard isClean else { throw DeliveryAttempt(.refused, "the server sent text ahead of TLS, as an attacker in between would") }
    }

    func close() async { await connection.close() }
}

/// Puts lines together to replies, within bounds.
private final class ReplyReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncThrowingStream<SMTPReply, any Error>.Continuation
    private var line: [UInt8] = []
    private var lines: [String] = []
    /// Replies that came while no command waited for one.
    private var total = 0
    private var count = 0

    private static let maximumLine = 4096
    private static let maximumLines = 100
    private static let maximumTotal = 256 << 10

    init(_ continuation: AsyncThrowingStream<SMTPReply, any Error>.Continuation) { self.continuation = continuation }

    /// Whether nothing stands behind the last reply, of three: the greeting, EHLO's, STARTTLS's.
    var isEmpty: Bool { line.isEmpty && lines.isEmpty && count == 3 }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        total += buffer.readableBytes
        guard total <= ReplyReader.maximumTotal else { return fail(context, "too much text") }
        for byte in buffer.readableBytesView {
            if byte == 10 {
                if line.last == 13 { line.removeLast() }
                guard take() else { return fail(context, "no reply of SMTP") }
                line = []
            } else {
                line.append(byte)
                guard line.count <= ReplyReader.maximumLine else { return fail(context, "a line that is too long") }
            }
        }
    }

    /// Takes up a line; false where it is none.
    private func take() -> Bool {
        guard line.count >= 3, let code = Int(String(decoding: line.prefix(3), as: UTF8.self)), (200...599).contains(code),
            lines.count < ReplyReader.maximumLines
        else { return false }
        let separator = line.count > 3 ? line[3] : UInt8(ascii: " ")
        lines.append(String(decoding: line.dropFirst(4), as: UTF8.self))
        switch separator {
        case UInt8(ascii: "-"): return true
        case UInt8(ascii: " "):
            continuation.yield(SMTPReply(code: code, lines: lines))
            lines = []
            count += 1
            return true
        default: return false
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ what: String) {
        continuation.finish(throwing: DeliveryAttempt(.unreachable, "the server sent \(what)"))
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { continuation.finish() }
        context.fireUserInboundEventTriggered(event)
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        continuation.finish(throwing: error)
        context.close(promise: nil)
    }
    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
}
