import ArgumentParser
import AuditEvents
import Detection

/// A flood of addresses with one failed sign-in each, and two attackers in it: memory must be bounded, and they must be found.
struct BenchKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract:
            "A million addresses with one failure each through the built-in rules: memory, and whether two planted attackers are found.")

    @Option(help: "Addresses.") var keys = 1_000_000
    @Option(help: "Accounts that they try, one after the other.") var accounts = 1_000_000
    @Option(help: "How long the flood lasts in event time, in minutes.") var minutes = 45
    @Option(help: "Events that are judged at once.") var batch = 5000

    func validate() throws {
        guard (1000...4_000_000).contains(keys), (1...4_000_000).contains(accounts), (35...1440).contains(minutes),
            (1...100_000).contains(batch)
        else {
            throw ValidationError(
                "--keys goes from 1000 to 4000000, --accounts from 1 to 4000000, --minutes from 35 to 1440, --batch from 1 to 100000.")
        }
    }

    /// Somebody who tries one password at a time.
    private struct Attacker {
        var address: String
        var rule: String
        /// Between two tries, in microseconds.
        var interval: Int64
        var next: Int64 = 0
        var tries = 0
        /// After how many tries, and after how long, the rule's alert came.
        var found: (tries: Int, after: Int64)?
    }

    func run() throws {
        let rules = try RuleSet.builtIn()
        var attackers = [
            Attacker(address: "203.0.113.7", rule: "Slow brute force from one address", interval: 11 * 60_000_000),
            Attacker(address: "203.0.113.8", rule: "Brute force from one address", interval: 45_000_000),
        ]
        for attacker in attackers where !rules.correlations.contains(where: { $0.title == attacker.rule }) {
            throw Failure("no built-in rule is called \(attacker.rule)")
        }
        let limits = DetectionEngine.Limits()
        StandardOutput.write(
            """
            \(keys) addresses, one failed sign-in each, to \(accounts) accounts within \(minutes) minutes; \
            \(rules.rules.count) rules and \(rules.correlations.count) correlations
            at most \(limits.groupsPerRule) groups a rule, \(limits.groups) in all; batches of \(batch), one thread

            """)
        BenchMemory.forgetPeak()
        let before = BenchMemory.megabytes
        let clock = ContinuousClock()
        var engine = DetectionEngine(rules: rules, limits: limits)
        var spent = Duration.zero
        var others: [String: Int] = [:]
        let start: Int64 = 1_767_225_600_000_000
        let end = Int64(minutes) * 60_000_000
        var (random, index, key) = (SplitMix(state: 1), Int64(0), 0)
        var sealed: [SealedEvent] = []

        func note(_ changes: [AlertChange], at time: Int64) {
            for case .open(let alert) in changes {
                let address = alert.group.first { $0.field == "client_ip" }?.value
                if let place = attackers.firstIndex(where: { $0.address == address && $0.rule == alert.ruleTitle }) {
                    if attackers[place].found == nil { attackers[place].found = (attackers[place].tries, time) }
                } else {
                    others[alert.ruleTitle, default: 0] += 1
                }
            }
        }
        func append(_ address: String, _ account: String, at time: Int64) {
            let event = AuditEvent(
                header: EventHeader(
                    id: EventID(time: Timestamp(microseconds: start + time), entropy: random.next()), source: "api", type: .loginFailure,
                    outcome: .failure, reason: "bad_password", actorKind: .user, method: "POST", route: "/login", status: 401),
                body: EventBody(actor: .init(name: account), client: .init(ip: address), path: "/login"))
            sealed.append(SealedEvent(shard: 0, index: index, sealedAt: Timestamp(microseconds: start + time + 20_000), event: event))
            index += 1
        }
        func judge(at time: Int64) {
            var changes: [AlertChange] = []
            spent += clock.measure {
                changes = engine.process(sealed)
                _ = engine.takeStateChanges()
            }
            sealed.removeAll(keepingCapacity: true)
            note(changes, at: time)
        }
        while key < keys {
            let time = end * Int64(key) / Int64(keys)
            for place in attackers.indices where attackers[place].next <= time {
                append(attackers[place].address, "root", at: attackers[place].next)
                attackers[place].next += attackers[place].interval
                attackers[place].tries += 1
            }
            // 100.64.0.0/10 holds four million of them.
            append("100.\(64 + key >> 16).\(key >> 8 & 255).\(key & 255)", "user\(key % accounts)", at: time)
            key += 1
            if sealed.count >= batch { judge(at: time) }
        }
        judge(at: end)
        let peak = BenchMemory.peakMegabytes
        note(engine.finish(), at: end)
        report(engine.metrics, attackers, others, spent, before, peak)
        let missed = attackers.filter { $0.found == nil }
        guard missed.isEmpty else { throw Failure("not found: \(missed.map { "\($0.address) (\($0.rule))" }.joined(separator: ", "))") }
    }

    private func report(
        _ metrics: DetectionMetrics, _ attackers: [Attacker], _ others: [String: Int], _ spent: Duration, _ before: Int, _ peak: Int
    ) {
        StandardOutput.write(
            """
            \(metrics.events) events in \(decimal(seconds(spent), places: 2)) s, \(Int(Double(metrics.events) / seconds(spent))) events/s with state
            peak memory \(peak) MB, \(before) MB before the first event
            \(metrics.groups) groups at the end, \(metrics.groupsEvicted) evicted, \(metrics.groupsExpired) expired, \(metrics.hitsDropped) hits dropped

            """)
        for attacker in attackers {
            let found =
                attacker.found.map { "found at try \($0.tries), after \(decimal(Double($0.after) / 60_000_000)) minutes" } ?? "not found"
            StandardOutput.write(
                "\(attacker.address), one try each \(decimal(Double(attacker.interval) / 60_000_000, places: 2)) minutes, \(attacker.tries) tries: \(found)\n"
            )
        }
        for (title, count) in others.sorted(by: { $0.key < $1.key }) { StandardOutput.write("other alerts: \(count) of \(title)\n") }
    }
}
