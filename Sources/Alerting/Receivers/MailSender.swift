/// Sends mail through one server by SMTP (RFC 5321).
public struct MailSender: Sendable {
    public enum Security: String, Sendable, CaseIterable {
        /// Plain at first, then TLS (RFC 3207). Without TLS nothing is sent.
        case starttls
        /// TLS from the start (RFC 8314).
        case tls
        /// No TLS; a password is then sent to this host itself only.
        case none
    }

    public static let mostRecipients = 50

    private let host: String
    private let port: Int
    private let security: Security
    private let credentials: SMTPConversation.Credentials?
    private let sender: String
    private let recipients: [String]
    private let resolver: DestinationResolver
    private let authorities: String?
    private let timeout: Duration
    /// What keeps this from ever sending, for people.
    let problem: String?

    /// - Parameters:
    ///   - host: a name or an address; the server's certificate must be for it.
    ///   - user: nil to send without AUTH; otherwise a password is needed.
    ///   - from: the address that the mail and the envelope are from.
    ///   - to: 1 to 50 addresses; all of them see each other.
    ///   - authorities: a PEM file of authorities beside the system's.
    ///   - timeout: of one call of `send`, with everything.
    public init(
        host: String, port: Int, security: Security, user: String?, password: String?, from: String, to: [String],
        resolver: DestinationResolver, authorities: String? = nil, timeout: Duration = .seconds(30)
    ) {
        (self.host, self.port, self.security, self.resolver) = (host, port, security, resolver)
        (sender, recipients, self.authorities, self.timeout) = (from, to, authorities, timeout)
        credentials = user.map { SMTPConversation.Credentials(user: $0, password: password ?? "") }
        problem = MailSender.problem(user: user, password: password, from: from, to: to)
    }

    private static func problem(user: String?, password: String?, from: String, to: [String]) -> String? {
        if let fault = MailMessage.fault(inAddress: from) { return "\(from): \(fault)" }
        guard (1...mostRecipients).contains(to.count) else { return "a mail has 1 to \(mostRecipients) recipients, not \(to.count)" }
        for address in to {
            if let fault = MailMessage.fault(inAddress: address) { return "\(address): \(fault)" }
        }
        guard let user else { return nil }
        guard let password, !password.isEmpty else { return "a user needs a password" }
        // RFC 4616: NUL stands between the parts.
        let isSendable = [user, password].allSatisfy { $0.utf8.count <= 1000 && !$0.utf8.contains(0) }
        return isSendable ? nil : "the user or the password has a NUL or more than 1,000 bytes"
    }

    /// Hands the mail to the server.
    ///
    /// - Returns: `.status(250)` where it was accepted for at least one recipient; `.unreachable` for a transient refusal (4xx) or a failure of the
    ///   network, of TLS, or of the server to keep to the protocol; `.refused` for a permanent one (5xx) or where it cannot be
    ///   sent at all, for its addresses say. The detail has the server's reply, and never the password.
    public func send(_ message: MailMessage) async -> DeliveryAttempt {
        if let problem { return DeliveryAttempt(.refused, problem) }
        let conversation = SMTPConversation(
            sender: sender, recipients: recipients, message: message, credentials: credentials, security: security)
        let (security, resolver, authorities) = (security, resolver, authorities)
        return await ReceiverExchange.run(host: host, port: port, timeout: timeout) { exchange throws(DeliveryAttempt) in
            let addresses = try await exchange.addresses(resolver)
            let tls = security == .none ? nil : try await exchange.tls(authorities: authorities)
            return try await exchange.converse(addresses, over: .stream) { end in
                let handler = SMTPHandler(conversation, end, tls: security == .starttls ? tls : nil)
                guard security == .tls, let tls else { return [handler] }
                return [try tls(), handler]
            }
        }
    }
}

extension MailSender: CustomStringConvertible, CustomReflectable {
    /// Without the password.
    public var description: String { "MailSender(\(host):\(port), \(security), from \(sender) to \(recipients.count))" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
