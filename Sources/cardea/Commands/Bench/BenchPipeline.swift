import ArgumentParser
import AuditEvents
import Detection
import EventStore
import Glibc
import LogFormats
import PostgreSQL
import Projections

/// Import, seal, project and detect generated sshd lines: the whole way.
struct BenchPipeline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline", abstract: "Import, seal, project and detect generated sshd lines; seconds and peak memory.")

    @Option(help: "Lines.") var lines = 100_000
    @Option(
        help: ArgumentHelp("Where the lines are written and kept, for others to read. Default: a file that is deleted.", valueName: "file"))
    var keep: String?
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (1000...10_000_000).contains(lines) else { throw ValidationError("--lines goes from 1000 to 10000000.") }
    }

    func run() async throws {
        let file = keep ?? "/tmp/cardea-bench-\(getpid()).log"
        try BenchPipeline.generate(lines, to: file)
        defer { if keep == nil { unlink(file) } }
        try await BenchDatabase.with(database) { try await measure(file, $0.deployment) }
    }

    private func measure(_ file: String, _ deployment: Deployment) async throws {
        let clock = ContinuousClock()
        let rules = try RuleSet.builtIn()
        let began = clock.now
        let result = try await deployment.withPool(.writer, connections: 2) { pool in
            let appender = Appender(pool)
            let now = Timestamp.now()
            let imported = ImportedLines(
                source: "bench", tenant: "default", fingerprinter: Fingerprinter(key: try await appender.deploymentKey()),
                parser: LogParser(options: .init(now: now)), now: now, keepsRejects: false)
            let descriptor = open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw Failure("\(file) cannot be opened") }
            defer { close(descriptor) }
            return try await Importer(appender: appender, logger: deployment.logger).run(descriptor, file: file, lines: imported) { _, _ in
            }
        }
        let afterImport = clock.now
        let (folded, alerts, sealed) = try await deployment.withPool(.worker, connections: 4) { pool in
            try await Sealer(pool).sealAll()
            let sealed = clock.now
            let worker = Worker(
                pool: pool, listening: deployment.configuration(.worker), configuration: .init(id: Deployment.workerID()),
                rules: RulesAtWork(rules),
                logger: deployment.logger)
            let folded = try await worker.runUntilIdle()
            let alerts = try await pool.query("select count(*) as n from audit.alert")[0].decode("n", as: Int64.self)
            return (folded, alerts, sealed)
        }
        let end = clock.now
        let total = seconds(end - began)
        StandardOutput.write(
            """
            \(result.counts.lines) lines, \(result.stored) events stored, \(folded) folded, \(alerts) alerts
            import   \(decimal(seconds(afterImport - began), places: 2)) s
            seal     \(decimal(seconds(sealed - afterImport), places: 2)) s
            project and detect \(decimal(seconds(end - sealed), places: 2)) s
            total    \(decimal(total, places: 2)) s, \(Int(Double(result.counts.lines) / total)) lines/s
            peak memory of this process \(BenchPipeline.peakMegabytes()) MB

            """)
        guard result.stored == result.counts.events else { throw Failure("\(result.counts.events - result.stored) events were not stored") }
    }

    private static func peakMegabytes() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }

    /// An hour and a half of failed and accepted sign-ins from 500 addresses, as OpenSSH logs them through rsyslog with ISO times.
    private static func generate(_ count: Int, to path: String) throws {
        guard let file = fopen(path, "w") else { throw Failure("\(path) cannot be written") }
        defer { fclose(file) }
        let start = Timestamp.now().microseconds - 6 * 3_600_000_000
        var random: UInt64 = 42
        func next(_ bound: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % bound
        }
        for number in 0..<count {
            let time = Timestamp(microseconds: start + Int64(number) * 54_000)
            let address = "198.51.\(100 + next(2)).\(next(250))"
            let user = ["root", "admin", "git", "deploy", "postgres", "ubuntu"][Int(next(6))]
            let what =
                switch next(10) {
                case 0: "Accepted publickey for deploy from \(address) port \(1024 + next(60_000)) ssh2"
                case 1, 2: "Failed password for invalid user guest\(next(2000)) from \(address) port \(1024 + next(60_000)) ssh2"
                default: "Failed password for \(user) from \(address) port \(1024 + next(60_000)) ssh2"
                }
            fputs("\(time) bench sshd[\(1000 + number)]: \(what)\n", file)
        }
    }
}
