import ArgumentParser
import AuditEvents
import Detection
import EventStore
import PostgreSQL
import Projections
import Synchronization

/// How long after an attack was committed its alert is there, while events come in.
struct BenchAlerts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "From an attack's commit to its alert, at a rate of events, with a worker at work.")

    @Option(help: "Events a second.") var rate = 2000
    @Option(help: "Seconds.") var seconds = 20
    @Option(help: "Between two attacks, in milliseconds.") var every = 200
    /// Until the worker has its leases and has restored its state.
    @Option(help: "Seconds of events before the first attack; past a minute or so PostgreSQL has statistics of the new tables.")
    var warmUp = 2
    @Option(help: "The seed of the events.") var seed: UInt64 = 1
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (100...50_000).contains(rate), (1...600).contains(seconds), (50...60_000).contains(every), (0...600).contains(warmUp) else {
            throw ValidationError("--rate goes from 100 to 50000, --seconds from 1 to 600, --every from 50 to 60000, --warm-up to 600.")
        }
    }

    /// What the planted attacks are.
    private static let rule = "Brute force from one address"
    private static let tries = 6
    /// Between two appends.
    private static let tick = Duration.milliseconds(10)

    private final class Record: Sendable {
        /// By address: when the writer knew that the last try was committed.
        let attacks = Mutex<[String: ContinuousClock.Instant]>([:])
        /// By address: when a look first showed the alert.
        let alerts = Mutex<[String: ContinuousClock.Instant]>([:])
        let appends = Mutex<[Double]>([])
    }

    func run() async throws {
        StandardOutput.write(
            "\(rate) events/s for \(seconds) s after \(warmUp) s of warm-up, an attack (\(Self.tries) failures from a new address) each \(every) ms, a worker with the built-in rules\n"
        )
        try await BenchDatabase.with(database) { try await measure($0.deployment) }
    }

    private func measure(_ deployment: Deployment) async throws {
        let writers = PostgresPool(deployment.configuration(.writer, connections: 4), logger: deployment.logger)
        let workers = PostgresPool(deployment.configuration(.worker, connections: 8), logger: deployment.logger)
        let readers = PostgresPool(deployment.configuration(.reader, connections: 1), logger: deployment.logger)
        let rules = try RuleSet.builtIn()
        guard let rule = rules.correlations.first(where: { $0.title == Self.rule })?.id else {
            throw Failure("no built-in rule is called \(Self.rule)")
        }
        let worker = Worker(
            pool: workers, listening: deployment.configuration(.worker), configuration: .init(id: Deployment.workerID()),
            rules: RulesAtWork(rules), logger: deployment.logger)
        let record = Record()
        let working = Task { try await worker.run() }
        let looking = Task {
            while !Task.isCancelled {
                try await look(readers, rule, record)
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        let began = ContinuousClock.now
        let appended = try await append(Appender(writers), record)
        let took = ContinuousClock.now - began
        let attacks = record.attacks.withLock { $0 }
        while ContinuousClock.now - began - took < .seconds(30), record.alerts.withLock({ $0.count }) < attacks.count {
            try await Task.sleep(for: .milliseconds(5))
        }
        looking.cancel()
        working.cancel()
        _ = try? await looking.value
        _ = try? await working.value
        let all = try await readers.query("select count(*) as n from audit.alert")[0].decode("n", as: Int64.self)
        for pool in [writers, workers, readers] { await pool.close() }
        try report(record, began: began, appended: appended, took: cardea.seconds(took), alerts: Int(all))
    }

    /// Appends the mix at the rate and the attacks among it; returns how many events those were.
    private func append(_ appender: Appender, _ record: Record) async throws -> Int {
        let encoder = EventEncoder()
        var mix = BenchMix(seed: seed)
        let began = ContinuousClock.now
        let end = began + .seconds(warmUp + seconds)
        var (made, appended, attack) = (0, 0, 0)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            var running = 0
            while ContinuousClock.now < end {
                let elapsed = ContinuousClock.now - began
                let due = Int(cardea.seconds(elapsed) * Double(rate))
                let now = Timestamp.now()
                var events = try (made..<max(made, due)).map { _ in try encoder.encode(mix.event(at: now), now: now) }
                made = max(made, due)
                var address: String?
                if elapsed >= Duration.seconds(warmUp) + .milliseconds(every * attack) {
                    let planted = "203.0.\(attack >> 8 & 255).\(attack & 255)"
                    events += try (0..<Self.tries).map { _ in try encoder.encode(Self.failure(planted, now), now: now) }
                    address = planted
                    attack += 1
                }
                appended += events.count
                if running >= 16 {
                    try await group.next()
                    running -= 1
                }
                running += 1
                group.addTask { [events, address] in
                    let sent = ContinuousClock.now
                    try await appender.append(events)
                    let committed = ContinuousClock.now
                    record.appends.withLock { $0.append(cardea.seconds(committed - sent) * 1000) }
                    if let address { record.attacks.withLock { $0[address] = committed } }
                }
                try await Task.sleep(for: Self.tick)
            }
            try await group.waitForAll()
            return appended
        }
    }

    private static func failure(_ address: String, _ time: Timestamp) -> AuditEvent {
        AuditEvent(
            header: EventHeader(
                id: EventID(time: time), source: "api", type: .loginFailure, outcome: .failure, reason: "bad_password", actorKind: .user,
                method: "POST", route: "/login", status: 401),
            body: EventBody(actor: .init(name: "planted-\(address)"), client: .init(ip: address), path: "/login"))
    }

    private func look(_ pool: PostgresPool, _ rule: String, _ record: Record) async throws {
        let found = try await pool.query(
            "select group_by ->> 'client_ip' as address from audit.alert where rule_id = \(rule) and group_by ->> 'client_ip' like '203.0.%'",
            as: String.self)
        let now = ContinuousClock.now
        record.alerts.withLock { alerts in for address in found where alerts[address] == nil { alerts[address] = now } }
    }

    private func report(_ record: Record, began: ContinuousClock.Instant, appended: Int, took: Double, alerts: Int) throws {
        let (attacks, found) = (record.attacks.withLock { $0 }, record.alerts.withLock { $0 })
        let waits = attacks.compactMap { address, committed in
            found[address].map { (at: cardea.seconds(committed - began), lag: max(0, cardea.seconds($0 - committed) * 1000)) }
        }
        let lags = waits.map(\.lag)
        let appends = record.appends.withLock { $0 }
        func quantiles(_ values: [Double]) -> String {
            "p50 \(decimal(quantile(values, 0.5))) ms, p90 \(decimal(quantile(values, 0.9))) ms, p99 \(decimal(quantile(values, 0.99))) ms, max \(decimal(values.max() ?? 0)) ms"
        }
        StandardOutput.write(
            """
            \(appended) events in \(decimal(took)) s, \(Int(Double(appended) / took)) events/s; an append: \(quantiles(appends))
            commit → alert: \(quantiles(lags)), of \(lags.count) alerts for \(attacks.count) attacks; \(alerts) alerts in all

            """)
        let slowest = waits.sorted { $0.lag > $1.lag }.prefix(5).map { "\(decimal($0.lag)) ms at \(decimal($0.at)) s" }
        StandardOutput.write("the slowest: \(slowest.joined(separator: ", "))\n")
        guard lags.count == attacks.count else { throw Failure("\(attacks.count - lags.count) attacks have no alert after 30 s") }
    }
}
