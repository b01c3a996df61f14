import Alerting
import ArgumentParser
import Detection
import EventStore
import PostgreSQL
import Projections
import ServiceLifecycle
import UnixSignals

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Seal the record, fold it into views and alerts, hash and sign it, tell receivers.",
        discussion: """
            Any number of workers share the shards. One that stops gives its shards back at once; one that dies is replaced within 13 seconds. \
            Alerts are sent to the receivers of HOME/receivers.yml, but not with --until-idle: a worker that stays sends them.
            """
    )

    @Flag(help: "Return when everything that is there has been folded.") var untilIdle = false
    @OptionGroup var trees: TreeOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let deployment = try await Deployment.open(database)
        let working = try WorkingRules(deployment.settings)
        let delivery = try WorkingDelivery(deployment.settings)
        let receivers = try delivery.load()
        try await deployment.withPool(.worker, connections: 15) { pool in
            let loaded = try await working.load(pool)
            loaded.tell()
            let rules = loaded.atWork
            let id = Deployment.workerID()
            let worker = Worker(
                pool: pool, listening: deployment.configuration(.worker), configuration: .init(id: id), rules: rules,
                logger: deployment.logger)
            if untilIdle {
                _ = try await LogKeys.ready(deployment, pool)
                let folded = try await worker.runUntilIdle { folded in
                    if StandardError.isTerminal { StandardError.write("\r\u{1b}[K\(folded) events folded") }
                }
                if StandardError.isTerminal { StandardError.write("\r\u{1b}[K") }
                try await Dispatcher.tidy(receivers, pool)
                try await trees.bringUpToDate(deployment, pool)
                StandardError.write("cardea: \(folded) events folded, nothing left\n")
                return
            }
            delivery.tell(receivers)
            StandardError.write("cardea: working; end with Ctrl-C\n")
            let services: [any Service] =
                try await trees.services(deployment, pool, worker: id) + [
                    worker, RulesWatcher(rules: working, atWork: rules, pool: pool, logger: deployment.logger),
                ]
                + delivery.services(receivers, pool, logger: deployment.logger)
            let group = ServiceGroup(
                configuration: .init(
                    services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint], logger: deployment.logger))
            try await group.run()
        }
    }
}
