import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL

struct SubjectExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Everything that is stored about a subject: its events, oldest first, then what names it.")
    @Argument(help: "The actor's id or name, exactly.") var subject: String
    @Option(help: "Of this tenant alone.") var tenant: String?
    @OptionGroup var person: PersonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    static let columns: [RowPrinter.Column] = [
        .init("section"),
        .init("time") { $0["time"] ?? $0["opened_at"] ?? $0["created_at"] ?? $0["last_seen"] ?? $0["last_failure"] },
        .init("what") { $0["type"] ?? $0["view"] ?? $0["rule_title"] ?? $0["kind"] }, .init("outcome"),
        .init("ip", "body.client.ip"), .init("path", "body.path"), .init("tenant"),
        .init("id") { $0["id"] ?? $0["event"] ?? $0["session"] ?? $0["token"] },
        .init("details") { row in
            var rest = row
            for key in ["section", "time", "type", "outcome", "tenant", "id"] { rest[key] = nil }
            return .string(RowPrinter.text(.object(rest)))
        },
    ]

    func validate() throws { if subject.isEmpty { throw ValidationError("The subject is empty.") } }

    func run() async throws {
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.reader, connections: 1) { pool in
            // By its hash: the record must not name whom an erasure is to forget.
            try await Reading(.subject, by: person.name, query: subject).record(pool)
            let columns = output.output == .table ? Array(SubjectExportCommand.columns.dropLast()) : SubjectExportCommand.columns
            var printer = RowPrinter(output.output, columns: columns)
            var total = 0
            let counts = try await pool.withConnection { connection in
                try await SubjectExport(subject, tenant: tenant).run(connection) { section, rows in
                    printer.print(rows)
                    let before = total
                    total += rows.count
                    if total / 10_000 > before / 10_000 { StandardError.write("\(total) rows, in \(section.rawValue)\n") }
                }
            }
            printer.finish()
            let text = SubjectExport.Section.allCases.map { "\($0.rawValue) \(counts[$0] ?? 0)" }.joined(separator: ", ")
            StandardError.write("\(text)\n")
        }
    }
}
