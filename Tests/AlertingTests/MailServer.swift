import NIOCore
import NIOSSL
import Synchronization

/// A mail server on loopback that answers as it is told.
final class MailServer: Sendable {
    enum Answer: Sendable, ExpressibleByStringLiteral {
        /// With its line ends.
        case text(String)
        /// Never.
        case hang
        case close
        init(stringLiteral text: String) { self = .text(text) }
    }

    struct Script: Sendable {
        var greeting: Answer = "220 mail.test ESMTP\r\n"
        var hello: Answer = "250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
        /// By a command's beginning; the longest that fits.
        var answers: [String: Answer] = [:]
        /// To the message.
        var message: Answer = "250 2.0.0 queued as 1\r\n"
        /// Whether answers go out byte by byte.
        var isSlow = false
        /// Whether TLS begins with the first byte.
        var isSecure = false
    }

    struct Command: Sendable, Hashable {
        var line: String
        var isEncrypted: Bool
    }

    private let state = Mutex<(commands: [Command], messages: [[UInt8]], opened: Int, closed: Int)>(([], [], 0, 0))

    var commands: [Command] { state.withLock { $0.commands } }
    var lines: [String] { commands.map(\.line) }
    /// As they came, without the last dot.
    var messages: [[UInt8]] { state.withLock { $0.messages } }
    var opened: Int { state.withLock { $0.opened } }
    var closed: Int { state.withLock { $0.closed } }

    /// - Parameter certificate: for TLS, from the start or by STARTTLS.
    static func run<R>(
        _ script: Script = Script(), certificate: TestCertificate? = nil,
        _ body: (_ port: Int, _ server: MailServer) async throws -> R
    ) async throws -> R {
        let server = MailServer()
        return try await LoopbackListener.run(server.handlers(script, certificate)) { port, _ in try await body(port, server) }
    }

    private func handlers(_ script: Script, _ certificate: TestCertificate?) -> [any ChannelHandler] {
        let handler = Handler(self, script, certificate)
        guard script.isSecure, let certificate else { return [handler] }
        return [certificate.handler(), handler]
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let server: MailServer
        private let script: Script
        private let certificate: TestCertificate?
        private var bytes: [UInt8] = []
        private var isReadingMessage = false
        private var isEncrypted: Bool
        private var loginSteps = 0

        init(_ server: MailServer, _ script: Script, _ certificate: TestCertificate?) {
            (self.server, self.script, self.certificate, isEncrypted) = (server, script, certificate, script.isSecure)
        }

        func channelActive(context: ChannelHandlerContext) {
            server.state.withLock { $0.opened += 1 }
            answer(script.greeting, context)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += unwrapInboundIn(data).readableBytesView
            while true {
                if isReadingMessage {
                    let mark = Array("\r\n.\r\n".utf8)
                    guard let end = bytes.firstRange(of: mark) else { return }
                    let message = Array(bytes[..<end.lowerBound]) + [13, 10]
                    bytes.removeFirst(end.upperBound)
                    isReadingMessage = false
                    server.state.withLock { $0.messages.append(message) }
                    answer(script.message, context)
                } else {
                    guard let end = bytes.firstRange(of: [13, 10]) else { return }
                    let line = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
                    bytes.removeFirst(end.upperBound)
                    let command = Command(line: line, isEncrypted: isEncrypted)
                    server.state.withLock { $0.commands.append(command) }
                    take(line, context)
                }
            }
        }

        private func take(_ line: String, _ context: ChannelHandlerContext) {
            let special = script.answers.filter { line.hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?.value
            if loginSteps > 0 {
                loginSteps -= 1
                return answer(special ?? (loginSteps == 1 ? "334 UGFzc3dvcmQ6\r\n" : "235 welcome\r\n"), context)
            }
            switch line.prefix(while: { $0 != " " }) {
            case "EHLO": answer(special ?? script.hello, context)
            case "STARTTLS":
                answer(special ?? "220 go ahead\r\n", context)
                if let certificate {
                    try? context.pipeline.syncOperations.addHandler(certificate.handler(), position: .before(self))
                    isEncrypted = true
                }
            case "AUTH" where line == "AUTH LOGIN":
                loginSteps = 2
                answer(special ?? "334 VXNlcm5hbWU6\r\n", context)
            case "AUTH": answer(special ?? "235 welcome\r\n", context)
            case "DATA":
                answer(special ?? "354 go on\r\n", context)
                isReadingMessage = special == nil
            case "QUIT":
                answer(special ?? "221 bye\r\n", context)
                if special == nil { context.close(promise: nil) }
            default: answer(special ?? "250 ok\r\n", context)
            }
        }

        private func answer(_ answer: Answer, _ context: ChannelHandlerContext) {
            switch answer {
            case .hang: break
            case .close: context.close(promise: nil)
            case .text(let text) where script.isSlow:
                for byte in text.utf8 { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [byte])), promise: nil) }
            case .text(let text): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            }
        }

        func channelInactive(context: ChannelHandlerContext) { server.state.withLock { $0.closed += 1 } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
