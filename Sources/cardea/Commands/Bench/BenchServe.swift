import ArgumentParser
import AuditEvents
import AuditMiddleware
import EventStore
import Hummingbird
import Logging
import NIOCore
import PostgreSQL
import ServiceLifecycle
import UnixSignals

/// One route, bare or behind the full stack, for a load generator: what `Benchmarks/middleware/run.sh` drives.
struct BenchServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve GET /books/{id} bare, or behind recorder, JWT, role and rate limit, every event stored.",
        discussion: "Prints `listening PORT TOKEN`, and when it is ended with SIGTERM `stored EVENTS`.", shouldDisplay: false)

    enum Stack: String, ExpressibleByArgument, CaseIterable {
        case bare
        /// The recorder alone, its events dropped.
        case recorder
        /// Everything before the route, its events dropped: what is left of the cost when nothing is stored.
        case unstored
        case full
    }

    @Option(help: "What stands before the route.") var stack = Stack.full
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        switch stack {
        case .bare:
            let router = Router()
            router.get("books/:id") { _, context in try book(context) }
            try await serve(Application(router: router, configuration: address, onServerRunning: listening("-"), logger: quiet), [])
        case .recorder, .unstored:
            let drop = Drop()
            let application = try application(sink: drop, fingerprintKey: [UInt8](repeating: 3, count: 32), isFull: stack == .unstored)
            try await serve(application, [])
        case .full:
            try await BenchDatabase.with(database) { try await full($0.deployment) }
        }
    }

    private struct Drop: EventSink {
        func record(_ event: AuditEvent, durability: EventDurability) async throws {}
    }

    private func full(_ deployment: Deployment) async throws {
        try await deployment.withPool(.writer, connections: 4) { pool in
            let store = EventStore(pool: pool, configuration: deployment.settings.store, logger: deployment.logger)
            let application = try application(sink: store, fingerprintKey: try await store.appender.deploymentKey(), isFull: true)
            try await serve(application, [store])
        }
        let owner = PostgresPool(deployment.configuration(nil, connections: 1), logger: deployment.logger)
        let stored = try await owner.query("select count(*) as n from audit.event where source = 'bench'")[0].decode("n", as: Int64.self)
        await owner.close()
        StandardOutput.write("stored \(stored)\n")
    }

    private func application(
        sink: any EventSink, fingerprintKey: [UInt8], isFull: Bool
    ) throws -> some ApplicationProtocol {
        let key = try SigningKey.hs256([UInt8](repeating: 7, count: 32), id: "bench")
        let issuer = TokenIssuer(key: key, issuer: "https://bench", audience: "bench")
        let token = try issuer.issue(subject: "u1", lifetimeSeconds: 3600, claims: ["roles": ["reader"]])
        let verifier = try TokenVerifier(
            keys: [key.verificationKey], rules: .init(issuer: "https://bench", audience: "bench", types: ["at+jwt"]))
        let router = Router(audited: BasicAuditedRequestContext.self)
        if isFull {
            router.add(middleware: RateLimit(RateLimitPolicy(name: "bench", limit: 10_000_000, windowSeconds: 60)))
            router.group()
                .add(middleware: Authentication(BearerAuthenticator(verifier: verifier, realm: "bench")))
                .group(roles: "reader", realm: "bench")
                .get("books/:id") { _, context in try book(context) }
        } else {
            router.get("books/:id") { _, context in try book(context) }
        }
        let recorder = AuditRecorder(
            sink: sink, configuration: .init(source: "bench", fingerprinter: Fingerprinter(key: fingerprintKey)), logger: quiet)
        return Application(responder: recorder.wrap(router), configuration: address, onServerRunning: listening(token), logger: quiet)
    }

    private var address: ApplicationConfiguration { .init(address: .hostname("127.0.0.1", port: 0)) }
    private var quiet: Logger { Deployment.logger(.error) }

    private func serve(_ application: some ApplicationProtocol, _ services: [any Service]) async throws {
        let group = ServiceGroup(
            configuration: .init(services: services + [application], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        try await group.run()
    }

    private func listening(_ token: String) -> @Sendable (any Channel) async -> Void {
        { channel in StandardOutput.write("listening \(channel.localAddress?.port ?? 0) \(token)\n") }
    }

    private func book(_ context: some RequestContext) throws -> Response {
        let id = try context.parameters.require("id", as: Int.self)
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(string: #"{"id":\#(id),"title":"The Left Hand of Darkness"}"#)))
    }
}
