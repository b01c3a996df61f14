import Alerting
import AuditEvents
import ConformanceTesting
import EventStore
import PostgreSQL
import Testing

@testable import Projections

@Suite("Imported logs give alerts") struct ImportTests {
    /// Stores a log as `cardea import` does: its events in the order of their times, then the note that it ended.
    private func load(_ bytes: [UInt8], source: String, into bed: WorkerBed) async throws {
        let events = try ImportedLog.events(bytes, source: source)
        try await bed.store(events)
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
        "the addresses that CrowdSec's assertions name are alerted on, and no other",
        .enabled(if: ConformanceData.isPresent, "the conformance data are not beside the package; set CARDEA_CONFORMANCE_DATA"),
        arguments: CrowdSecCase.names, [1, 4])
    func crowdsec(name: String, shards: Int) async throws {
        let wanted = try CrowdSecCase(name)
        try await withWorkerBed(shards: shards) { bed in
            try await load(ConformanceData.bytes(wanted.log), source: name, into: bed)
            try await bed.worker(batch: 10).runUntilIdle()
            let found = try await alertedAddresses(bed)
            #expect(found == wanted.addresses)
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
