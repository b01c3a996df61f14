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
        discussion: """
            The record is judged from its beginning, so that what was under way at --since is known; alerts without an event from --since on are \
            not shown, and events after --until are not judged.

            With --compare each alert is `new` (only of the files), `gone` (only of the others), or `same`: of the same rule and group, in \
            times that overlap, with both counts.
            """)

    @Argument(help: "Rule files or folders; none for cardea's own.") var files: [String] = []
    @Option(help: "From this time on: RFC 3339, a date, or a span back from now (90m, 7d).") var since: String?
    @Option(help: "Up to this time; a date includes its day.") var until: String?
    @Option(help: "Other rules to compare with: a file or folder, or `built-in`.") var compare: String?
    @OptionGroup var options: RuleOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws { _ = try OptionValues.times(since: since, until: until, now: .now()) }

    func run() async throws {
        var sets = [try options.load(files)]
        if let compare { sets.append(try options.load(compare == "built-in" ? [] : [compare])) }
        let (since, until) = try OptionValues.times(since: since, until: until, now: .now())
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.reader, connections: 1) { pool in
            var found = sets.map { _ in [AlertID: Alert]() }
            var events = 0
            let shards = try await pool.query("select shard from audit.head order by shard").map { try $0.decode("shard", as: Int32.self) }
            for shard in shards { events += try await judge(shard, sets.map(\.set), until: until, pool, &found) }
            let shown = zip(sets, found).map { set, alerts in
                alerts.values.filter { alert in set.ids.contains(alert.ruleID) && since.map { alert.lastSeen >= $0 } ?? true }
            }
            report(
                compare == nil ? shown[0].map { AlertComparison(alert: $0) } : AlertComparison.of(shown[0], with: shown[1]), events: events)
        }
    }

    private func judge(
        _ shard: Int32, _ sets: [RuleSet], until: Timestamp?, _ pool: PostgresPool, _ found: inout [[AlertID: Alert]]
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
            let events = page.filter { event in
                !event.event.header.type.isAboutAlerts && (until.map { event.event.time <= $0 } ?? true)
            }
            count += events.count
            for side in engines.indices {
                for change in engines[side].process(events) { Self.apply(change, to: &found[side]) }
            }
            progress.update(bytes: Int(min(next, end)), events: count)
        }
        // Nothing more is coming: what waits for late events need wait no longer.
        for side in engines.indices {
            for change in engines[side].finish() { Self.apply(change, to: &found[side]) }
        }
        return count
    }

    private static func apply(_ change: AlertChange, to alerts: inout [AlertID: Alert]) {
        switch change {
        case .open(let alert): alerts[alert.id] = alert
        case .extend(let more):
            alerts[more.id]?.count = more.count
            alerts[more.id]?.firstSeen = more.firstSeen
            alerts[more.id]?.lastSeen = more.lastSeen
        case .merge(let merge): alerts[merge.absorbed] = nil
        }
    }

    private func report(_ rows: [AlertComparison], events: Int) {
        var columns: [RowPrinter.Column] = [
            .init("rule"), .init("severity"), .init("group"), .init("count"), .init("first_seen"), .init("last_seen"),
        ]
        if compare != nil {
            columns.insert(.init("change"), at: 0)
            columns.insert(.init("count_before"), at: 5)
        }
        var printer = RowPrinter(output.output, columns: columns)
        printer.print(
            rows.sorted { ($0.shown.firstSeen, $0.shown.id) < ($1.shown.firstSeen, $1.shown.id) }.map { row in
                var json = row.shown.summary
                if output.output == .table || output.output == .csv {
                    json["group"] = .string(row.shown.group.map { "\($0.field)=\($0.value)" }.joined(separator: " "))
                }
                if compare != nil {
                    json["change"] = .string(row.change)
                    json["count"] = row.alert.map { .int(Int64($0.count)) } ?? .null
                    json["count_before"] = row.before.map { .int(Int64($0.count)) } ?? .null
                }
                return json
            })
        printer.finish()
        let rules = Set(rows.map(\.shown.ruleID)).count
        StandardError.write("events judged: \(events), alerts: \(rows.count), rules that raised them: \(rules)\n")
    }
}

/// An alert of one set of rules, of another, or of both.
private struct AlertComparison {
    var alert: Alert?
    var before: Alert?

    /// The one to show; one of the two is there.
    let shown: Alert
    var change: String { alert == nil ? "gone" : before == nil ? "new" : "same" }

    init(alert: Alert, before: Alert? = nil) { (self.alert, self.before, shown) = (alert, before, alert) }
    init(gone: Alert) { (before, shown) = (gone, gone) }

    /// Pairs alerts of one rule, tenant and group whose times overlap: ids differ where a window began at another event.
    static func of(_ alerts: [Alert], with others: [Alert]) -> [AlertComparison] {
        var open = Dictionary(grouping: others.sorted { ($0.firstSeen, $0.id) < ($1.firstSeen, $1.id) }) { Subject($0) }
        var rows: [AlertComparison] = []
        for alert in alerts.sorted(by: { ($0.firstSeen, $0.id) < ($1.firstSeen, $1.id) }) {
            let place = open[Subject(alert)]?.firstIndex { $0.firstSeen <= alert.lastSeen && alert.firstSeen <= $0.lastSeen }
            rows.append(AlertComparison(alert: alert, before: place.flatMap { open[Subject(alert)]?.remove(at: $0) }))
        }
        return rows + open.values.joined().map { AlertComparison(gone: $0) }
    }

    private struct Subject: Hashable {
        let rule: String
        let tenant: String
        let group: [Alert.GroupField]
        init(_ alert: Alert) { (rule, tenant, group) = (alert.ruleID, alert.tenant, alert.group) }
    }
}

extension Alert {
    fileprivate var summary: JSONObject {
        [
            "rule": .string(ruleTitle), "rule_id": .string(ruleID), "severity": .string(severity.name), "tenant": .string(tenant),
            "group": .object(JSONObject(group.map { ($0.field, .string($0.value)) })), "count": .int(Int64(count)),
            "first_seen": .string(firstSeen.description), "last_seen": .string(lastSeen.description),
        ]
    }
}
