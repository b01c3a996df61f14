import Alerting
import AuditEvents
import EventStore
import Foundation
import LogFormats
import PostgreSQL
import Testing

@testable import Projections

/// The data of others that lies beside the package, or where `CARDEA_CONFORMANCE_DATA` says.
private enum ConformanceData {
    static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["CARDEA_CONFORMANCE_DATA"] { return path }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return package.appendingPathComponent("../shared/data").standardizedFileURL.path
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: folder) }
    static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/" + path))) }
    static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }
}

@Suite("Imported logs give alerts") struct ImportTests {
    /// Stores a log as `cardea import` does: its events in the order of their times, then the note that it ended.
    private func load(_ bytes: [UInt8], source: String, into bed: WorkerBed) async throws {
        var input = LogInput()
        var parser = LogParser(options: .init(now: .now()))
        var records: [LogRecord] = []
        func take(_ line: LineSplitter.Line) { if case .record(let record) = parser.parse(line) { records.append(record) } }
        try input.push(bytes[...]) { take($0) }
        try input.finish { take($0) }
        let events = records.flatMap { record in
            (0..<record.repetitions).map { _ in
                AuditEvent(
                    header: EventHeader(
                        id: EventID(time: record.time), source: record.source ?? source, type: record.type, outcome: record.outcome,
                        reason: record.reason, severity: record.severity, method: record.method, route: record.route, status: record.status,
                        durationMicroseconds: record.durationMicroseconds),
                    body: record.body)
            }
        }
        try await bed.store(events.sorted { $0.id < $1.id })
        try await bed.sealer.sealAll()
        try await bed.store([
            AuditEvent(
                header: EventHeader(id: EventID(time: .now()), source: source, type: .auditImport, outcome: .success, actorKind: .system))
        ])
    }

    private func alertedAddresses(_ bed: WorkerBed) async throws -> Set<String> {
        let alerts = try await bed.pool.withConnection { try await AlertStore().list($0, limit: 1000) }
        return Set(alerts.compactMap { $0.group["client_ip"]?.string })
    }

    @Test(
        "the addresses that CrowdSec's assertions name are alerted on",
        .enabled(if: ConformanceData.isPresent, "the conformance data are not beside the package; set CARDEA_CONFORMANCE_DATA"),
        arguments: ["ssh-bf", "nginx-http-generic-bf", "apache-http-probing"], [1, 4])
    func crowdsec(name: String, shards: Int) async throws {
        let assertion = try ConformanceData.text("crowdsec/\(name)/scenario.assert")
        let named = Set(
            assertion.split(separator: "\n").compactMap { line in
                line.range(of: "].IP == \"").map { String(line[$0.upperBound...].dropLast()) }
            })
        #expect(!named.isEmpty)
        try await withWorkerBed(shards: shards) { bed in
            try await load(ConformanceData.bytes("crowdsec/\(name)/\(name).log"), source: name, into: bed)
            try await bed.worker(batch: 10).runUntilIdle()
            let found = try await alertedAddresses(bed)
            #expect(found.isSuperset(of: named), "\(named) in \(found)")
            try await bed.expectFolded()
        }
    }

    @Test("an older log imported after a newer one of the same source still alerts", arguments: [1, 4], [false, true])
    func olderAfterwards(shards: Int, between: Bool) async throws {
        func log(_ month: String, _ address: String) -> [UInt8] {
            Array(
                (0..<8).map {
                    "2026-\(month)-10T10:00:0\($0)+00:00 host sshd[\(100 + $0)]: Failed password for root from \(address) port 4\($0)\n"
                }.joined().utf8)
        }
        try await withWorkerBed(shards: shards) { bed in
            try await load(log("06", "192.0.2.6"), source: "auth", into: bed)
            if between { try await bed.worker().runUntilIdle() }
            try await load(log("03", "192.0.2.3"), source: "auth", into: bed)
            try await bed.worker().runUntilIdle()
            #expect(try await alertedAddresses(bed) == ["192.0.2.3", "192.0.2.6"])
            try await bed.expectFolded()
        }
    }
}
