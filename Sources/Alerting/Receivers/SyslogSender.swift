import NIOCore

/// Sends messages of RFC 5424 to one syslog receiver: by UDP one a datagram (RFC 5426), by TCP with octet counting (RFC 6587 §3.4.1), by TLS (RFC 5425).
///
/// Syslog has no answers. UDP counts as sent unless the receiver's host says at once that nobody listens. On TCP and TLS this side closes when all is
/// written, and the messages count as sent when the receiver then closes too, having read all of it.
public struct SyslogSender: Sendable {
    public enum Transport: String, Sendable, CaseIterable {
        case udp, tcp, tls
    }

    /// RFC 5426 §3.2; a datagram of IPv4 carries 65,507 bytes.
    static let longestDatagram = 65_000

    private let host: String
    private let port: Int
    private let transport: Transport
    private let resolver: DestinationResolver
    private let authorities: String?
    private let timeout: Duration

    /// - Parameters:
    ///   - host: a name or an address; a certificate must be for it.
    ///   - authorities: a PEM file of authorities beside the system's.
    ///   - timeout: of one call of `send`, with everything.
    public init(
        host: String, port: Int, transport: Transport, resolver: DestinationResolver, authorities: String? = nil,
        timeout: Duration = .seconds(10)
    ) {
        (self.host, self.port, self.transport, self.resolver) = (host, port, transport, resolver)
        (self.authorities, self.timeout) = (authorities, timeout)
    }

    /// Sends the messages over one connection, in order. Empty ones are left out; by UDP one of more than 65,000 bytes is cut between characters.
    ///
    /// - Returns: `.status(200)`, `.unreachable`, or `.refused` for an address that may not be connected to. After `.unreachable` the receiver may
    ///   have some of the messages.
    public func send(_ messages: [[UInt8]]) async -> DeliveryAttempt {
        let messages = messages.filter { !$0.isEmpty }
        let success = DeliveryAttempt(.status(200), "\(messages.count) messages sent to \(host):\(port) by \(transport)")
        guard !messages.isEmpty else { return success }
        let (transport, resolver, authorities) = (transport, resolver, authorities)
        return await ReceiverExchange.run(host: host, port: port, timeout: timeout) { exchange throws(DeliveryAttempt) in
            let addresses = try await exchange.addresses(resolver)
            switch transport {
            case .udp:
                let datagrams = messages.map { ByteBuffer(bytes: $0.cutBetweenScalars(SyslogSender.longestDatagram)) }
                return try await exchange.converse(addresses, over: .datagram) { [SyslogDatagramHandler(datagrams, $0, success)] }
            case .tcp:
                let frames = SyslogSender.octetCounted(messages)
                return try await exchange.converse(addresses, over: .stream) {
                    [SyslogStreamHandler(frames, $0, success)]
                }
            case .tls:
                let frames = SyslogSender.octetCounted(messages)
                let tls = try await exchange.tls(authorities: authorities)
                return try await exchange.converse(addresses, over: .stream) {
                    [try tls(), SyslogStreamHandler(frames, $0, success)]
                }
            }
        }
    }

    static func octetCounted(_ messages: [[UInt8]]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for message in messages {
            buffer.writeString("\(message.count) ")
            buffer.writeBytes(message)
        }
        return buffer
    }
}

/// Writes everything, closes its side, and drops what the peer says.
private final class SyslogStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let frames: ByteBuffer
    private let end: ExchangeEnd

    init(_ frames: ByteBuffer, _ end: ExchangeEnd, _ success: DeliveryAttempt) {
        self.frames = frames
        self.end = end
        end.onPeerClose = success
    }

    func channelActive(context: ChannelHandlerContext) {
        end.waitingFor = "the receiver to read everything and close"
        // After the write, for TLS that has not begun its handshake yet would have nothing to say goodbye to.
        context.writeAndFlush(wrapOutboundOut(frames)).assumeIsolated().whenSuccess { context.close(mode: .output, promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end.finish(DeliveryAttempt(.unreachable, "\(end.name): \(ReceiverExchange.words(error))"))
        end.cut()
    }
}

/// Writes one datagram a message.
private final class SyslogDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = ByteBuffer

    private let datagrams: [ByteBuffer]
    private let end: ExchangeEnd
    private let success: DeliveryAttempt

    init(_ datagrams: [ByteBuffer], _ end: ExchangeEnd, _ success: DeliveryAttempt) {
        (self.datagrams, self.end, self.success) = (datagrams, end, success)
    }

    func channelActive(context: ChannelHandlerContext) {
        end.waitingFor = "room to send"
        let written = datagrams.map { context.write(wrapOutboundOut($0)) }
        context.flush()
        let channel = context.channel
        EventLoopFuture.andAllSucceed(written, on: context.eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                // A connected socket learns of a port that nobody listens on: ICMP, so often at once and never surely.
                let error = (try? channel.syncOptions?.getOption(.socketOption(.so_error))) ?? 0
                self.close(error == 0 ? nil : IOError(errnoCode: CInt(truncatingIfNeeded: error), reason: "send"))
            case .failure(let error): self.close(error)
            }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close(error) }

    private func close(_ error: (any Error)?) {
        end.finish(error.map { DeliveryAttempt(.unreachable, "\(end.name): \(ReceiverExchange.words($0))") } ?? success)
        end.cut()
    }
}
