import Alerting
import ArgumentParser
import AuditEvents
import Detection
import EventStore
import PostgreSQL

extension AlertsCommand {
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Say why an alert came to be: its rule as it was, the window, and for each event what the rule asked and what was there.",
            discussion: "The stored events are judged again by the rule as it stood when the alert opened. Nothing is written.")

        @OptionGroup var one: OneAlert

        func run() async throws {
            let deployment = try await Deployment.open(one.database)
            try await deployment.withPool(.reader, connections: 1) { pool in
                let (alert, ids, events, source) = try await pool.withConnection { connection in
                    let store = AlertStore()
                    let alert = try await AlertsCommand.alert(one.id, connection)
                    let ids = try await store.events(of: alert, connection)
                    var source: String?
                    if let digest = alert.ruleDigest { source = try await store.ruleSource(digest, connection) }
                    return (alert, ids, try await EventQuery.events(ids, shard: alert.shard, connection), source)
                }
                try await Reading(.alert, by: one.person.name, target: "alert/\(alert.id)", details: ["explained": true]).record(pool)
                var explanation = try AlertExplanation(
                    alert, ids: ids, events: events, source: source,
                    present: try WorkingRules(deployment.settings).load().set.definition(of: alert.ruleID))
                if !explanation.isReplayed, let first = events.compactMap(\.index).min(), let last = events.compactMap(\.index).max() {
                    explanation.replay(
                        try await pool.withConnection {
                            try await Explain.around(first, last, shard: alert.shard, tenant: alert.tenant, $0)
                        })
                }
                switch one.output.output {
                case .json, .jsonl: StandardOutput.write(RowPrinter.text(.object(explanation.json)) + "\n")
                case .csv:
                    var printer = RowPrinter(
                        .csv, columns: ["event", "time", "in_window", "rule", "selection", "field", "test", "values"].map { .init($0) })
                    printer.print(explanation.rows)
                    printer.finish()
                case .table: explanation.write()
                }
            }
        }

        /// How far back the record is read for what the alert's own events do not tell.
        private static let reach: Int64 = 50_000

        /// The tenant's events from before the alert's first to its last.
        private static func around(
            _ first: Int64, _ last: Int64, shard: Int32, tenant: String, _ connection: PostgresConnection
        ) async throws -> [SealedEvent] {
            var events: [SealedEvent] = []
            var from = max(0, first - reach)
            let end = min(last, first + reach)
            while from <= end {
                let page = try await LogReader().read(connection, shard: shard, from: from, limit: Int(min(5000, end - from + 1)))
                events += page.filter { $0.event.header.tenant.utf8.elementsEqual(tenant.utf8) && !$0.event.header.type.isAboutAlerts }
                from += 5000
            }
            return events
        }
    }
}

/// Why an alert came to be.
struct AlertExplanation {
    private let alert: StoredAlert
    private let events: [FoundEvent]
    private let gone: Int
    private let source: String
    /// `as it was`, or `present` for an alert from before the texts were kept.
    private let origin: String
    private let isCurrent: Bool
    private let rules: RuleSet
    private var replay: AlertReplay?
    private let matches: [EventID: [MatchExplanation]]

    /// - Parameters:
    ///   - source: the rule's text when the alert opened.
    ///   - present: the rule as it stands now.
    init(_ alert: StoredAlert, ids: [EventID], events: [FoundEvent], source: String?, present: RuleDefinition?) throws {
        guard let text = source ?? present?.source else {
            throw Failure("the text of the rule \(alert.ruleID) was not kept, and no present rule has this id")
        }
        self.alert = alert
        self.events = events
        self.source = text
        origin = source == nil ? "present" : "as it was"
        isCurrent = source != nil && present?.digest == alert.ruleDigest
        gone = ids.count - events.count
        let rules: RuleSet
        do { rules = try RuleSet(files: [(name: "rule \(alert.ruleID)", yaml: Array(text.utf8))]) } catch {
            throw Failure("the rule as it was cannot be read by this cardea: \(error)")
        }
        self.rules = rules
        replay = rules.replay(
            events.map { SealedEvent(shard: $0.shard, index: $0.index ?? 0, sealedAt: $0.recordedAt, event: $0.event) }, for: alert.ruleID)
        matches = Dictionary(events.map { ($0.event.id, rules.explain($0.event, for: alert.ruleID)) }) { $1 }
    }

