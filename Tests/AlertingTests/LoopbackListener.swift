import Foundation
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A certificate for one name that is its own authority, made by the openssl of this machine.
struct TestCertificate: Sendable {
    let path: String
    private let context: NIOSSLContext

    static let openssl = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/openssl" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    struct NotMade: Error {}

    /// Lends a certificate for a name, and for 127.0.0.1 where `address` says so.
    static func with<R>(_ name: String = "localhost", address: Bool = true, _ body: (TestCertificate) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cardea-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (path, key) = (folder.appendingPathComponent("certificate.pem").path, folder.appendingPathComponent("key.pem").path)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: openssl ?? "/usr/bin/openssl")
        process.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
            "-addext", "subjectAltName=DNS:\(name)\(address ? ",IP:127.0.0.1" : "")", "-keyout", key, "-out", path,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw NotMade() }
        let chain = try NIOSSLCertificate.fromPEMFile(path).map { NIOSSLCertificateSource.certificate($0) }
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        return try await body(TestCertificate(path: path, context: NIOSSLContext(configuration: configuration)))
    }

    func handler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: context) }
}

/// A port of 127.0.0.1 for the time of a test, and the connections made to it.
final class LoopbackListener: Sendable {
    private let channels = Mutex<[any Channel]>([])

    /// How many connections were made.
    var connections: Int { channels.withLock { $0.count } }

    /// - Parameters:
    ///   - closesAtEnd: whether a connection is closed as soon as the other side has ended.
    ///   - handlers: of one connection, made on its event loop.
    static func run<R>(
        closesAtEnd: Bool = true, _ handlers: @autoclosure @escaping @Sendable () throws -> [any ChannelHandler],
        _ body: (_ port: Int, _ listener: LoopbackListener) async throws -> R
    ) async throws -> R {
        let listener = LoopbackListener()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: !closesAtEnd)
            .childChannelInitializer { channel in
                listener.channels.withLock { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(handlers())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<R, any Error>
        do { result = .success(try await body(channel.localAddress?.port ?? 0, listener)) } catch { result = .failure(error) }
        try await channel.close()
        for channel in listener.channels.withLock({ $0 }) { channel.close(promise: nil) }
        return try result.get()
    }

    /// A port of 127.0.0.1 whose program never reads: the kernel takes connections and bytes until its buffers are full.
    static func deaf<R>(_ body: (_ port: Int) async throws -> R) async throws -> R {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(descriptor) }
        let bound = try SocketAddress(ipAddress: "127.0.0.1", port: 0).withSockAddr { bind(descriptor, $0, socklen_t($1)) }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard bound == 0, named == 0, listen(descriptor, 8) == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        return try await body(Int(UInt16(bigEndian: address.sin_port)))
    }

    /// A port of 127.0.0.1 that nobody listens on.
    static func deadPort(datagrams: Bool = false) async throws -> Int {
        let group = MultiThreadedEventLoopGroup.singleton
        let channel =
            datagrams
            ? try await DatagramBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
            : try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }
}

/// What came in, from any thread.
final class Intake: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    private let isOver = Mutex(false)

    var all: [UInt8] { bytes.withLock { $0 } }
    /// Whether the other side has ended.
    var hasEnded: Bool { isOver.withLock { $0 } }

    func append(_ new: ByteBuffer) { bytes.withLock { $0 += new.readableBytesView } }
    func end() { isOver.withLock { $0 = true } }
}

/// Reads everything until the other side closes, then closes too.
final class IntakeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let intake: Intake
    private let says: String

    /// - Parameter says: said at once.
    init(_ intake: Intake, says: String = "") { (self.intake, self.says) = (intake, says) }

    func channelActive(context: ChannelHandlerContext) {
        if !says.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: says)), promise: nil) }
    }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { intake.append(unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { intake.end() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Closes the connection as soon as it is there.
final class ClosingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    func channelActive(context: ChannelHandlerContext) { context.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
