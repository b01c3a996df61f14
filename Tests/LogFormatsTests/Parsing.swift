import AuditEvents
import ConformanceTesting
import Foundation
import LogFormats
import Testing

/// The moment at which all tests parse.
let now = Timestamp("2026-11-23T12:00:00Z") ?? .epoch

func parser(_ format: LogFormat? = nil, year: Int? = nil, zone: LogTimeZone = .utc, now: Timestamp = now) -> LogParser {
    LogParser(format: format, options: .init(year: year, timeZone: zone, now: now))
}

/// What each of these lines is, in one log.
func lines(_ text: String, _ format: LogFormat? = nil) -> [LogLine] {
    var parser = parser(format)
    return text.split(separator: "\n").map { parser.parse(Array($0.utf8)) }
}

/// The records of these lines, in one log.
func records(_ text: String, _ format: LogFormat? = nil) -> [LogRecord] { lines(text, format).compactMap(\.record) }

func record(_ line: String, _ format: LogFormat? = nil) throws -> LogRecord {
    var parser = parser(format)
    let result = parser.parse(Array(line.utf8))
    return try #require(result.record, "\(result)")
}

extension LogLine {
    var record: LogRecord? { if case .record(let record) = self { record } else { nil } }
    var isSkipped: Bool { if case .skipped = self { true } else { false } }
    var rejection: String? { if case .rejected(let reason) = self { reason } else { nil } }
}

extension LogRecord {
    var ip: String? { body.client?.ip }
    var user: String? { body.actor?.name }
    /// Whether the details hold this name. Not `== nil`, which means JSON's null.
    func has(_ detail: String) -> Bool { body.details.members.contains { $0.key == detail } }
}

extension ConformanceData {
    /// What each line of a file is.
    static func lines(_ path: String, _ format: LogFormat? = nil) throws -> [LogLine] {
        var input = LogInput()
        var parser = parser(format)
        var result: [LogLine] = []
        try input.push(bytes(path)[...]) { result.append(parser.parse($0)) }
        try input.finish { result.append(parser.parse($0)) }
        return result
    }
}
