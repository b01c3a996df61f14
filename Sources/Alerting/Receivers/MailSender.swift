import FoundationEssentials
import NIOCore

/// Hands messages to a mail server by SMTP (RFC 5321).
public struct MailSender: Sendable {
    public enum Security: String, Sendable, CaseIterable {
        /// TLS after STARTTLS (RFC 3207); without it nothing is sent.
        case starttls
        /// TLS from the first byte (RFC 8314).
        case tls
        case none
    }

    let host: String
    let port: Int
    let security: Security
    let user: String?
    let password: String?
    let from: String
    let to: [String]
    let resolver: DestinationResolver
    let authorities: String?
    let timeout: Duration

    /// - Parameters:
    ///   - from: addresses that `MailMessage.fault(inAddress:)` finds nothing wrong with.
    ///   - authorities: a PEM file of authorities beside the system's.
    ///   - timeout: for one message.
    public init(
        host: String, port: Int, security: Security, user: String?, password: String?, from: String, to: [String],
        resolver: DestinationResolver, authorities: String? = nil, timeout: Duration = .seconds(30)
    ) {
        (self.host, self.port, self.security, self.user, self.password) = (host, port, security, user, password)
        (self.from, self.to, self.resolver, self.authorities, self.timeout) = (from, to, resolver, authorities, timeout)
    }

    /// Sends one message to all recipients. A permanent refusal (5xx) is final, everything else may be tried again.
    public func send(_ message: MailMessage) async -> DeliveryAttempt {
        do throws(DeliveryAttempt) {
            let addresses = try await resolver.addresses(of: host, port: port)
            let session = try await SMTPSession(
                addresses, host: host, isSecure: security == .tls, authorities: authorities, timeout: timeout)
            do throws(DeliveryAttempt) {
                let attempt = try await dialog(session, message)
                await session.close()
                return attempt
            } catch {
                await session.close()
                throw error
            }
        } catch { return error }
    }

    private func dialog(_ session: SMTPSession, _ message: MailMessage) async throws(DeliveryAttempt) -> DeliveryAttempt {
        try await session.read().require(220)
        let greeting = "EHLO \(HostName.current.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } ? HostName.current : "localhost")"
        var answer = try await session.ask(greeting).require(250)
        if security == .starttls {
            guard answer.offers("STARTTLS") else { throw DeliveryAttempt(.refused, "\(host) does not offer STARTTLS") }
            try await session.ask("STARTTLS").require(220)
            try await session.secure(host, authorities: authorities)
            answer = try await session.ask(greeting).require(250)
        }
        if let user {
            guard security != .none || session.isLoopback else {
                throw DeliveryAttempt(.refused, "a password is not sent without TLS; security: starttls or tls")
            }
            let password = password ?? ""
            if answer.offers("AUTH", "PLAIN") {
                let token = Data([0] + Array(user.utf8) + [0] + Array(password.utf8)).base64EncodedString()
                try await session.ask("AUTH PLAIN \(token)").require(235)
            } else if answer.offers("AUTH", "LOGIN") {
                try await session.ask("AUTH LOGIN").require(334)
                try await session.ask(Data(user.utf8).base64EncodedString()).require(334)
                try await session.ask(Data(password.utf8).base64EncodedString()).require(235)
            } else {
                throw DeliveryAttempt(.refused, "\(host) offers neither AUTH PLAIN nor LOGIN")
            }
        }
        try await session.ask("MAIL FROM:<\(from)>").require(250)
        var refusals: [SMTPReply] = []
        for address in to {
            let reply = try await session.ask("RCPT TO:<\(address)>")
            if reply.code != 250, reply.code != 251 { refusals.append(reply) }
        }
        guard refusals.count < to.count else {
            // One that may be taken later keeps the message alive.
            throw (refusals.first { $0.code / 100 != 5 } ?? refusals[0]).failure
        }
        try await session.ask("DATA").require(354)
        let reply = try await session.ask(data: message.bytes(from: from, to: to)).require(250)
        // The message is the server's now, whatever it says to this.
        _ = try? await session.ask("QUIT")
        let refused = refusals.isEmpty ? "" : "; \(refusals.count) of \(to.count) recipients refused: \(refusals[0].text)"
        return DeliveryAttempt(.status(reply.code), reply.text + refused)
    }
}
