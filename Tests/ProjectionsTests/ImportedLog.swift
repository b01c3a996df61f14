import AuditEvents
import ConformanceTesting
import Detection
import Foundation
import LogFormats
import Testing

/// One of CrowdSec's cases: a log, and who must be alerted on.
struct CrowdSecCase {
    static let names = [
        "apache-http-probing", "authentik-bf", "keycloak-bf", "nginx-http-generic-bf", "nginx-http-path-traversal", "ssh-bf",
    ]

    let log: String
    let addresses: Set<String>

    init(_ name: String) throws {
        let folder = "crowdsec/\(name)"
        log = try #require(
            FileManager.default.contentsOfDirectory(atPath: ConformanceData.folder + "/" + folder).first { $0.hasSuffix(".log") }
                .map { folder + "/" + $0 })
        addresses = Set(
            try ConformanceData.text(folder + "/scenario.assert").split(separator: "\n").compactMap { line in
                line.range(of: "].IP == \"").map { String(line[$0.upperBound...].dropLast()) }
            })
        try #require(!addresses.isEmpty)
    }
}

/// A log read as `cardea import` reads it.
enum ImportedLog {
    /// Its events, in the order of their times.
    static func events(_ bytes: [UInt8], source: String) throws -> [AuditEvent] {
        var input = LogInput()
        var parser = LogParser(options: .init(now: .now()))
        var records: [LogRecord] = []
        func take(_ line: LineSplitter.Line) { if case .record(let record) = parser.parse(line) { records.append(record) } }
        try input.push(bytes[...]) { take($0) }
        try input.finish { take($0) }
        return records.flatMap { record in
            (0..<record.repetitions).map { _ in
                AuditEvent(
                    header: EventHeader(
                        id: EventID(time: record.time), source: record.source ?? source, type: record.type, outcome: record.outcome,
                        reason: record.reason, severity: record.severity, method: record.method, route: record.route, status: record.status,
                        durationMicroseconds: record.durationMicroseconds),
                    body: record.body)
            }
        }.sorted { $0.id < $1.id }
    }

    /// The pack without its correlations, so that a single event that one of them would count is an alert.
    static func plainRules() throws -> RuleSet {
        try RuleSet(
            files: RuleSet.builtInFiles.compactMap { file in
                let documents = String(decoding: file.yaml, as: UTF8.self).components(separatedBy: "\n---\n")
                let plain = documents.filter { !$0.contains("\ncorrelation:") }.joined(separator: "\n---\n")
                return plain.isEmpty ? nil : (file.name, Array(plain.utf8))
            })
    }

    /// What the pack finds in it: of each rule the groups that were alerted on, and how many events the largest alert of each holds.
    static func alerts(_ bytes: [UInt8], rules: RuleSet? = nil) throws -> [String: [String: Int]] {
        var engine = DetectionEngine(rules: try rules ?? RuleSet.builtIn())
        let sealed = try events(bytes, source: "log").enumerated().map {
            SealedEvent(shard: 0, index: Int64($0), sealedAt: .now(), event: $1)
        }
        var opened: [AlertID: Alert] = [:]
        for change in engine.process(sealed) {
            switch change {
            case .open(let alert): opened[alert.id] = alert
            case .extend(let more): opened[more.id]?.count = more.count
            case .merge(let merge): opened[merge.absorbed] = nil
            }
        }
        var found: [String: [String: Int]] = [:]
        for alert in opened.values {
            let group = alert.group.map(\.value).joined(separator: " ")
            found[alert.ruleTitle, default: [:]][group] = max(found[alert.ruleTitle]?[group] ?? 0, alert.count)
        }
        return found
    }
}
