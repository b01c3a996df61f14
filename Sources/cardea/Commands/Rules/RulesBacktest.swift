import Alerting
import ArgumentParser
import AuditEvents
import Detection
import EventStore
import PostgreSQL

/// What rules would have found in the stored record: the same engine that runs on it, and nothing is written.
struct RulesBacktest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backtest", abstract: "Say what rules would have found in the record. Nothing is written.",
        discussion:
            "With --compare the alerts of both sets are told apart: `new` only by the files, `gone` only by the others, `same` by both.")

    @Argument(help: "Rule files or folders; none for cardea's own.") var files: [String] = []
    @Option(help: "From this time on: RFC 3339, a date, or a span back from now (90m, 7d).") var since: String?
    @Option(help: "Up to this time; a date includes its day.") var until: String?
    @Option(help: "Other rules to compare with: a file or folder, or `built-in`.") var compare: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    private struct Found {
        var alert: Alert
        var sides: Set<Int>
    }

    func validate() throws { _ = try range() }

    private func range() throws -> ClosedRange<Timestamp> {
        let now = Timestamp.now()
        func time(_ text: String?, _ name: String, endOfDay: Bool) throws -> Timestamp? {
            guard let text else { return nil }
            guard let time = TimeExpression.parse(text, now: now, endOfDay: endOfDay) else {
                throw ValidationError("\(name) '\(text)' is no time: RFC 3339, a date, or a span like 90m or 7d.")
            }
            return time
        }
        let first = try time(since, "--since", endOfDay: false) ?? .minimum
        let last = try time(until, "--until", endOfDay: true) ?? Timestamp(microseconds: .max)
        guard first <= last else { throw ValidationError("--since is after --until.") }
        return first...last
    }

    func run() async throws {
        var sets = [try RulesCommand.load(files).rules]
        if let compare { sets.append(try RulesCommand.load(compare == "built-in" ? [] : [compare]).rules) }
        let range = try range()
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.reader, connections: 1) { pool in
            var found: [AlertID: Found] = [:]
            var events = 0
            let shards = try await pool.query("select shard from audit.head order by shard").map { try $0.decode("shard", as: Int32.self) }
            for shard in shards { events += try await judge(shard, sets, range, pool, &found) }
            report(found, events: events)
        }
    }

    private func judge(
        _ shard: Int32, _ sets: [RuleSet], _ range: ClosedRange<Timestamp>, _ pool: PostgresPool, _ found: inout [AlertID: Found]
    ) async throws -> Int {
        var engines = sets.map { DetectionEngine(rules: $0) }
        let end = try await pool.withConnection { try await LogReader().nextIndex($0, shard: shard) }
        var progress = ProgressBar("shard \(shard)", totalBytes: Int(end))
        defer { progress.clear() }
        var (next, count) = (Int64(0), 0)
        while next < end {
            let from = next
            let page = try await pool.withConnection { try await LogReader().read($0, shard: shard, from: from, limit: 2000) }
            next += 2000
            let events = page.filter { range.contains($0.event.time) && !$0.event.header.type.isAboutAlerts }
            count += events.count
            for side in engines.indices {
                for change in engines[side].process(events) { apply(change, side, &found) }
            }
            progress.update(bytes: Int(min(next, end)), events: count)
        }
        return count
    }

    private func apply(_ change: AlertChange, _ side: Int, _ found: inout [AlertID: Found]) {
        switch change {
        case .open(let alert): found[alert.id, default: Found(alert: alert, sides: [])].sides.insert(side)
        case .extend(let more):
            guard side == 0 || found[more.id]?.sides == [side] else { return }
            found[more.id]?.alert.count = more.count
            found[more.id]?.alert.firstSeen = more.firstSeen
            found[more.id]?.alert.lastSeen = more.lastSeen
        case .merge(let merge): found[merge.absorbed]?.sides.remove(side)
        }
    }

    private func report(_ found: [AlertID: Found], events: Int) {
        let alerts = found.values.filter { !$0.sides.isEmpty }.sorted {
            ($0.alert.firstSeen, $0.alert.id) < ($1.alert.firstSeen, $1.alert.id)
        }
        var columns: [RowPrinter.Column] = [
            .init("rule"), .init("severity"), .init("group"), .init("count"), .init("first_seen"), .init("last_seen"),
        ]
        if compare != nil { columns.insert(.init("change"), at: 0) }
        var printer = RowPrinter(output.output, columns: columns)
        printer.print(
            alerts.map { found in
                let alert = found.alert
                var row: JSONObject = [
                    "rule": .string(alert.ruleTitle), "rule_id": .string(alert.ruleID), "severity": .string(alert.severity.name),
                    "tenant": .string(alert.tenant), "count": .int(Int64(alert.count)), "first_seen": .string(alert.firstSeen.description),
                    "last_seen": .string(alert.lastSeen.description),
                    "group": output.output == .table || output.output == .csv
                        ? .string(alert.group.map { "\($0.field)=\($0.value)" }.joined(separator: " "))
                        : .object(JSONObject(alert.group.map { ($0.field, .string($0.value)) })),
                ]
                if compare != nil { row["change"] = .string(found.sides == [0] ? "new" : found.sides == [1] ? "gone" : "same") }
                return row
            })
        printer.finish()
        let rules = Set(alerts.map(\.alert.ruleID)).count
        StandardError.write("events judged: \(events), alerts: \(alerts.count), rules that raised them: \(rules)\n")
    }
}
