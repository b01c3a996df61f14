import AuditEvents
import DatabaseTesting
import Foundation
import Testing

/// Gives a suite one database into which the access log of 10,000 lines was imported; for tests that only read.
struct ImportedLog: SuiteTrait, TestScoping {
    struct Current: Sendable {
        let cardea: CardeaCommand
        let file: String
        let lines: [Line]
        let report: JSONObject
    }

    /// What a line of the log says, found without Cardea's parsers.
    struct Line: Sendable {
        let ip: String
        let time: Timestamp
        let status: Int
        let text: String
    }

    @TaskLocal static var current: Current?

    var isRecursive: Bool { false }

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void) async throws
    {
        guard let data = conformanceData else { return try await function() }
        let file = data + "/logs/access/apache_logs"
        try await withRecord { cardea, _ in
            let report = try await cardea.done("import", file, "-o", "json").json()
            let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap { ImportedLog.line(String($0)) }
            let current = Current(cardea: cardea, file: file, lines: lines, report: report.array?.first?.object ?? [:])
            try await ImportedLog.$current.withValue(current) { try await function() }
        }
    }

    private static func line(_ text: String) -> Line? {
        guard let match = text.wholeMatch(of: /(\S+) .*?\[(\d\d)\/(\w\w\w)\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\] ".*?" (\d{3}) .*/) else {
            return nil
        }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = (months.firstIndex(of: String(match.3)) ?? 0) + 1
        guard let time = Timestamp("\(match.4)-\(month < 10 ? "0" : "")\(month)-\(match.2)T\(match.5)\(match.6)"), let status = Int(match.7)
        else { return nil }
        return Line(ip: String(match.1), time: time, status: status, text: text)
    }
}

extension Trait where Self == ImportedLog {
    static var importedLog: ImportedLog { ImportedLog() }
}
