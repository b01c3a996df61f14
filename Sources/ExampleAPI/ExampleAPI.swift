public import AuditEvents
import AuditMiddleware
package import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle

/// A small bookshop's API: recorder, tokens, policies, limits, headers, hosts, CORS, compression. What the demonstration attacks.
///
/// `cardea routes` lists its routes, `GET /openapi.json` describes them. Accounts, sessions and books live in memory.
public struct ExampleAPI: Service {
    public let configuration: Configuration
    private let application: Application<SecuredResponder<RecordedResponder<RouterResponder<BasicAuditedRequestContext>>>>
    private let heartbeat: AuditHeartbeat

    /// - Parameters:
    ///   - sink: takes the events.
    ///   - onListening: is told the port once it is bound; useful with port 0.
    /// - Throws: `KeyError` for a signing key of fewer than 32 bytes, `HardeningError` for a host or an origin that is none,
    ///   `ConfigurationError` for a prefix that is none.
    public init(
        configuration: Configuration, sink: any EventSink, logger: Logger, onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) throws {
        self.configuration = configuration
        let parts = try Parts(configuration)
        let recorder = AuditRecorder(
            sink: sink,
            configuration: .init(
                source: configuration.source, fingerprinter: Fingerprinter(key: configuration.fingerprintKey), clock: configuration.clock,
                clientAddress: configuration.clientAddress),
            logger: logger)
        var application = Application(
            responder: try SecurityHeaders().around(recorder.wrap(parts.router())),
            // A connection on which nothing happens for a minute is closed: slow clients hold no more than that. What the HTTP parser refuses is
            // on the record too.
            server: .http1(configuration: .init(additionalChannelHandlers: recorder.connectionHandlers(), idleTimeout: .seconds(60))),
            configuration: .init(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) }, logger: logger)
        application.beforeServerStarts {
            for user in configuration.users {
                try await parts.users.add(username: user.username, password: user.password, roles: user.roles)
            }
        }
        self.application = application
        heartbeat = recorder.heartbeat()
    }

    /// Serves until the service group ends it, with a heartbeat on the record.
    public func run() async throws {
        var application = application
        application.addServices(heartbeat)
        try await application.run()
    }

    /// The application, for tests in process.
    package var testable: some ApplicationProtocol { application }
}
