import Alerting
import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL

extension AlertsCommand {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an alert, what was done to it, who was told, and exactly the events behind it.")

        @OptionGroup var one: OneAlert

        func run() async throws {
            let deployment = try await Deployment.open(one.database)
            let inhibitions = try deployment.settings.inhibitions()
            try await deployment.withPool(.reader, connections: 1) { pool in
                let (alert, events, history, told, suppression) = try await pool.withConnection { connection in
                    let store = AlertStore()
                    let alert = try await AlertsCommand.alert(one.id, connection)
                    return (
                        alert, try await EventQuery.events(store.events(of: alert, connection), shard: alert.shard, connection),
                        try await store.history(of: alert, connection),
                        // The newest first, as they are listed.
                        try await DeliveryStore().list(alert: alert.id, limit: 200, connection).reversed() as [Delivery],
                        try await SilenceStore().suppression(connection, inhibitions: inhibitions)
                    )
                }
                try await Reading(.alert, by: one.person.name, target: "alert/\(alert.id)").record(pool)
                var object = AlertsCommand.json(alert, suppression, at: .now())
                switch one.output.output {
                case .json, .jsonl:
                    object["events"] = .array(events.map { .object($0.json) })
                    object["history"] = .array(history.map { .object($0.json) })
                    object["deliveries"] = .array(told.map { .object($0.json) })
                    StandardOutput.write(RowPrinter.text(.object(object)) + "\n")
                case .csv:
                    var printer = RowPrinter(.csv, columns: EventColumns.csv)
                    printer.print(events.map(\.json))
                    printer.finish()
                case .table:
                    Show.head(object)
                    if !history.isEmpty {
                        StandardOutput.write("\n")
                        var printer = RowPrinter(
                            .table, columns: ["time", "kind", "to", "actor", "assignee", "reason"].map { .init($0) })
                        printer.print(history.map(\.json))
                        printer.finish()
                    }
                    if !told.isEmpty {
                        StandardOutput.write("\n")
                        var printer = RowPrinter(
                            .table, columns: ["receiver", "kind", "state", "attempts", "finished_at", "status", "detail"].map { .init($0) })
                        printer.print(told.map(\.json))
                        printer.finish()
                    }
                    StandardOutput.write("\n")
                    var printer = RowPrinter(.table, columns: EventColumns.table)
                    printer.print(events.map(\.json))
                    printer.finish()
                }
            }
        }

        /// The alert, one line a member; what does not apply is left out.
        static func head(_ object: JSONObject) {
            for key in [
                "id", "rule", "author", "severity", "tags", "tenant", "group", "state", "acknowledged_by", "assignee", "closing",
                "closed_by",
                "closed_at", "merged_into", "silenced_by", "inhibited_by", "quiet", "count", "first_seen", "last_seen", "opened_at",
            ] {
                let value = object[key] ?? .null
                let isOptional = !["id", "rule", "author", "severity", "tags", "tenant", "group", "state"].contains(key)
                // `quiet` is worth a line where it holds.
                if isOptional, value == .null || value == false { continue }
                let text = value.string ?? value.array?.compactMap(\.string).joined(separator: " ") ?? RowPrinter.text(value)
                StandardOutput.write(Colour.bold(key) + String(repeating: " ", count: 16 - key.count) + RowPrinter.visible(text) + "\n")
            }
        }
    }
}
