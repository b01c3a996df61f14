import AuditEvents
import AuditTesting
import DatabaseTesting
import Foundation
import Testing

@testable import Alerting

@Suite("Mail over sockets", .timeLimit(.minutes(1)))
struct MailSenderTests {
    static let patience: Duration = .milliseconds(300)
    static let password = "hunter2-Ünïcode"
    static let mail = MailMessage(
        id: "d1", date: Timestamp("2026-11-24T00:09:00Z") ?? .epoch, subject: "[HIGH] Brute force", text: ".\n..two\n.\r\nend é")

    func sender(
        _ port: Int, _ security: MailSender.Security = .none, host: String = "127.0.0.1", user: String? = nil, password: String? = nil,
        from: String = "cardea@example.com", to: [String] = ["ops@example.org"], allowPrivate: Bool = true, authorities: String? = nil,
        timeout: Duration = .seconds(30)
    ) -> MailSender {
        MailSender(
            host: host, port: port, security: security, user: user, password: password, from: from, to: to,
            resolver: DestinationResolver(DestinationPolicy(allowPrivate: allowPrivate)), authorities: authorities, timeout: timeout)
    }

    /// A message as the server's reader sees it: the doubled dots single again.
    static func unstuffed(_ message: [UInt8]) -> [UInt8] {
        var (out, isStart) = ([UInt8](), true)
        for byte in message {
            if !isStart || byte != UInt8(ascii: ".") { out.append(byte) }
            isStart = byte == 10
        }
        return out
    }

