import AuditEvents
import AuditTesting
import PostgreSQL
import Testing

@testable import Alerting
@testable import Detection

@Suite("Alerts whatever people and events do")
struct AlertLifePropertyTests {
    /// Failed sign-ins from a few addresses in bursts, with pauses that let alerts become idle, some of them late.
    private func log(_ random: inout SeededGenerator, shard: Int32) -> [SealedEvent] {
        var time = AlertBed.start
        return (0..<220).map { index in
            time = time.advanced(bySeconds: Int.random(in: 0..<40, using: &random) == 0 ? 1500 : Int64.random(in: 1...20, using: &random))
            let late = Int.random(in: 0..<6, using: &random) == 0 ? Int64.random(in: 0...280, using: &random) : 0
            let id = EventID(time: time.advanced(bySeconds: -late), entropy: random.next())
            return SealedEvent(
                shard: shard, index: Int64(index), sealedAt: time,
                event: AuditEvent(
                    header: EventHeader(id: id, tenant: AlertBed.tenant, source: "sshd", type: .loginFailure, outcome: .failure),
                    body: EventBody(
                        actor: .init(name: "user\(Int.random(in: 0..<3, using: &random))"),
                        client: .init(ip: "192.0.2.\(Int.random(in: 1...2, using: &random))"), service: "sshd")))
        }
    }

    private struct Facts: Hashable {
        var id: AlertID
        var count: Int64
        var first: Timestamp
        var last: Timestamp
        var isMerged: Bool
    }

    private func run(_ bed: AlertBed, _ log: [SealedEvent], _ random: inout SeededGenerator, people: Bool) async throws -> Set<Facts> {
        var engine = DetectionEngine(rules: bed.rules)
        var watch = IdleWatch()
        var rest = log[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Int.random(in: 1...25, using: &random)))
            rest = rest.dropFirst(batch.count)
            let changes = engine.process(batch)
            let expiries = try await bed.worker.withTransaction {
                try await AlertStore().apply(changes, shard: bed.shard, rules: bed.rules, in: $0)
            }
            for expiry in expiries { watch.note(expiry) }
            let due = watch.due { engine.eventTime(of: $0) }
            try await bed.worker.withTransaction { try await AlertStore().closeIdle(due, shard: bed.shard, in: $0) }
            let all = try await stored(bed)
            let groups = Dictionary(grouping: all.filter(\.state.isActive)) { "\($0.ruleID) \($0.group)" }
            // What a person has brought back is beside what events have brought about.
            if !people { #expect(groups.allSatisfy { $0.value.count == 1 }) }
            guard people else { continue }
            for alert in all.shuffled(using: &random).prefix(2) {
                let acts: [AlertLife.Act] = [
                    .acknowledge, .assign(to: "bob"), .resolve, .markFalsePositive, .reopen, .note,
                ]
                do {
                    _ = try await bed.desk.change(
                        alert, acts.randomElement(using: &random) ?? .note, by: ["ann", "bob"].randomElement(using: &random) ?? "",
                        reason: "why")
                } catch let error as AlertingError { #expect(error.code == .transition) }
            }
        }
        return Set(
            try await stored(bed).map {
                Facts(id: $0.id, count: $0.count, first: $0.firstSeen, last: $0.lastSeen, isMerged: $0.state == .merged)
            })
    }

    private func stored(_ bed: AlertBed) async throws -> [StoredAlert] {
        var filter = AlertFilter()
        filter.states = AlertState.allCases
        return try await bed.responder.withConnection { [filter] in try await AlertStore().list($0, filter, limit: nil) }
    }

    @Test("state, history, events and counts agree, and what detection counts does not depend on what people do", arguments: 0..<12)
    func consistent(seed: Int) async throws {
        var random = SeededGenerator(seed: seed)
        try await withAlertBed(shards: seed % 2 == 0 ? 1 : 4) { bed in
            var random = random
            let log = log(&random, shard: bed.shard)
            let withPeople = try await run(bed, log, &random, people: true)
            #expect(withPeople.count > 1)
            let told = try await bed.told()
            for alert in try await stored(bed) {
                let history = try await bed.history(alert.id)
                let events = told.filter { $0.target == "alert/\(alert.id)" }
                #expect(events.filter { $0.type == "audit_alert_opened" }.count == 1)
                #expect(Set(events.dropFirst().map(\.id)) == Set(history.compactMap { $0.event?.description }))
                #expect(events.count == history.count + 1)
                // The history leads from open to where the alert stands, without a gap.
                var state = "open"
                for entry in history {
                    #expect(entry.from == state)
                    state = entry.to
                }
                #expect(state == alert.state.rawValue)
                #expect(alert.revision == Int64(history.count { $0.kind != "noted" }))
                let members = try await bed.worker.query(
                    "select count(*) as n from audit.alert_event where alert = \(PostgresUUID(alert.id))", as: Int64.self)
                #expect(members == [alert.state == .merged ? 0 : alert.count])
            }
            let alone = try await withAlertBed(shards: 1) { other in
                try await run(
                    other, log.map { SealedEvent(shard: other.shard, index: $0.index, sealedAt: $0.sealedAt, event: $0.event) }, &random,
                    people: false)
            }
            #expect(alone == withPeople)
        }
        _ = random.next()
    }
}
