import ArgumentParser
import AuditEvents
import Compliance
import EventStore
import Foundation
import PostgreSQL

/// The options that say which period is meant; `report` and `review` share them.
struct PeriodOptions: ParsableArguments {
    @Option(help: ArgumentHelp("From here on: 2026-11-23, 2026-11-23T10:00:00Z, or back from now: 24h, 90d.", valueName: "time"))
    var since: String
    @Option(help: ArgumentHelp("Up to here, included; a bare date includes its day. Default: now.", valueName: "time")) var until: String =
        "now"
    @Option(help: "Only these tenants; may be repeated or comma-separated.") var tenant: [String] = []
    @Option(name: .customLong("tz"), help: ArgumentHelp("The time zone of dates and days, as Europe/Berlin.", valueName: "zone"))
    var zone: String = "UTC"

    func period(_ connection: PostgresConnection) async throws -> ReportPeriod {
        let now = Timestamp.now()
        // What is meant from now back needs no zone; the rest is read in it.
        func text(_ given: String) -> String {
            given.utf8.first.map { (48...57).contains($0) } == true && given.contains("-")
                ? given : TimeExpression.parse(given, now: now)?.description ?? given
        }
        return try await ReportPeriod.resolve(
            since: text(since), until: text(until), zone: zone, tenants: try OptionValues.split(tenant, "--tenant"), connection)
    }
}

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Evidence from the record for an auditor, section by section.",
        discussion: """
            Thirteen sections, each with what was looked at, the query, figures, what stands out, and what it cannot say; control ids are \
            pointers, and whether a control is satisfied is an assessor's judgement. HTML is one file without script; PDF needs Chromium.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case html, json, oscal, pdf }

    @Argument(
        help: "Whose controls: \(ReportFramework.allCases.map(\.rawValue).joined(separator: ", ")).", transform: ReportCommand.framework)
    var framework: ReportFramework
    @OptionGroup var range: PeriodOptions
    @Option(help: "The form of the report.") var format: Format = .html
    @Option(help: ArgumentHelp("Where it goes; standard output unless said.", valueName: "file")) var out: String?
    @OptionGroup var person: PersonOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        if format == .pdf, out == nil { throw ValidationError("A PDF needs --out FILE.") }
    }

    @Sendable
    private static func framework(_ name: String) throws -> ReportFramework {
        guard let framework = ReportFramework(rawValue: name) else {
            throw ValidationError("'\(name)' is none of \(ReportFramework.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return framework
    }

    func run() async throws {
        if format == .pdf, ReportPDF.browser() == nil { _ = try await ReportPDF.render(html: []) }
        let deployment = try await Deployment.open(database)
        let report = try await deployment.withPool(.reader, connections: 1) { pool in
            let period = try await pool.withConnection { try await range.period($0) }
            try await Reading(
                .report, by: person.name, target: "report/\(framework.rawValue)",
                details: ["since": .string(period.since.description), "until": .string(period.until.description)]
            ).record(pool)
            return try await ReportReader.read(framework, period, pool)
        }
        let bytes: [UInt8] =
            switch format {
            case .html: ReportHTML.render(report)
            case .json: CanonicalJSON.encode(.object(report.json)) + [0x0a]
            case .oscal: ReportOSCAL.render(report)
            case .pdf: try await ReportPDF.render(html: ReportHTML.render(report))
            }
        guard let out else { return StandardOutput.write(String(decoding: bytes, as: UTF8.self)) }
        do { try Data(bytes).write(to: URL(filePath: out), options: .atomic) } catch {
            throw Failure(
                "\(out) cannot be written: \(error.localizedDescription)", hint: "Name a file in a folder that is there, with --out.")
        }
        let count = report.sections.reduce(0) { $0 + $1.exceptions.reduce(0) { $0 + $1.total } }
        StandardError.write("\(out): \(report.framework.title), \(report.sections.count) sections, \(count) exceptions\n")
    }
}
