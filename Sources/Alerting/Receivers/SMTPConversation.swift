import FoundationEssentials

/// The client's side of RFC 5321, one command at a time: what to do after each reply.
struct SMTPConversation: Sendable {
    struct Credentials: Sendable {
        let user: String
        let password: String
    }

    enum Step: Sendable, Hashable {
        /// A command, or the message.
        case send([UInt8])
        /// Begin TLS, then send this.
        case startTLS(then: [UInt8])
        /// This is what it came to. Then say goodbye where it is still possible.
        case finish(DeliveryAttempt, farewell: [UInt8]?)
    }

    private enum Stage: Sendable {
        case greeting, hello, oldHello, startTLS, plain, loginUser, loginPassword, authenticated, sender
        case recipient(Int)
        case data, message
    }

    let sender: String
    let recipients: [String]
    /// As it goes over the wire, with its end.
    let message: [UInt8]
    let credentials: Credentials?
    /// Whether nothing but EHLO and STARTTLS may be said before TLS.
    let demandsTLS: Bool
    /// What this host calls itself.
    var ownName = "localhost"
    /// Whether no network is between here and the server.
    var isLoopback = false
    var isEncrypted: Bool

    private var stage = Stage.greeting
    private var accepted = 0
    private var refusals: [SMTPReply] = []

    init(sender: String, recipients: [String], message: MailMessage, credentials: Credentials?, security: MailSender.Security) {
        (self.sender, self.recipients, self.credentials) = (sender, recipients, credentials)
        self.message = SMTPConversation.stuffed(message.bytes(from: sender, to: recipients))
        (demandsTLS, isEncrypted) = (security != .none, security == .tls)
    }

    /// For people.
    var waitingFor: String {
        switch stage {
        case .greeting: "the greeting"
        case .hello, .oldHello: "the answer to EHLO"
        case .startTLS: "the answer to STARTTLS"
        case .plain, .loginUser, .loginPassword, .authenticated: "the answer to AUTH"
        case .sender: "the answer to MAIL"
        case .recipient: "the answer to RCPT"
        case .data: "the answer to DATA"
        case .message: "the answer to the message"
        }
    }

    mutating func received(_ reply: SMTPReply) -> Step {
        // §3.8: the server closes, whatever was asked.
        if reply.code == 421 { return .finish(DeliveryAttempt(.unreachable, words(reply)), farewell: nil) }
        switch (stage, reply.code / 100) {
        case (.greeting, 2): return send("EHLO \(ownName)", .hello)
        case (.hello, 2): return afterHello(reply)
        case (.hello, 5) where !demandsTLS && credentials == nil: return send("HELO \(ownName)", .oldHello)
        case (.oldHello, 2): return send("MAIL FROM:<\(sender)>", .sender)
        case (.startTLS, 2):
            // RFC 3207 §4.2: what was said before TLS is forgotten.
            (isEncrypted, stage) = (true, .hello)
            return .startTLS(then: SMTPConversation.line("EHLO \(ownName)"))
        case (.loginUser, 3): return send(SMTPConversation.base64(credentials?.user ?? ""), .loginPassword)
        case (.loginPassword, 3): return send(SMTPConversation.base64(credentials?.password ?? ""), .authenticated)
        case (.plain, 2), (.authenticated, 2): return send("MAIL FROM:<\(sender)>", .sender)
        case (.sender, 2): return afterRecipient(0)
        case (.recipient(let index), 2):
            accepted += 1
            return afterRecipient(index + 1)
        case (.recipient(let index), 4...5):
            refusals.append(reply)
            return afterRecipient(index + 1)
        case (.data, 3):
            stage = .message
            return .send(message)
        case (.message, 2): return finish(.status(250), delivered(reply))
        case (_, 4): return finish(.unreachable, words(reply))
        case (_, 5): return finish(.refused, words(reply))
        default: return finish(.unreachable, "an answer that does not fit, waiting for \(waitingFor): \(words(reply))")
        }
    }

