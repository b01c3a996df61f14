import NIOCore
import NIOSSL

/// Carries out what `SMTPConversation` decides.
final class SMTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var conversation: SMTPConversation
    private let end: ExchangeEnd
    private let tls: (@Sendable () throws -> NIOSSLClientHandler)?
    private var reader = SMTPReplyReader()
    private var isFinished = false

    /// - Parameter tls: for STARTTLS.
    init(_ conversation: SMTPConversation, _ end: ExchangeEnd, tls: (@Sendable () throws -> NIOSSLClientHandler)?) {
        (self.conversation, self.end, self.tls) = (conversation, end, tls)
    }

    func channelActive(context: ChannelHandlerContext) {
        conversation.ownName = SMTPHandler.ownName(context.channel.localAddress)
        conversation.isLoopback = SMTPHandler.isLoopback(context.channel.remoteAddress)
        end.waitingFor = conversation.waitingFor
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // After the farewell any answer will do.
        if isFinished { return context.close(promise: nil) }
        reader.append(unwrapInboundIn(data).readableBytesView)
        do {
            while !isFinished, let reply = try reader.next() { try perform(conversation.received(reply), context) }
        } catch let error as SMTPReplyReader.Malformed {
            fail("\(end.name): \(error.reason)")
        } catch {
            fail("\(end.name): \(ReceiverExchange.words(error))")
        }
    }

    private func perform(_ step: SMTPConversation.Step, _ context: ChannelHandlerContext) throws {
        end.waitingFor = conversation.waitingFor
        if case .finish(let attempt, let farewell) = step {
            isFinished = true
            end.finish(attempt)
            guard let farewell else { return end.cut() }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: farewell)), promise: nil)
            // What the attempt came to is known; nobody waits long for a goodbye.
            context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(5)) { [end] in end.cut() }
            return
        }
        // Nothing was asked that could have been answered by now. Before TLS this is how commands are slipped in (CVE-2011-0411).
        guard reader.isEmpty else { throw SMTPReplyReader.Malformed(reason: "the server answered before it was asked") }
        switch step {
        case .send(let bytes): context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .startTLS(let bytes):
            guard let tls else { return fail("\(end.name): TLS was not prepared") }
            try context.pipeline.syncOperations.addHandler(tls(), position: .before(self))
            // Waits in the TLS handler for the handshake.
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .finish: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end.finish(DeliveryAttempt(.unreachable, "\(end.name) closed the connection, waiting for \(conversation.waitingFor)"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail("\(end.name): \(ReceiverExchange.words(error))") }

    private func fail(_ detail: String) {
        isFinished = true
        end.finish(DeliveryAttempt(.unreachable, detail))
        end.cut()
    }

    /// For EHLO (RFC 5321 §4.1.1.1): this host's name where it is a full one, otherwise the address as a literal.
    private static func ownName(_ address: SocketAddress?) -> String {
        let name = HostName.current
        if name.utf8.contains(UInt8(ascii: ".")), MailMessage.isDomain(Array(name.utf8)) { return name }
        return switch address {
        case .v4: "[\(address?.ipAddress ?? "127.0.0.1")]"
        case .v6: "[IPv6:\((address?.ipAddress ?? "::1").prefix { $0 != "%" })]"
        default: "localhost"
        }
    }

    private static func isLoopback(_ address: SocketAddress?) -> Bool {
        let text = address?.ipAddress ?? ""
        return text == "::1" || text.hasPrefix("127.")
    }
}