    /// Whether it is known with which event the condition was met.
    var isReplayed: Bool { replay?.fired != nil }

    /// Judges all that the record had around the alert, where its own events are not enough: of a correlation of correlations, of values never seen.
    mutating func replay(_ history: [SealedEvent]) {
        guard let found = rules.replay(history, for: alert.ruleID, alert: alert.id), found.fired != nil else { return }
        replay = found
    }

    private var window: Set<EventID> { Set(replay?.window ?? []) }

    private static func json(_ predicate: MatchExplanation.Predicate) -> JSONObject {
        [
            "selection": .string(predicate.selection), "field": predicate.field.map(JSONValue.string) ?? .null,
            "test": .string(predicate.test), "values": .array(predicate.values.map(JSONValue.string)),
        ]
    }

    var json: JSONObject {
        let window = window
        var object: JSONObject = ["alert": .object(alert.json), "events_gone": .int(Int64(gone))]
        object["rule"] = .object([
            "id": .string(alert.ruleID), "title": .string(alert.ruleTitle), "digest": alert.ruleDigest.map(JSONValue.string) ?? .null,
            "origin": .string(origin), "current": .bool(isCurrent), "source": .string(source),
        ])
        if let replay {
            object["window"] = .object([
                "seconds": .int(replay.timespanMicroseconds / 1_000_000), "group_by": .array(replay.groupBy.map(JSONValue.string)),
                "fired_by": replay.fired.map { .string($0.description) } ?? .null,
                "events": .array(replay.window.map { .string($0.description) }), "count": .int(Int64(replay.count)),
            ])
        }
        object["events"] = .array(
            events.map { found in
                var event = found.json
                event["in_window"] = .bool(window.contains(found.event.id))
                event["matches"] = .array(
                    (matches[found.event.id] ?? []).map { match in
                        [
                            "rule_id": .string(match.ruleID), "rule": .string(match.ruleTitle),
                            "predicates": .array(match.predicates.map { .object(AlertExplanation.json($0)) }),
                        ]
                    })
                return .object(event)
            })
        return object
    }

    /// A row for each test that each event passed.
    var rows: [JSONObject] {
        let window = window
        return events.flatMap { found in
            (matches[found.event.id] ?? []).flatMap { match in
                match.predicates.map { predicate in
                    var row = AlertExplanation.json(predicate)
                    row["event"] = .string(found.event.id.description)
                    row["time"] = .string(found.event.time.description)
                    row["in_window"] = .bool(window.contains(found.event.id))
                    row["rule"] = .string(match.ruleTitle)
                    return row
                }
            }
        }
    }

    func write() {
        AlertsCommand.Show.head(alert.json)
        var out = "\n" + Colour.bold("The rule") + " "
        out +=
            origin == "present"
            ? "as it is now; as it was then it was not kept\n"
            : isCurrent ? "as it was then and is now\n" : "as it was then; it has changed since\n"
        for line in source.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            out += "    " + RowPrinter.visible(String(line)) + "\n"
        }
        out += "\n" + Colour.bold("The window") + " "
        if let replay, let fired = replay.fired {
            out += "\(replay.window.count) events within \(replay.timespanMicroseconds / 1_000_000) s up to \(fired.time) met the condition"
            out += replay.groupBy.isEmpty ? "\n" : ", counted by \(RowPrinter.visible(replay.groupBy.joined(separator: ", ")))\n"
        } else {
            out += "cannot be found again: neither these events nor the 50,000 before them meet the rule's condition\n"
        }
        if gone > 0 { out += "\(gone) of the events are not on the record any more\n" }
        out += "\n" + Colour.bold("The events") + " (* in the window)\n"
        let window = window
        for found in events {
            out +=
                "\(window.contains(found.event.id) ? "*" : " ") \(found.event.time) \(RowPrinter.visible(found.event.header.type.rawValue)) \(found.event.id)\n"
            let matches = matches[found.event.id] ?? []
            if matches.isEmpty { out += "      matches no longer: erased, or not what it was\n" }
            for match in matches {
                out += "      \(RowPrinter.visible(match.ruleTitle))\n"
                for predicate in match.predicates {
                    let values = predicate.values.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
                    out +=
                        RowPrinter.visible("        \(predicate.selection): \(predicate.field ?? "any text") \(predicate.test): \(values)")
                        + "\n"
                }
            }
        }
        StandardOutput.write(out)
    }
}