    @Test("a mail is handed over as it is, and the server is left politely", arguments: [false, true])
    func good(_ isSlow: Bool) async throws {
        try await MailServer.run(.init(isSlow: isSlow)) { port, server in
            let attempt = await sender(port, to: ["ops@example.org", "root@localhost"]).send(Self.mail)
            #expect(attempt.outcome == .status(250) && attempt.detail.contains("250 2.0.0 queued as 1"))
            try await eventually("the connection is closed") { server.closed == 1 }
            #expect(try #require(server.lines.first).hasPrefix("EHLO "))
            #expect(
                server.lines.dropFirst() == [
                    "MAIL FROM:<cardea@example.com>", "RCPT TO:<ops@example.org>", "RCPT TO:<root@localhost>", "DATA", "QUIT",
                ])
            let expected = Self.mail.bytes(from: "cardea@example.com", to: ["ops@example.org", "root@localhost"])
            #expect(server.messages.map(Self.unstuffed) == [expected])
        }
    }

    @Test("hostile mails arrive as one mail each", arguments: 0..<30)
    func hostile(_ seed: Int) async throws {
        var generator = SeededGenerator(seed: seed)
        let text = HostileText.make(30, using: &generator)
        let mail = MailMessage(
            id: HostileText.make(9, using: &generator), date: Self.mail.date, subject: HostileText.make(9, using: &generator), text: text)
        try await MailServer.run { port, server in
            #expect(await sender(port).send(mail).outcome == .status(250))
            #expect(server.messages.count == 1 && server.lines.filter { $0.hasPrefix("MAIL") }.count == 1)
            let parsed = try #require(MailMessageTests.Parsed(Self.unstuffed(server.messages[0])))
            #expect(
                parsed.headers.map(\.name) == MailMessageTests.names
                    && parsed.body.utf8.elementsEqual(MailMessageTests.canonical(text).utf8))
        }
    }

    static let stages = ["EHLO", "MAIL", "RCPT", "DATA"]

    /// The script whose answer to one step is this one; `""` is the greeting, `"."` the message.
    static func script(_ stage: String, _ answer: MailServer.Answer) -> MailServer.Script {
        var script = MailServer.Script()
        switch stage {
        case "": script.greeting = answer
        case ".": script.message = answer
        default: script.answers[stage] = answer
        }
        return script
    }

    @Test("a transient refusal may be tried again, a permanent one not, and both are quoted", arguments: ["", "MAIL", "RCPT", "DATA", "."])
    func refusals(_ stage: String) async throws {
        for (answer, quoted, outcome) in [
            ("451 4.3.0 try later\r\n", "451 4.3.0 try later", RetrySchedule.Outcome.unreachable),
            ("421 4.3.2 closing\r\n", "421 4.3.2 closing", .unreachable),
            ("550-5.7.1 not\r\n550 5.7.1 here\r\n", "550 5.7.1 not 5.7.1 here", .refused),
        ] {
            try await MailServer.run(Self.script(stage, .text(answer))) { port, _ in
                let attempt = await sender(port, timeout: .seconds(10)).send(Self.mail)
                #expect(attempt.outcome == outcome)
                #expect(attempt.detail.contains(quoted))
            }
        }
    }

    @Test("a server that closes, or is silent, is unreachable at every step", arguments: ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
    func broken(_ stage: String) async throws {
        try await MailServer.run(Self.script(stage, .close)) { port, _ in
            #expect(await sender(port).send(Self.mail).outcome == .unreachable)
        }
        try await MailServer.run(Self.script(stage, .hang)) { port, server in
            #expect(await sender(port, timeout: Self.patience).send(Self.mail).outcome == .unreachable)
            try await eventually("no connection is left") { server.closed == server.opened }
        }
    }

    @Test(
        "what is no answer of a mail server is unreachable",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "\r\n", "99 too low\r\n", "600 too high\r\n", "+20 sign\r\n",
            "2 0 blank\r\n",
            "250_ok\r\n", "250-first\r\n550 another code\r\n", "\0\0\0\0\n", "354 not now\r\n", "334 not now\r\n",
            "250 " + String(repeating: "x", count: 5000) + "\r\n", String(repeating: "x", count: 100_000),
            String(repeating: "250-x\r\n", count: 101) + "250 x\r\n",
        ])
    func garbage(_ answer: String) async throws {
        for stage in ["", "MAIL"] {
            try await MailServer.run(Self.script(stage, .text(answer))) { port, server in
                #expect(await sender(port).send(Self.mail).outcome == .unreachable)
                #expect(server.messages.isEmpty)
            }
        }
    }

    @Test("an answer of a hundred long lines is taken")
    func longAnswer() async throws {
        let lines = (0..<99).map { "250-X\($0) \(String(repeating: "y", count: 4000))\r\n" }.joined() + "250 OK\r\n"
        try await MailServer.run(.init(hello: .text(lines))) { port, _ in
            #expect(await sender(port).send(Self.mail).outcome == .status(250))
        }
    }

    @Test("a server that never reads is unreachable")
    func neverReads() async throws {
        try await LoopbackListener.deaf { port in
            #expect(await sender(port, timeout: Self.patience).send(Self.mail).outcome == .unreachable)
        }
    }

    @Test("a server without EHLO is greeted the old way, unless TLS or a password is wanted")
    func oldServer() async throws {
        let script = MailServer.Script(answers: ["EHLO": "502 what?\r\n"])
        try await MailServer.run(script) { port, server in
            #expect(await sender(port).send(Self.mail).outcome == .status(250))
            #expect(server.lines.contains { $0.hasPrefix("HELO ") })
        }
        try await MailServer.run(script) { port, server in
            #expect(await sender(port, user: "u", password: "p").send(Self.mail).outcome == .refused)
            #expect(await sender(port, .starttls).send(Self.mail).outcome == .refused)
            #expect(server.messages.isEmpty)
        }
    }

    @Test(
        "what happens after the message was accepted changes nothing", arguments: [MailServer.Answer.close, "500 what?\r\n", "garbage\r\n"])
    func afterwards(_ answer: MailServer.Answer) async throws {
        try await MailServer.run(Self.script("QUIT", answer)) { port, server in
            #expect(await sender(port).send(Self.mail).outcome == .status(250))
            try await eventually("the connection is closed") { server.closed == 1 }
        }
    }

    @Test("a server that is silent after it accepted the message has accepted it")
    func silentAfterwards() async throws {
        try await MailServer.run(Self.script("QUIT", .hang)) { port, _ in
            #expect(await sender(port, timeout: .seconds(4)).send(Self.mail).outcome == .status(250))
        }
    }

    // MARK: Recipients

    @Test("where some recipients are refused the others get the mail, and it is said how many")
    func someRefused() async throws {
        let script = MailServer.Script(answers: ["RCPT TO:<b@": "550 5.1.1 no such user\r\n", "RCPT TO:<c@": "450 4.2.0 greylisted\r\n"])
        try await MailServer.run(script) { port, server in
            let attempt = await sender(port, to: ["a@example.org", "b@example.org", "c@example.org"]).send(Self.mail)
            #expect(attempt.outcome == .status(250))
            #expect(attempt.detail.contains("2 of 3") && attempt.detail.contains("550 5.1.1 no such user"))
            #expect(server.messages.count == 1)
        }
    }

    @Test("where all are refused it may be tried again as long as one refusal is transient")
    func allRefused() async throws {
        let passing = MailServer.Script(answers: ["RCPT TO:<a@": "550 5.1.1 no\r\n", "RCPT TO:<b@": "450 4.2.0 greylisted\r\n"])
        try await MailServer.run(passing) { port, server in
            let attempt = await sender(port, to: ["a@example.org", "b@example.org"]).send(Self.mail)
            #expect(attempt.outcome == .unreachable && attempt.detail.contains("450 4.2.0"))
            #expect(!server.lines.contains("DATA"))
        }
        try await MailServer.run(.init(answers: ["RCPT": "550 5.1.1 no\r\n"])) { port, _ in
            #expect(await sender(port, to: ["a@example.org", "b@example.org"]).send(Self.mail).outcome == .refused)
        }
    }

    @Test(
        "addresses that cannot be written to, and too many or none, are refused before anything is connected to",
        arguments: [["a@b\r\nRCPT TO:<x@example.com>"], ["a@b>"], ["nobody"], [], Array(repeating: "a@example.org", count: 51)]
            as [[String]])
    func badRecipients(_ to: [String]) async throws {
        try await LoopbackListener.run([ClosingHandler()]) { port, listener in
            #expect(await sender(port, to: to).send(Self.mail).outcome == .refused)
            if let first = to.first, to.count == 1 { #expect(await sender(port, from: first).send(Self.mail).outcome == .refused) }
            #expect(listener.connections == 0)
        }
    }

    // MARK: AUTH

    @Test("a password goes by PLAIN, or by LOGIN where PLAIN is not offered")
    func authentication() async throws {
        try await MailServer.run { port, server in
            #expect(await sender(port, user: "alerts", password: Self.password).send(Self.mail).outcome == .status(250))
            #expect(server.lines[1] == "AUTH PLAIN " + Data("\0alerts\0\(Self.password)".utf8).base64EncodedString())
        }
        try await MailServer.run(.init(hello: "250-mail.test\r\n250 auth LOGIN CRAM-MD5\r\n")) { port, server in
            #expect(await sender(port, user: "alerts", password: Self.password).send(Self.mail).outcome == .status(250))
            #expect(
                server.lines[1...3] == [
                    "AUTH LOGIN", Data("alerts".utf8).base64EncodedString(), Data(Self.password.utf8).base64EncodedString(),
                ])
        }
    }

    @Test("a server that offers neither does not get the mail")
    func noMechanism() async throws {
        try await MailServer.run(.init(hello: "250-mail.test\r\n250 AUTH CRAM-MD5\r\n")) { port, server in
            let attempt = await sender(port, user: "alerts", password: Self.password).send(Self.mail)
            #expect(attempt.outcome != .status(250) && server.messages.isEmpty && !server.lines.contains { $0.hasPrefix("AUTH") })
        }
    }

    @Test("no detail and no description has the password, even where the server repeats it", arguments: ["PLAIN", "LOGIN"])
    func secrecy(_ mechanism: String) async throws {
        let plain = Data("\0alerts\0\(Self.password)".utf8).base64EncodedString()
        let coded = Data(Self.password.utf8).base64EncodedString()
        for secret in [Self.password, plain, coded] {
            for code in [535, 454] {
                let answer = MailServer.Answer.text("\(code) 5.7.8 wrong: \(secret)\r\n")
                let script = MailServer.Script(
                    hello: .text("250-mail.test\r\n250 AUTH \(mechanism)\r\n"), answers: ["AUTH PLAIN": answer, coded: answer])
                try await MailServer.run(script) { port, server in
                    let sender = sender(port, user: "alerts", password: Self.password)
                    let attempt = await sender.send(Self.mail)
                    #expect(attempt.outcome == (code == 535 ? .refused : .unreachable))
                    #expect(attempt.detail.contains("\(code)"))
                    var dumped = "\(sender)"
                    dump(sender, to: &dumped)
                    for secret in [Self.password, plain, coded] { #expect(!attempt.detail.contains(secret) && !dumped.contains(secret)) }
                    #expect(server.messages.isEmpty)
                }
            }
        }
    }

    // MARK: TLS

    @Test(
        "with STARTTLS and with TLS everything that matters is encrypted, to a server that is verified",
        .enabled(if: TestCertificate.openssl != nil, "there is no openssl"), arguments: [MailSender.Security.starttls, .tls])
    func secure(_ security: MailSender.Security) async throws {
        try await TestCertificate.with { certificate in
            for host in ["localhost", "127.0.0.1"] {
                try await MailServer.run(.init(isSecure: security == .tls), certificate: certificate) { port, server in
                    let sender = sender(
                        port, security, host: host, user: "alerts", password: Self.password, authorities: certificate.path)
                    let attempt = await sender.send(Self.mail)
                    #expect(attempt.outcome == .status(250), "\(attempt.detail)")
                    #expect(server.messages.count == 1)
                    let plain = server.commands.filter { !$0.isEncrypted }.map { $0.line.prefix { $0 != " " } }
                    #expect(plain == (security == .starttls ? ["EHLO", "STARTTLS"] : []))
                    #expect(
                        server.commands.filter(\.isEncrypted).map { $0.line.prefix { $0 != " " } }.starts(with: ["EHLO", "AUTH", "MAIL"]))
                }
            }
        }
    }

    @Test(
        "a server with a certificate of another name, or of an unknown authority, gets neither password nor mail",
        .enabled(if: TestCertificate.openssl != nil, "there is no openssl"), arguments: [MailSender.Security.starttls, .tls])
    func unverified(_ security: MailSender.Security) async throws {
        try await TestCertificate.with("other.example", address: false) { certificate in
            try await MailServer.run(.init(isSecure: security == .tls), certificate: certificate) { port, server in
                for authorities in [certificate.path, nil] {
                    let sender = sender(
                        port, security, host: "localhost", user: "alerts", password: Self.password, authorities: authorities)
                    #expect(await sender.send(Self.mail).outcome == .unreachable)
                }
                #expect(!server.commands.contains { $0.isEncrypted } && server.messages.isEmpty)
                #expect(!server.lines.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
            }
        }
    }

    @Test("a server that does not offer STARTTLS, or refuses it, gets nothing, and another attempt may find it changed")
    func stripped() async throws {
        try await MailServer.run(.init(hello: "250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n")) { port, server in
            let sender = sender(port, .starttls, user: "alerts", password: Self.password)
            let attempt = await sender.send(Self.mail)
            #expect(attempt.outcome == .unreachable && attempt.detail.contains("STARTTLS"))
            #expect(server.lines.allSatisfy { $0.hasPrefix("EHLO") || $0 == "QUIT" })
        }
        try await MailServer.run(.init(answers: ["STARTTLS": "454 4.7.0 not available\r\n"])) { port, server in
            #expect(await sender(port, .starttls, user: "alerts", password: Self.password).send(Self.mail).outcome == .unreachable)
            #expect(!server.lines.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
        }
    }

    @Test(
        "what is slipped in before TLS ends the attempt (CVE-2011-0411)",
        .enabled(if: TestCertificate.openssl != nil, "there is no openssl"),
        arguments: ["220 go\r\n250 injected\r\n", "220 go\r\n2", "220 go\r\n\r\n", "220 go\r\n250-mail.test\r\n250 AUTH PLAIN\r\n"])
    func injected(_ answer: String) async throws {
        try await TestCertificate.with { certificate in
            try await MailServer.run(.init(answers: ["STARTTLS": .text(answer)]), certificate: certificate) { port, server in
                let sender = sender(port, .starttls, user: "alerts", password: Self.password, authorities: certificate.path)
                #expect(await sender.send(Self.mail).outcome == .unreachable)
                #expect(server.messages.isEmpty && !server.lines.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
            }
        }
    }

    @Test("a server that promises TLS and then speaks none is unreachable", arguments: [true, false])
    func noHandshake(_ isSilent: Bool) async throws {
        try await MailServer.run(isSilent ? .init() : .init(answers: ["\u{16}": "500 what?\r\n"])) { port, server in
            #expect(await sender(port, .starttls, timeout: Self.patience).send(Self.mail).outcome == .unreachable)
            #expect(server.messages.isEmpty)
        }
    }

    // MARK: Ways to nowhere

    @Test("a dead port, an unknown name and an address that may not be connected to")
    func nowhere() async throws {
        let port = try await LoopbackListener.deadPort()
        #expect(await sender(port).send(Self.mail).outcome == .unreachable)
        #expect(await sender(25, host: "nothing.invalid", timeout: .seconds(2)).send(Self.mail).outcome == .unreachable)
        try await LoopbackListener.run([ClosingHandler()]) { port, listener in
            #expect(await sender(port, allowPrivate: false).send(Self.mail).outcome == .refused)
            #expect(listener.connections == 0)
        }
    }

    @Test("a cancelled delivery ends")
    func cancelled() async throws {
        try await MailServer.run(Self.script("MAIL", .hang)) { port, server in
            let sender = sender(port, timeout: .seconds(3000))
            let delivery = Task { await sender.send(Self.mail) }
            try await eventually("MAIL") { server.lines.count == 2 }
            delivery.cancel()
            #expect(await delivery.value.outcome == .unreachable)
        }
    }
}
