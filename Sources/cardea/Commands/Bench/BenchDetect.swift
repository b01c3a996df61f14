import ArgumentParser
import AuditEvents
import Detection

/// Events a second through the engine: one thread, no database.
struct BenchDetect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect",
        abstract:
            "Events a second through the built-in rules, through 3,000 rules as SigmaHQ's are, and through both: one core, no database.")

    @Option(help: "Events a round.") var events = 100_000
    @Option(help: "Rules that are made up.") var rules = 3000
    @Option(help: "Rounds; medians are printed.") var rounds = 3
    @Option(help: "Events that are judged at once.") var batch = 5000
    @Option(help: "The seed of the events and rules.") var seed: UInt64 = 1

    func validate() throws {
        guard (1000...10_000_000).contains(events), (1...50_000).contains(rules), (1...20).contains(rounds), (1...100_000).contains(batch)
        else {
            throw ValidationError(
                "--events goes from 1000 to 10000000, --rules from 1 to 50000, --rounds from 1 to 20, --batch from 1 to 100000.")
        }
    }

    func run() throws {
        StandardOutput.write(
            "\(events) events an hour of record long, batches of \(batch), \(rounds) rounds, seed \(seed), one thread\nevents: \(BenchMix.summary)\n"
        )
        let made = MadeRules.files(rules, seed: seed)
        StandardOutput.write(
            "made rules: \(rules) in \(made.count) files, \(made.reduce(0) { $0 + $1.yaml.count } / 1024) KiB; \(MadeRules.summary)\n")
        let packs = [
            ("built-in pack", RuleSet.builtInFiles), ("\(rules) made rules", made), ("both", RuleSet.builtInFiles + made),
        ]
        for (name, files) in packs { try measure(name, files) }
    }

    private func measure(_ name: String, _ files: [(name: String, yaml: [UInt8])]) throws {
        BenchMemory.forgetPeak()
        let clock = ContinuousClock()
        let start = clock.now
        let rules = try RuleSet(files: files)
        let loading = clock.now - start
        StandardOutput.write(
            "\(name): \(rules.rules.count) rules and \(rules.correlations.count) correlations read in \(decimal(seconds(loading), places: 2)) s\n"
        )
        var judged: [Double] = []
        var stored: [Double] = []
        var metrics = DetectionMetrics()
        var rows = 0
        for _ in 0..<rounds {
            let round = run(rules)
            judged.append(seconds(round.judging))
            stored.append(seconds(round.judging + round.storing))
            (metrics, rows) = (round.metrics, round.rows)
        }
        func rate(_ seconds: [Double]) -> Int { Int(Double(events) / quantile(seconds, 0.5)) }
        StandardOutput.write(
            """
              \(rate(judged)) events/s judged, \(rate(stored)) with the changes of state made into \(rows) rows \
            (rounds: \(judged.map { String(Int(Double(events) / $0)) }.joined(separator: ", ")))
              \(metrics.matches) matches, \(metrics.hits) counted, \(metrics.alertsOpened) alerts, \(metrics.groups) groups; \
            peak memory \(BenchMemory.peakMegabytes) MB

            """)
    }

    /// Judges all events, as a worker does that folds a backlog; making them is not counted.
    private func run(_ rules: RuleSet) -> (judging: Duration, storing: Duration, metrics: DetectionMetrics, rows: Int) {
        let clock = ContinuousClock()
        var engine = DetectionEngine(rules: rules)
        var mix = BenchMix(seed: seed)
        // 2026-01-01; what is judged depends on the events alone.
        let start: Int64 = 1_767_225_600_000_000
        let step = 3_600_000_000 / Int64(events)
        var (judging, storing, rows) = (Duration.zero, Duration.zero, 0)
        for first in stride(from: 0, to: events, by: batch) {
            let sealed = (first..<min(events, first + batch)).map { number in
                let time = start + Int64(number) * step
                return SealedEvent(
                    shard: 0, index: Int64(number), sealedAt: Timestamp(microseconds: time + 20_000),
                    event: mix.event(at: Timestamp(microseconds: time)))
            }
            judging += clock.measure { _ = engine.process(sealed) }
            storing += clock.measure { rows += engine.takeStateChanges().count }
        }
        return (judging, storing, engine.metrics, rows)
    }
}
