import AsyncHTTPClient
public import AuditEvents
public import AuditMiddleware
package import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle

/// A small bookshop's API behind every layer of the middleware. What the demonstration attacks.
///
/// `cardea routes` lists its routes, `GET /openapi.json` describes them. Its books live in memory, everything else where `Storage` says.
public struct ExampleAPI: Service {
    public let configuration: Configuration
    private let application: Application<SecuredResponder<RecordedResponder<RouterResponder<BasicAuditedRequestContext>>>>
    private let services: [any Service]
    /// For asking identity providers, where there are any.
    private let client: HTTPClient?

    /// - Parameters:
    ///   - sink: takes the events.
    ///   - http: asks identity providers; a client of its own unless given.
    ///   - onListening: is told the port once it is bound; useful with port 0.
    /// - Throws: `KeyError` for a signing key of fewer than 32 bytes, `HardeningError` for a host or an origin that is none,
    ///   `ConfigurationError` and `OAuthConfigurationError` for what else cannot work.
    public init(
        configuration: Configuration, storage: Storage = .memory(), sink: any EventSink, http: (any OutboundHTTP)? = nil, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) throws {
        self.configuration = configuration
        client = configuration.asksProviders && http == nil ? HTTPClient(configuration: OutboundClient.configuration) : nil
        do {
            let parts = try Parts(configuration, storage, http: http ?? client.map { OutboundClient($0) }, logger: logger)
            let recorder = AuditRecorder(
                sink: sink,
                configuration: .init(
                    source: configuration.source, fingerprinter: Fingerprinter(key: configuration.fingerprintKey),
                    clock: configuration.clock,
                    clientAddress: configuration.clientAddress),
                logger: logger)
            var application = Application(
                responder: try SecurityHeaders().around(recorder.wrap(parts.router())),
                // A connection on which nothing happens for a minute is closed: slow clients hold no more than that. What the HTTP parser refuses is
                // on the record too.
                server: .http1(configuration: .init(additionalChannelHandlers: recorder.connectionHandlers(), idleTimeout: .seconds(60))),
                configuration: .init(address: .hostname(configuration.host, port: configuration.port)),
                onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) }, logger: logger)
            application.beforeServerStarts { try await parts.addUsers() }
            self.application = application
            services = [recorder.heartbeat(), parts.revocations]
        } catch {
            // A client that is dropped open ends the process, with less to say than the error.
            try? client?.syncShutdown()
            throw error
        }
    }

    /// Serves until the service group ends it, with a heartbeat on the record.
    public func run() async throws {
        var application = application
        for service in services { application.addServices(service) }
        do {
            try await application.run()
        } catch {
            try? await client?.shutdown()
            throw error
        }
        try await client?.shutdown()
    }

    /// The application, for tests in process.
    package var testable: some ApplicationProtocol { application }
}
