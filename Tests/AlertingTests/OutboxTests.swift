import AuditEvents
import EventStore
import PostgreSQL
import Testing

@testable import Alerting
@testable import Detection

@Suite("What there is to tell")
struct OutboxTests {
    private func news(_ bed: AlertBed) async throws -> [String] {
        try await bed.worker.query("select kind from audit.outbox order by seq", as: String.self)
    }

    @Test("news is there with what it tells, or not at all", arguments: [1, 4])
    func atomic(shards: Int) async throws {
        struct Undone: Error {}
        try await withAlertBed(shards: shards) { bed in
            let alert = bed.alert()
            await #expect(throws: Undone.self) {
                try await bed.worker.withTransaction { connection in
                    try await AlertStore().apply([.open(alert)], shard: bed.shard, rules: bed.rules, in: connection)
                    throw Undone()
                }
            }
            #expect(try await news(bed).isEmpty)
            for _ in 0..<2 { try await bed.apply(.open(alert)) }
            #expect(try await news(bed) == ["opened"])
        }
    }

    @Test("what people and detection do to an alert is news where somebody has to know; the rest is not")
    func changes() async throws {
        try await withAlertBed { bed in
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            for (act, reason) in [
                (AlertLife.Act.acknowledge, nil), (.assign(to: "bob"), nil), (.note, "hm"), (.resolve, nil), (.reopen, nil),
                (.markFalsePositive, "ours"),
            ] as [(AlertLife.Act, String?)] {
                _ = try await bed.desk.change(try await bed.stored(alert.id), act, by: "ann", reason: reason)
            }
            #expect(try await news(bed) == ["opened", "resolved", "reopened", "false_positive"])
            let other = bed.alert("192.0.2.2")
            try await bed.apply(.open(other), bed.more(other, at: 70))
            try await bed.idle(other)
            try await bed.apply(bed.more(other, at: 80, count: 8))
            #expect(try await news(bed).dropFirst(4) == ["opened", "resolved", "reopened"])
        }
    }

    @Test("an alert that is part of another is over")
    func merge() async throws {
        try await withAlertBed { bed in
            let (first, second) = (bed.alert(), bed.alert(at: 1000))
            try await bed.apply(.open(first), .open(second))
            try await bed.apply(.merge(AlertMerge(absorbed: second.id, into: first.id, tenant: first.tenant)))
            // Of a group only the latest was awake; it passes that on with its events.
            #expect(try await news(bed) == ["opened", "resolved", "opened", "reopened", "merged"])
        }
    }

    /// Stores the events of an alert as an import does.
    private func record(_ alert: Alert, _ bed: AlertBed, isQuiet: Bool) async throws {
        let events = try alert.events.map { event in
            try EventEncoder().encode(
                AuditEvent(
                    header: EventHeader(
                        id: event.id, tenant: AlertBed.tenant, source: "log", type: EventType("authn_login_fail"), outcome: .failure,
                        actorKind: .user),
                    body: EventBody()), now: .now())
        }
        try await Appender(bed.worker, isQuiet: isQuiet).append(events)
    }

    @Test("of an import nobody is told unless it is to be delivered; an event from elsewhere makes its alert news", arguments: [1, 4])
    func imports(shards: Int) async throws {
        try await withAlertBed(shards: shards) { bed in
            let (quiet, loud, mixed) = (bed.alert(), bed.alert("192.0.2.2", at: 1), bed.alert("192.0.2.3", at: 2))
            try await record(quiet, bed, isQuiet: true)
            try await record(loud, bed, isQuiet: false)
            var parts = mixed
            parts.events = Array(mixed.events.prefix(1))
            try await record(parts, bed, isQuiet: false)
            parts.events = Array(mixed.events.dropFirst())
            try await record(parts, bed, isQuiet: true)
            try await bed.apply(.open(quiet), .open(loud), .open(mixed))
            let told = try await news(bed)
            #expect(try await bed.stored(quiet.id).isQuiet)
            #expect(told == ["opened", "opened"])
            for alert in [loud, mixed] { #expect(try await !bed.stored(alert.id).isQuiet) }

            // Nothing that happens to it is told, until an event of another kind joins.
            let resolved = try await bed.desk.change(try await bed.stored(quiet.id), .resolve, by: "ann")
            _ = try await bed.desk.change(resolved, .reopen, by: "ann")
            let more = bed.alert("192.0.2.1", at: 100, count: 1)
            try await record(more, bed, isQuiet: true)
            func extend(_ events: [AlertEvent], _ count: Int) async throws {
                try await bed.apply(
                    .extend(
                        AlertExtension(
                            id: quiet.id, tenant: quiet.tenant, firstSeen: quiet.firstSeen, lastSeen: quiet.lastSeen, count: count,
                            events: events)))
            }
            try await extend(more.events, 7)
            #expect(try await bed.stored(quiet.id).isQuiet)
            #expect(try await news(bed).count == 2)
            let live = bed.alert("192.0.2.1", at: 200, count: 1)
            try await record(live, bed, isQuiet: false)
            try await extend(live.events, 8)
            #expect(try await !bed.stored(quiet.id).isQuiet)
            #expect(try await news(bed) == ["opened", "opened", "opened"])
        }
    }

    @Test("what a quiet alert takes in makes it news")
    func quietMerge() async throws {
        try await withAlertBed { bed in
            let (quiet, loud) = (bed.alert(), bed.alert(at: 1000))
            try await record(quiet, bed, isQuiet: true)
            try await bed.apply(.open(quiet), .open(loud))
            #expect(try await news(bed) == ["opened"])
            try await bed.apply(.merge(AlertMerge(absorbed: loud.id, into: quiet.id, tenant: quiet.tenant)))
            #expect(try await !bed.stored(quiet.id).isQuiet)
            #expect(try await news(bed) == ["opened", "opened", "merged"])
        }
    }
}
