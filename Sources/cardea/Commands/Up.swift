import Alerting
import ArgumentParser
import AuditEvents
import Configuration
import Detection
import EventStore
import ExampleAPI
import Logging
import PostgreSQL
import Projections
import ServiceLifecycle
import UnixSignals

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run everything in one process: database, schema, sealing, worker; the example API with --example.",
        discussion:
            "Alerts are printed as they fire, in the form that -o asks for, and sent to the receivers of HOME/receivers.yml. End with Ctrl-C; the private cluster goes on until `cardea down`."
    )

    @Flag(help: "Also run the example API behind Cardea's middleware.") var example = false
    @Option(help: "The example API's port; 0 takes a free one.") var port: Int?
    @Option(help: "How many shards there should be at least.") var shards: Int?
    @OptionGroup var trees: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        if let port, !(0...65535).contains(port) { throw ValidationError("--port goes from 0 to 65535.") }
        if let shards, !(1...1024).contains(shards) { throw ValidationError("--shards goes from 1 to 1024.") }
    }

    func run() async throws {
        let deployment = try await Deployment.open(database, migrating: true)
        let report = try await Migrator(deployment.configuration(nil), logger: deployment.logger).migrate(shards: shards)
        StandardError.write("cardea: schema version \(report.version), \(report.shards) shards; events are taken\n")
        let working = try WorkingRules(deployment.settings)
        let delivery = try WorkingDelivery(deployment.settings)
        let receivers = try delivery.load()
        delivery.tell(receivers)
        try await deployment.withPool(.worker, connections: 14) { workers in
            let loaded = try await working.load(workers)
            loaded.tell()
            let rules = loaded.atWork
            let id = Deployment.workerID()
            let trees = try await trees.services(deployment, workers, worker: id)
            try await deployment.withPool(.reader, connections: 2) { readers in
                let services: [any Service] =
                    trees + [
                        worker(deployment, rules, workers, id: id),
                        AlertPrinter(pool: readers, format: output.output, logger: deployment.logger),
                        RulesWatcher(rules: working, atWork: rules, pool: readers, logger: deployment.logger),
                    ] + delivery.services(receivers, workers, logger: deployment.logger)
                let configured = services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
                guard example else { return try await run(configured, deployment) }
                try await deployment.withPool(.writer, connections: 4) { writers in
                    try await deployment.withPool(.access, connections: 4) { access in
                        try await run(configured + exampleServices(deployment, writers, access), deployment)
                    }
                }
            }
        }
    }

    private func worker(_ deployment: Deployment, _ rules: RulesAtWork, _ pool: PostgresPool, id: String) -> any Service {
        Worker(
            pool: pool, listening: deployment.configuration(.worker), configuration: .init(id: id), rules: rules,
            logger: deployment.logger)
    }

    /// The example API, and the store that its events go to.
    private func exampleServices(
        _ deployment: Deployment, _ writers: PostgresPool, _ access: PostgresPool
    ) async throws -> [ServiceGroupConfiguration.ServiceConfiguration] {
        try deployment.settings.makeHome()
        let logger = deployment.logger
        let store = EventStore(pool: writers, configuration: deployment.settings.store, logger: logger)
        var configuration = try ExampleAPI.Configuration(reader: deployment.settings.reader.scoped(to: "example"))
        configuration.use(deploymentKey: try await store.appender.deploymentKey())
        if let port { configuration.port = port }
        let host = configuration.host
        let storage = ExampleAPI.Storage(access, sharesLimits: configuration.sharesLimits, logger: logger)
        let api = try ExampleAPI(configuration: configuration, storage: storage, sink: store, logger: logger) { port in
            StandardError.write("cardea: example API on http://\(host):\(port)\n")
        }
        // Services end in reverse order: the API first, then the store, which writes out what the API left in its buffer.
        return [.init(service: store), .init(service: api)]
    }

    private func run(_ services: [ServiceGroupConfiguration.ServiceConfiguration], _ deployment: Deployment) async throws {
        let group = ServiceGroup(
            configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: deployment.logger))
        try await group.run()
    }
}

extension ExampleAPI.Storage {
    /// In PostgreSQL, `audit_access`.
    ///
    /// - Parameter pool: under `cardea_access`.
    fileprivate init(_ pool: PostgresPool, sharesLimits: Bool, logger: Logger) {
        self.init(
            accounts: PostgresAccountStore(pool), lockouts: PostgresLockoutStore(pool), sessions: PostgresSessionStore(pool),
            tokenFamilies: PostgresTokenFamilyStore(pool), revocations: PostgresRevocationStore(pool, logger: logger),
            proofs: PostgresProofReplayStore(pool), rateLimits: sharesLimits ? PostgresRateLimitStore(pool) : nil)
    }
}

/// Prints alerts to standard output as they fire.
struct AlertPrinter: Service {
    let pool: PostgresPool
    let format: OutputFormat
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var follower: AlertFollower?
            while !Task.isCancelled {
                do {
                    if follower == nil { follower = try await pool.withConnection { try await AlertFollower($0) } }
                    while let page = try await follower?.next(pool), !page.isEmpty { page.forEach(print) }
                } catch {
                    if !Task.isCancelled { logger.debug("Alerts could not be read", metadata: ["error": "\(error)"]) }
                }
                try? await Task.sleep(for: .milliseconds(250))
            }
        }
    }

    private func print(_ alert: StoredAlert) {
        switch format {
        case .json, .jsonl: StandardOutput.write(RowPrinter.text(.object(alert.json)) + "\n")
        case .table, .csv:
            let group = alert.group.members.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: " ")
            let text =
                "ALERT \(alert.severity.name): \(alert.ruleTitle) — \(group), \(alert.count) events since \(alert.firstSeen) [\(alert.id.description.prefix(8))]"
            StandardOutput.write(Colour.red(RowPrinter.visible(text)) + "\n")
        }
    }
}
