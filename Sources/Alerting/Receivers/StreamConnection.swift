import NIOCore
import NIOPosix
import NIOSSL

/// A TCP connection to the first of some addresses that takes it, which ends after a time whatever the peer does.
struct StreamConnection: Sendable {
    let channel: any Channel
    /// Ends the connection when its time is up.
    private let timer: Scheduled<Void>

    /// - Parameters:
    ///   - addresses: those that a resolver let through.
    ///   - timeout: for everything until the end.
    ///   - initialize: what stands in the pipeline.
    init(
        _ addresses: [SocketAddress], timeout: Duration, initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws(DeliveryAttempt) {
        var failure = DeliveryAttempt(.unreachable, "there is no address")
        for address in addresses.prefix(4) {
            do {
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connectTimeout(.seconds(5)).channelOption(.allowRemoteHalfClosure, value: true)
                    .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try initialize(channel) } }
                    .connect(to: address).get()
                self.channel = channel
                timer = channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(timeout / .nanoseconds(1)))) { channel.close(promise: nil) }
                return
            } catch {
                failure = DeliveryAttempt(.unreachable, "no connection to \(address.ipAddress ?? "") port \(address.port ?? 0): \(error)")
            }
        }
        throw failure
    }

    func close() async {
        timer.cancel()
        try? await channel.close().get()
    }

    /// TLS with the host's name verified against the system's authorities, and those of a PEM file.
    static func tls(_ host: String, authorities: String?) throws(DeliveryAttempt) -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authorities { configuration.additionalTrustRoots = [.file(authorities)] }
        do {
            let context = try NIOSSLContext(configuration: configuration)
            // An address is verified as such, and is no server name.
            let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
            return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
        } catch { throw DeliveryAttempt(.refused, "TLS cannot be set up: \(error)") }
    }
}
