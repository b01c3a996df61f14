import ArgumentParser
import AuditEvents
import EventStore
import Glibc
import Logging
import PostgreSQL

/// Writes events into the record and notes which were acknowledged; `scripts/faults.sh` runs it while it kills what it can.
struct BenchLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Record events durably at a rate, and note the ids that were acknowledged.", shouldDisplay: false)

    @Option(help: "How many events.") var events = 10_000
    @Option(help: "Events a second.") var rate = 500
    @Option(help: ArgumentHelp("Where the acknowledged ids go, one a line.", valueName: "file")) var acknowledged: String
    @Option(help: "The seed of what happens.") var seed: UInt64 = 1
    @Option(help: ArgumentHelp("How long to wait at the end until all is in the database.", valueName: "seconds")) var patience = 120
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard events > 0, rate > 0 else { throw ValidationError("--events and --rate are at least 1.") }
    }

    func run() async throws {
        let deployment = try await Deployment.open(database)
        let file = open(acknowledged, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Failure("\(acknowledged) cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        try await deployment.withPool(.writer) { pool in
            let store = EventStore(pool: pool, configuration: deployment.settings.store, logger: deployment.logger)
            let service = Task { try await store.run() }
            let slowest = try await record(into: store, file)
            await store.flush()
            let arrived = try await waitUntilArrived(deployment)
            service.cancel()
            try await service.value
            StandardError.write("cardea: \(events) events acknowledged, the slowest after \(decimal(seconds(slowest))) s\n")
            guard arrived else { throw Failure("not every acknowledged event was in the database within \(patience) s") }
        }
    }

    private var source: String { "bench-load-\(seed)" }

    /// Records at the rate; returns the longest wait for an acknowledgement.
    private func record(into store: EventStore, _ file: Int32) async throws -> Duration {
        var load = FaultLoad(seed: seed, source: source)
        let start = ContinuousClock.now
        let count = events
        return try await withThrowingTaskGroup(of: Duration.self) { group in
            var slowest = Duration.zero
            for index in 0..<count {
                if index >= 500, let took = try await group.next() { slowest = max(slowest, took) }
                try await Task.sleep(until: start + .seconds(Double(index) / Double(rate)))
                let event = load.next()
                group.addTask {
                    let begun = ContinuousClock.now
                    try await store.record(event, durability: .durable)
                    let line = Array("\(event.id)\n".utf8)
                    guard write(file, line, line.count) == line.count else { throw Failure("the acknowledged ids cannot be written") }
                    return ContinuousClock.now - begun
                }
                if index.isMultiple(of: max(1, count / 10)) { StandardError.write("cardea: load: \(index) of \(count)\n") }
            }
            while let took = try await group.next() { slowest = max(slowest, took) }
            return slowest
        }
    }

    /// What went through the spool arrives when the database is back.
    private func waitUntilArrived(_ deployment: Deployment) async throws -> Bool {
        let pool = PostgresPool(deployment.configuration(.reader, connections: 1), logger: deployment.logger)
        let deadline = ContinuousClock.now + .seconds(patience)
        var arrived = false
        while !arrived, ContinuousClock.now < deadline {
            let stored = try? await pool.query("select count(*) from audit.event where source = \(source)", as: Int64.self)
            arrived = (stored?.first ?? 0) >= Int64(events)
            if !arrived { try await Task.sleep(for: .milliseconds(200)) }
        }
        await pool.close()
        return arrived
    }
}

/// What happens under the load: sign-ins that fail and succeed, tokens, sessions, requests, of eight tenants. SplitMix64 (Steele, Lea, Flood, 2014).
private struct FaultLoad {
    private var state: UInt64
    private let source: String

    init(seed: UInt64, source: String) { (state, self.source) = (seed &* 0x9e37_79b9_7f4a_7c15, source) }

    private mutating func draw(_ bound: UInt64) -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return (z ^ z >> 31) % bound
    }

    mutating func next() -> AuditEvent {
        let types: [EventType] = [
            .loginFailure, .loginFailure, .loginSuccess, .tokenRejected, .rateLimitExceeded, .sessionCreated, .httpRequest, .httpRequest,
        ]
        let type = types[Int(draw(UInt64(types.count)))]
        let fails = type == .loginFailure || type == .tokenRejected || type == .rateLimitExceeded
        let fingerprint = "fp_" + String(repeating: "0", count: 30) + String(10 + draw(80))
        var header = EventHeader(
            id: EventID(time: .now()), tenant: "tenant\(draw(8))", source: source, type: type, outcome: fails ? .failure : .success,
            reason: fails ? "bad" : nil)
        if type == .httpRequest {
            (header.method, header.route) = ("GET", "/books/{id}")
            (header.status, header.durationMicroseconds) = (draw(4) == 0 ? 404 : 200, Int64(draw(100_000)))
        }
        return AuditEvent(
            header: header,
            body: EventBody(
                actor: .init(name: "user\(draw(200))"), client: .init(ip: "198.51.100.\(draw(100))", userAgent: "agent\(draw(5))"),
                session: type == .sessionCreated || type == .httpRequest ? fingerprint : nil,
                token: type == .tokenRejected || type == .httpRequest ? .init(fingerprint: fingerprint) : nil,
                path: type == .httpRequest ? "/books/\(draw(50))" : nil))
    }
}
