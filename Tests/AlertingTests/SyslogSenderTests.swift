import AuditEvents
import AuditTesting
import DatabaseTesting
import NIOCore
import NIOPosix
import Testing

@testable import Alerting

@Suite("Syslog over sockets", .timeLimit(.minutes(1)))
struct SyslogSenderTests {
    static let patience: Duration = .milliseconds(300)

    func sender(
        _ port: Int, _ transport: SyslogSender.Transport, host: String = "127.0.0.1", allowPrivate: Bool = true, authorities: String? = nil,
        timeout: Duration = .seconds(30)
    ) -> SyslogSender {
        SyslogSender(
            host: host, port: port, transport: transport, resolver: DestinationResolver(DestinationPolicy(allowPrivate: allowPrivate)),
            authorities: authorities, timeout: timeout)
    }

    static let messages = ["<13>1 - - - - - - one", "<13>1 - - - - - - zwei\nlines, é", "<13>1 - - - - - - 3"].map { Array($0.utf8) }

    /// The messages behind their octet counts (RFC 6587 §3.4.1); nil where the bytes are of another form.
    static func frames(_ bytes: [UInt8]) -> [[UInt8]]? {
        var (rest, frames) = (bytes[...], [[UInt8]]())
        while !rest.isEmpty {
            let digits = rest.prefix { (48...57).contains($0) }
            guard digits.first != 48, let count = Int(String(decoding: digits, as: UTF8.self)), rest.dropFirst(digits.count).first == 32,
                rest.count > digits.count + count
            else { return nil }
            rest = rest.dropFirst(digits.count + 1)
            frames.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return frames
    }

    // MARK: UDP

    /// Gives what datagrams a body caused, as many as are expected.
    func datagrams(_ count: Int, _ body: (_ port: Int) async throws -> Void) async throws -> [[UInt8]] {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 70_000))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramIntake(continuation))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        try await body(channel.localAddress?.port ?? 0)
        var found: [[UInt8]] = []
        for await datagram in stream.prefix(count) { found.append(datagram) }
        try await channel.close()
        return found
    }

    @Test("each message is a datagram of its own, in order")
    func udp() async throws {
        let found = try await datagrams(3) { #expect(await sender($0, .udp).send(Self.messages).outcome == .status(200)) }
        #expect(found == Self.messages)
    }

    @Test("a message that is longer than a datagram is cut between two characters", arguments: 0..<4)
    func longDatagram(_ shift: Int) async throws {
        let message = Array((String(repeating: "a", count: shift) + String(repeating: "🜁", count: 20_000)).utf8)
        let found = try await datagrams(1) { #expect(await sender($0, .udp).send([message]).outcome == .status(200)) }
        #expect(found[0].count > 64_990 && found[0].count <= 65_000)
        #expect(message.starts(with: found[0]) && String(validating: found[0], as: UTF8.self) != nil)
    }

    @Test("many datagrams at once are all sent")
    func manyDatagrams() async throws {
        let messages = (0..<50).map { Array("<13>1 - - - - - - \($0) \(String(repeating: "x", count: 900))".utf8) }
        let found = try await datagrams(50) { #expect(await sender($0, .udp).send(messages).outcome == .status(200)) }
        #expect(found == messages)
    }

    @Test("a port of UDP that nobody listens on is known as such")
    func deadUDP() async throws {
        let port = try await LoopbackListener.deadPort(datagrams: true)
        #expect(await sender(port, .udp).send([Self.messages[0]]).outcome == .unreachable)
    }

    // MARK: TCP

    @Test("messages go behind their octet counts over one connection, which is then closed")
    func tcp() async throws {
        let intake = Intake()
        try await LoopbackListener.run([IntakeHandler(intake)]) { port, listener in
            let attempt = await sender(port, .tcp).send(Self.messages)
            #expect(attempt.outcome == .status(200))
            // What the receiver has read at success is everything.
            #expect(Self.frames(intake.all) == Self.messages)
            #expect(listener.connections == 1)
            try await eventually("the connection is closed") { intake.hasEnded }
        }
    }

    @Test("a million bytes arrive whole")
    func large() async throws {
        let intake = Intake()
        let messages = (0..<20).map { [UInt8](repeating: 97 + UInt8($0), count: 50_000) }
        try await LoopbackListener.run([IntakeHandler(intake)]) { port, _ in
            #expect(await sender(port, .tcp).send(messages).outcome == .status(200))
        }
        #expect(Self.frames(intake.all) == messages)
    }

    @Test("nothing to send makes no connection")
    func nothing() async throws {
        try await LoopbackListener.run([ClosingHandler()]) { port, listener in
            #expect(await sender(port, .tcp).send([]).outcome == .status(200))
            #expect(await sender(port, .tcp).send([[]]).outcome == .status(200))
            #expect(listener.connections == 0)
        }
    }

    @Test("a receiver that talks instead of being silent is no trouble")
    func talkative() async throws {
        let intake = Intake()
        try await LoopbackListener.run([IntakeHandler(intake, says: String(repeating: "\0\r\n%s", count: 30_000))]) { port, _ in
            #expect(await sender(port, .tcp).send(Self.messages).outcome == .status(200))
        }
        #expect(Self.frames(intake.all) == Self.messages)
    }

    @Test("a receiver that closes early has not got the messages", arguments: 0..<20)
    func closesEarly(_: Int) async throws {
        try await LoopbackListener.run([ClosingHandler()]) { port, _ in
            #expect(await sender(port, .tcp).send(Self.messages).outcome == .unreachable)
        }
    }

    @Test("a receiver that breaks off in the middle has not got the messages")
    func breaksOff() async throws {
        try await LoopbackListener.run([CuttingHandler(after: 20_000), IntakeHandler(Intake())]) { port, _ in
            #expect(await sender(port, .tcp).send([[UInt8](repeating: 97, count: 20_000_000)]).outcome == .unreachable)
        }
    }

    @Test("a receiver that never reads has not got the messages, be they few or many", arguments: [1, 40_000_000])
    func neverReads(_ count: Int) async throws {
        try await LoopbackListener.deaf { port in
            let attempt = await sender(port, .tcp, timeout: Self.patience).send([[UInt8](repeating: 97, count: count)])
            #expect(attempt.outcome == .unreachable)
        }
    }

    @Test("a receiver that never closes may not have got the messages")
    func neverCloses() async throws {
        let intake = Intake()
        try await LoopbackListener.run(closesAtEnd: false, [IntakeHandler(intake)]) { port, _ in
            #expect(await sender(port, .tcp, timeout: Self.patience).send(Self.messages).outcome == .unreachable)
        }
    }

    @Test("a port that nobody listens on is unreachable", arguments: [SyslogSender.Transport.tcp, .tls])
    func dead(_ transport: SyslogSender.Transport) async throws {
        let port = try await LoopbackListener.deadPort()
        #expect(await sender(port, transport).send(Self.messages).outcome == .unreachable)
    }

    @Test("an address that may not be connected to is not", arguments: SyslogSender.Transport.allCases)
    func policy(_ transport: SyslogSender.Transport) async throws {
        try await LoopbackListener.run([ClosingHandler()]) { port, listener in
            #expect(await sender(port, transport, allowPrivate: false).send(Self.messages).outcome == .refused)
            #expect(listener.connections == 0)
        }
    }

    @Test("a name without an address is unreachable, in the time given")
    func unknownName() async {
        #expect(await sender(514, .tcp, host: "nothing.invalid", timeout: .seconds(2)).send(Self.messages).outcome == .unreachable)
    }

    @Test("a cancelled delivery ends")
    func cancelled() async throws {
        try await LoopbackListener.run(closesAtEnd: false, [IntakeHandler(Intake())]) { port, listener in
            let sender = sender(port, .tcp, timeout: .seconds(3000))
            let delivery = Task { await sender.send(Self.messages) }
            try await eventually("a connection") { listener.connections == 1 }
            delivery.cancel()
            #expect(await delivery.value.outcome == .unreachable)
        }
    }

    // MARK: TLS

    @Test(
        "over TLS the receiver is verified, by name or by address",
        .enabled(if: TestCertificate.openssl != nil, "there is no openssl"), arguments: ["localhost", "127.0.0.1"])
    func tls(_ host: String) async throws {
        try await TestCertificate.with { certificate in
            let intake = Intake()
            try await LoopbackListener.run([certificate.handler(), IntakeHandler(intake)]) { port, _ in
                let attempt = await sender(port, .tls, host: host, authorities: certificate.path).send(Self.messages)
                #expect(attempt.outcome == .status(200), "\(attempt.detail)")
                #expect(Self.frames(intake.all) == Self.messages)
            }
        }
    }

    @Test(
        "a receiver with a certificate of another name, or of an unknown authority, gets nothing",
        .enabled(if: TestCertificate.openssl != nil, "there is no openssl"))
    func unverified() async throws {
        try await TestCertificate.with("other.example", address: false) { certificate in
            let intake = Intake()
            try await LoopbackListener.run([certificate.handler(), IntakeHandler(intake)]) { port, _ in
                for host in ["localhost", "127.0.0.1"] {
                    #expect(
                        await sender(port, .tls, host: host, authorities: certificate.path).send(Self.messages).outcome == .unreachable)
                    #expect(await sender(port, .tls, host: host).send(Self.messages).outcome == .unreachable)
                }
                #expect(intake.all.isEmpty)
            }
        }
    }

    @Test(
        "over TLS too a receiver that closes early, breaks off or never closes has not got the messages",
        .enabled(if: TestCertificate.openssl != nil, "there is no openssl"))
    func brokenTLS() async throws {
        try await TestCertificate.with { certificate in
            for _ in 0..<10 {
                try await LoopbackListener.run([certificate.handler(), ClosingHandler()]) { port, _ in
                    #expect(await sender(port, .tls, authorities: certificate.path).send(Self.messages).outcome == .unreachable)
                }
                let messages = [[UInt8](repeating: 97, count: 5_000_000)]
                try await LoopbackListener.run([CuttingHandler(after: 20_000), certificate.handler(), IntakeHandler(Intake())]) {
                    port, _ in
                    #expect(await sender(port, .tls, authorities: certificate.path).send(messages).outcome == .unreachable)
                }
            }
            let intake = Intake()
            try await LoopbackListener.run(closesAtEnd: false, [certificate.handler(), IntakeHandler(intake)]) { port, _ in
                let sender = sender(port, .tls, authorities: certificate.path, timeout: .seconds(1))
                #expect(await sender.send(Self.messages).outcome == .unreachable)
            }
        }
    }

    @Test("what is no TLS is not taken for it", arguments: ["", "HTTP/1.0 400 Bad Request\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello"])
    func notTLS(_ says: String) async throws {
        let intake = Intake()
        try await LoopbackListener.run([IntakeHandler(intake, says: says)]) { port, _ in
            #expect(await sender(port, .tls, timeout: Self.patience).send(Self.messages).outcome == .unreachable)
        }
        #expect(!String(decoding: intake.all, as: UTF8.self).contains("one"))
    }

    @Test("a file of authorities that is none sends nothing")
    func badAuthorities() async throws {
        try await LoopbackListener.run([ClosingHandler()]) { port, _ in
            guard case .status = await sender(port, .tls, authorities: "/dev/null/none.pem").send(Self.messages).outcome else { return }
            Issue.record("sent all the same")
        }
    }

    // MARK: The message

    @Test("whatever a message holds, it is one line of RFC 5424", arguments: 0..<50)
    func grammar(_ seed: Int) throws {
        var generator = SeededGenerator(seed: seed)
        let times: [Int64] = [0, 1, .min, .max, Timestamp.minimum.microseconds, Timestamp.maximum.microseconds, 1_764_000_000_123_456]
        let message = SyslogMessage(
            facility: Int.random(in: -99...99, using: &generator), severity: Int.random(in: -9...9, using: &generator),
            time: Timestamp(microseconds: times.randomElement(using: &generator) ?? 0),
            messageID: HostileText.make(40, using: &generator), text: HostileText.make(200, using: &generator))
        let line = String(decoding: message.bytes, as: UTF8.self)
        let time = #/-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z/#
        let match = try #require(line.wholeMatch(of: #/<(\d{1,3})>1 (\S+) ([!-~]{1,255}) cardea - ([!-~]{1,32}) - (.*)/#))
        #expect(try #require(Int(match.1)) <= 191 && match.2.wholeMatch(of: time) != nil)
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) })
    }
}

/// Breaks the connection off once so many bytes have come.
private final class CuttingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private var left: Int
    init(after count: Int) { left = count }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        left -= unwrapInboundIn(data).readableBytes
        if left > 0 { context.fireChannelRead(data) } else { context.close(promise: nil) }
    }
}

private final class DatagramIntake: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let continuation: AsyncStream<[UInt8]>.Continuation
    init(_ continuation: AsyncStream<[UInt8]>.Continuation) { self.continuation = continuation }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        continuation.yield(Array(unwrapInboundIn(data).data.readableBytesView))
    }
}