    private mutating func afterHello(_ reply: SMTPReply) -> Step {
        let extensions = reply.lines.dropFirst().map { $0.uppercased().split { $0 == " " || $0 == "=" } }
        if demandsTLS, !isEncrypted {
            guard extensions.contains(where: { $0.first == "STARTTLS" }) else {
                return finish(.unreachable, "the server does not offer STARTTLS, and nothing is sent without TLS")
            }
            return send("STARTTLS", .startTLS)
        }
        guard let credentials else { return send("MAIL FROM:<\(sender)>", .sender) }
        guard isEncrypted || isLoopback else { return finish(.refused, SMTPConversation.plainPassword) }
        let mechanisms = extensions.filter { $0.first == "AUTH" }.flatMap { $0.dropFirst() }
        if mechanisms.contains("PLAIN") {
            return send("AUTH PLAIN \(SMTPConversation.base64("\0\(credentials.user)\0\(credentials.password)"))", .plain)
        }
        if mechanisms.contains("LOGIN") { return send("AUTH LOGIN", .loginUser) }
        return finish(.unreachable, "the server offers neither AUTH PLAIN nor AUTH LOGIN")
    }

    static let plainPassword = "a password is only sent over TLS or to this host itself"

    private mutating func afterRecipient(_ next: Int) -> Step {
        if next < recipients.count { return send("RCPT TO:<\(recipients[next])>", .recipient(next)) }
        if accepted > 0 { return send("DATA", .data) }
        // While one of them may be accepted later, it is worth another attempt.
        let passing = refusals.first { $0.code / 100 == 4 }
        guard let reply = passing ?? refusals.first else { return finish(.refused, "there are no recipients") }
        return finish(passing == nil ? .refused : .unreachable, "no recipient was accepted: \(words(reply))")
    }

    private func delivered(_ reply: SMTPReply) -> String {
        guard let first = refusals.first else { return words(reply) }
        return "\(refusals.count) of \(recipients.count) recipients refused: \(words(first)); for the others: \(words(reply))"
    }

    /// The reply in one line, unless it repeats what is secret.
    private func words(_ reply: SMTPReply) -> String {
        guard let credentials, !credentials.password.isEmpty else { return reply.text }
        let secrets = [
            credentials.password, SMTPConversation.base64(credentials.password),
            SMTPConversation.base64("\0\(credentials.user)\0\(credentials.password)"),
        ]
        let text = Array(reply.text.utf8)
        return secrets.contains { text.contains(Array($0.utf8)) } ? "\(reply.code) (withheld, for it repeats the password)" : reply.text
    }

    private mutating func send(_ command: String, _ next: Stage) -> Step {
        stage = next
        return .send(SMTPConversation.line(command))
    }

    private func finish(_ outcome: RetrySchedule.Outcome, _ detail: String) -> Step {
        .finish(DeliveryAttempt(outcome, detail), farewell: SMTPConversation.line("QUIT"))
    }

    private static func line(_ command: String) -> [UInt8] { Array(command.utf8) + [13, 10] }

    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// The message for DATA (§4.5.2): every line ends with CRLF, a dot more before those that begin with one, and the line of one dot at the end. Lone
    /// CR and LF become CRLF, for a server that takes them for line ends would see another message.
    static func stuffed(_ message: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(message.count + 64)
        var isLineStart = true
        var previous: UInt8 = 0
        for byte in message {
            defer { previous = byte }
            if byte == 10, previous == 13 { continue }
            if byte == 13 || byte == 10 {
                out += [13, 10]
                isLineStart = true
                continue
            }
            if isLineStart, byte == UInt8(ascii: ".") { out.append(byte) }
            out.append(byte)
            isLineStart = false
        }
        if !isLineStart { out += [13, 10] }
        return out + [UInt8(ascii: "."), 13, 10]
    }
}
