import Alerting
import AuditEvents
import PostgreSQL
import Projections
import Testing

@Suite("Idle alerts")
struct IdleAlertTests {
    private func failures(_ count: Int, from start: Timestamp, source: String = "api") -> [AuditEvent] {
        (0..<count).map { place in
            AuditEvent(
                header: EventHeader(
                    id: EventID(time: start.advanced(bySeconds: Int64(place))), source: source, type: .loginFailure, outcome: .failure),
                body: EventBody(actor: .init(name: "user\(place)"), client: .init(ip: "192.0.2.1")))
        }
    }

    private func quiet(at time: Timestamp, source: String = "api") -> AuditEvent {
        AuditEvent(header: EventHeader(id: EventID(time: time), source: source, type: .httpRequest, outcome: .success))
    }

    @Test(
        "an alert is idle when every source has come past it in event time, whichever worker looks, and a late event undoes that",
        arguments: [1, 4])
    func idle(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            func fold(_ events: [AuditEvent]) async throws -> [String] {
                try await bed.store(events)
                try await bed.worker().runUntilIdle()
                return try await bed.pool.query(
                    "select a.state || coalesce(' ' || a.closing, '') || ' ' || a.count from audit.alert a where rule_title = 'Brute force from one address'",
                    as: String.self)
            }
            let start = Timestamp.now().advanced(bySeconds: -7200)
            #expect(try await fold(failures(6, from: start)) == ["open 6"])
            #expect(try await fold([quiet(at: start, source: "slow")]) == ["open 6"])
            #expect(try await fold([quiet(at: start.advanced(bySeconds: 3000))]) == ["open 6"], "the slow source is not there yet")
            #expect(try await fold([quiet(at: start.advanced(bySeconds: 3000), source: "slow")]) == ["resolved idle 6"])
            // Another source, which is where it may have more to tell about then.
            #expect(try await fold(failures(1, from: start.advanced(bySeconds: 60), source: "other")) == ["open 7"])
            #expect(try await fold([quiet(at: start.advanced(bySeconds: 3100), source: "other")]) == ["resolved idle 7"])
            try await bed.expectFolded()
        }
    }
}
