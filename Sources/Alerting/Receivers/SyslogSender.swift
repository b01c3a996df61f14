import Glibc
import NIOCore
import NIOSSL

/// Sends syslog messages: a datagram each (RFC 5426), or over a connection with octet counting (RFC 6587, 3.4.1; RFC 5425).
///
/// Syslog knows no acknowledgement. What is delivered was handed to the network, and the peer did not refuse the connection or break it.
public struct SyslogSender: Sendable {
    public enum Transport: String, Sendable, CaseIterable { case udp, tcp, tls }

    let host: String
    let port: Int
    let transport: Transport
    let resolver: DestinationResolver
    let authorities: String?
    let timeout: Duration

    /// - Parameters:
    ///   - authorities: a PEM file of authorities beside the system's.
    ///   - timeout: for one call of `send`.
    public init(
        host: String, port: Int, transport: Transport, resolver: DestinationResolver, authorities: String? = nil,
        timeout: Duration = .seconds(10)
    ) {
        (self.host, self.port, self.transport, self.resolver) = (host, port, transport, resolver)
        (self.authorities, self.timeout) = (authorities, timeout)
    }

    /// Sends complete messages, in order.
    public func send(_ messages: [[UInt8]]) async -> DeliveryAttempt {
        do throws(DeliveryAttempt) {
            let addresses = try await resolver.addresses(of: host, port: port)
            if transport == .udp { try datagrams(messages, to: addresses[0]) } else { try await stream(messages, to: addresses) }
            return DeliveryAttempt(.status(200), "sent")
        } catch { return error }
    }

    private func datagrams(_ messages: [[UInt8]], to address: SocketAddress) throws(DeliveryAttempt) {
        let family = if case .v6 = address { AF_INET6 } else { AF_INET }
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw DeliveryAttempt(.unreachable, "no socket: \(String(cString: strerror(errno)))") }
        defer { Glibc.close(descriptor) }
        for message in messages {
            let sent = address.withSockAddr { name, size in sendto(descriptor, message, message.count, 0, name, socklen_t(size)) }
            guard sent == message.count else {
                throw DeliveryAttempt(.unreachable, "the datagram could not be sent: \(String(cString: strerror(errno)))")
            }
        }
    }

    private func stream(_ messages: [[UInt8]], to addresses: [SocketAddress]) async throws(DeliveryAttempt) {
        let (host, authorities, isSecure) = (host, authorities, transport == .tls)
        let connection = try await StreamConnection(addresses, timeout: timeout) { channel in
            if isSecure { try channel.pipeline.syncOperations.addHandler(StreamConnection.tls(host, authorities: authorities)) }
            try channel.pipeline.syncOperations.addHandler(PeerEnd(channel.eventLoop.makePromise()))
        }
        var bytes = ByteBuffer()
        for message in messages {
            bytes.writeString("\(message.count) ")
            bytes.writeBytes(message)
        }
        do {
            try await connection.channel.writeAndFlush(bytes).get()
            // A peer that has read everything ends its side too; one that broke the connection off shows so now.
            try await connection.channel.eventLoop.flatSubmit { [channel = connection.channel] () -> EventLoopFuture<Void> in
                do {
                    let end = try channel.pipeline.syncOperations.handler(type: PeerEnd.self).end
                    let patience = channel.eventLoop.scheduleTask(in: .milliseconds(500)) { end.succeed() }
                    end.futureResult.whenComplete { _ in patience.cancel() }
                    channel.close(mode: isSecure ? .all : .output, promise: nil)
                    return end.futureResult
                } catch { return channel.eventLoop.makeFailedFuture(error) }
            }.get()
            await connection.close()
        } catch {
            await connection.close()
            throw DeliveryAttempt(.unreachable, "the connection broke: \(error)")
        }
    }
}

/// Notes how a connection ended.
private final class PeerEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let end: EventLoopPromise<Void>

    init(_ end: EventLoopPromise<Void>) { self.end = end }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { end.succeed() }
        context.fireUserInboundEventTriggered(event)
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many peers close without a word of TLS when everything has been said.
        if let error = error as? NIOSSLError, case .uncleanShutdown = error { end.succeed() } else { end.fail(error) }
        context.close(promise: nil)
    }
    func channelInactive(context: ChannelHandlerContext) { end.succeed() }
    func handlerRemoved(context: ChannelHandlerContext) { end.succeed() }
}
