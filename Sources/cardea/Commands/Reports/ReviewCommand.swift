import ArgumentParser
import AuditEvents
import Compliance
import Crypto
import EventStore
import Foundation
import PostgreSQL

struct ReviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "review", abstract: "Say that you have reviewed the record of a period.", subcommands: [Attest.self])

    struct Attest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put your word on the record that you reviewed a period.",
            discussion: "The name is that of your login. Reports list attestations in their section S9.")

        @OptionGroup var range: PeriodOptions
        @Option(help: "What you reviewed and what you found, in your words.") var statement: String
        @Option(help: ArgumentHelp("The file that you reviewed; its SHA-256 goes on the record.", valueName: "file")) var report: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let digest = try report.map(Attest.digest)
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.writer, connections: 1) { pool in
                let (period, now) = try await pool.withConnection { connection in
                    let row = try await connection.query("select clock_timestamp() as now")[0]
                    let now = Timestamp(microseconds: try row.decode("now", as: PostgresTimestamp.self).microseconds)
                    return (try await range.period(connection), now)
                }
                let attestation = try ReviewAttestation(
                    person: PersonOptions.loginName, period: period, statement: statement, reportDigest: digest)
                let events = attestation.events(at: now)
                let encoder = EventEncoder()
                try await Appender(pool).append(try events.map { try encoder.encode($0, now: now) })
                if output.output == .table {
                    for event in events {
                        StandardOutput.write(
                            RowPrinter.visible(
                                "\(event.id) \(attestation.person) attests the review of \(period.since) to \(period.until)") + "\n")
                    }
                } else {
                    var printer = RowPrinter(
                        output.output,
                        columns: [
                            .init("time"), .init("actor", "body.actor.name"), .init("statement", "body.details.statement"), .init("id"),
                        ])
                    printer.print(events.map(\.json))
                    printer.finish()
                }
            }
        }

        /// The SHA-256 of a file, read in pieces.
        private static func digest(_ path: String) throws -> String {
            guard let file = FileHandle(forReadingAtPath: path) else {
                throw Failure("\(path) cannot be read", hint: "Name the report that you reviewed with --report.", status: 2)
            }
            defer { try? file.close() }
            var hash = SHA256()
            while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
            return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}
