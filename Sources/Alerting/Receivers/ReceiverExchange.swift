import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// One exchange with a receiver over sockets. All of it, looking the name up and closing included, ends by the timeout or when the calling task is
/// cancelled, and no connection outlives it.
struct ReceiverExchange: Sendable {
    private let host: String
    private let port: Int
    private let loop: any EventLoop
    private let deadline: NIODeadline
    /// Failed with a `DeliveryAttempt` when the time is over.
    private let stop: EventLoopPromise<Void>

    static func run(
        host: String, port: Int, timeout: Duration,
        _ body: @Sendable (ReceiverExchange) async throws(DeliveryAttempt) -> DeliveryAttempt
    ) async -> DeliveryAttempt {
        let host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        guard (1...65_535).contains(port) else { return DeliveryAttempt(.refused, "\(port) is no port") }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let stop = loop.makePromise(of: Void.self)
        let timeout = min(max(timeout, .zero), .seconds(3600))
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let timer = loop.scheduleTask(deadline: deadline) {
            stop.fail(DeliveryAttempt(.unreachable, "\(host):\(port) took longer than \(timeout)"))
        }
        defer {
            timer.cancel()
            stop.succeed()
        }
        let exchange = ReceiverExchange(host: host, port: port, loop: loop, deadline: deadline, stop: stop)
        return await withTaskCancellationHandler {
            do throws(DeliveryAttempt) { return try await body(exchange) } catch { return error }
        } onCancel: {
            stop.fail(DeliveryAttempt(.unreachable, "delivery to \(host):\(port) was cancelled"))
        }
    }

    func addresses(_ resolver: DestinationResolver) async throws(DeliveryAttempt) -> [SocketAddress] {
        let (host, port) = (host, port)
        return try await unlessStopped { try await resolver.addresses(of: host, port: port) }
    }

    /// What makes a connection TLS, with the certificate verified against the host's name or address.
    /// - Parameter authorities: a PEM file of authorities beside the system's.
    func tls(authorities: String?) async throws(DeliveryAttempt) -> @Sendable () throws -> NIOSSLClientHandler {
        let context = try await unlessStopped {
            try await NIOThreadPool.singleton.runIfActive {
                do {
                    var configuration = TLSConfiguration.makeClientConfiguration()
                    configuration.minimumTLSVersion = .tlsv12
                    if let authorities {
                        let certificates = try NIOSSLCertificate.fromPEMFile(authorities)
                        configuration.additionalTrustRoots = [.certificates(certificates)]
                    }
                    return try NIOSSLContext(configuration: configuration)
                } catch {
                    throw DeliveryAttempt(.unreachable, "\(authorities ?? "the system's certificates") cannot be used: \(error)")
                }
            }
        }
        // An address has no server name indication; NIOSSL then verifies the address connected to.
        let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
        return { try NIOSSLClientHandler(context: context, serverHostname: name) }
    }

    enum Socket: Sendable {
        case stream, datagram
    }

    /// Talks to the first address that a connection can be made to. A datagram socket connects to anything, so there a failure goes on to the
    /// next address.
    /// - Parameter handlers: those behind the end, called on the event loop of the channel.
    func converse(
        _ addresses: [SocketAddress], over socket: Socket, _ handlers: @escaping @Sendable (ExchangeEnd) throws -> [any ChannelHandler]
    ) async throws(DeliveryAttempt) -> DeliveryAttempt {
        var last = DeliveryAttempt(.unreachable, "\(host) has no address")
        for (index, address) in addresses.enumerated() {
            let left = max((deadline - .now()).nanoseconds, 0)
            let done = loop.makePromise(of: DeliveryAttempt.self)
            do {
                // Each address gets its share of the time left, so that a silent one does not keep the next from its turn.
                let channel = try await connect(
                    to: address, over: socket, timeout: .nanoseconds(left / Int64(addresses.count - index)), done, handlers)
                last = try await done.futureResult.get()
                // Whatever this throws, it is closed.
                try? await channel.closeFuture.get()
                if case .stream = socket { return last }
                guard case .unreachable = last.outcome else { return last }
            } catch {
                done.fail(error)
                // Without a connection only a stop has said anything.
                let words = "\(host):\(port) at \(address.ipAddress ?? "?"): \(ReceiverExchange.words(error))"
                last = (try? await done.futureResult.get()) ?? DeliveryAttempt(.unreachable, words)
            }
            if Task.isCancelled || NIODeadline.now() >= deadline { break }
        }
        return last
    }

    private func connect(
        to address: SocketAddress, over socket: Socket, timeout: TimeAmount, _ done: EventLoopPromise<DeliveryAttempt>,
        _ handlers: @escaping @Sendable (ExchangeEnd) throws -> [any ChannelHandler]
    ) async throws -> any Channel {
        let (stop, name) = (stop.futureResult, "\(host):\(port)")
        let initializer: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let end = ExchangeEnd(name: name, done)
                try channel.pipeline.syncOperations.addHandlers([end] + handlers(end))
                stop.assumeIsolated().whenFailure { end.stop($0) }
            }
        }
        switch socket {
        case .stream:
            return try await ClientBootstrap(group: loop).connectTimeout(timeout).channelInitializer(initializer).connect(to: address).get()
        case .datagram:
            return try await DatagramBootstrap(group: loop).channelInitializer(initializer).connect(to: address).get()
        }
    }

    /// What `work` gives, or the reason of the stop: work is then left to itself, for a lookup cannot be interrupted.
    private func unlessStopped<T: Sendable>(_ work: @escaping @Sendable () async throws -> T) async throws(DeliveryAttempt) -> T {
        let result = loop.makePromise(of: T.self)
        stop.futureResult.whenFailure { result.fail($0) }
        result.completeWithTask(work)
        do {
            return try await result.futureResult.get()
        } catch let attempt as DeliveryAttempt {
            throw attempt
        } catch {
            throw DeliveryAttempt(.unreachable, "\(host):\(port): \(ReceiverExchange.words(error))")
        }
    }

    /// For people.
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as DeliveryAttempt: error.detail
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "no connection in time"
        case is ChannelError: "the connection was closed"
        case NIOSSLError.uncleanShutdown: "the connection was closed"
        default: "TLS failed: \(error)"
        }
    }
}
