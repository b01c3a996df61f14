import AuditEvents
import AuditTesting
import Testing

@testable import Detection

@Suite("Alerts are a function of the set of events")
struct EnginePropertyTests {
    static let cases = 2000

    @Test("in the order of time the engine agrees with the definition of an alert")
    func agreesWithDefinition() throws {
        var found = 0
        for seed in 0..<Self.cases {
            let generated = try CorrelationCase(seed: seed)
            var engine = DetectionEngine(rules: generated.rules)
            var book = AlertBook()
            book.apply(engine.process(generated.events))
            book.expectConsistent()
            let expected = generated.reference()
            found += expected.count
            guard book.entries == expected else {
                Issue.record("seed \(seed): \(book.entries) instead of \(expected)")
                return
            }
            #expect(engine.metrics.lateSkipped == 0)
        }
        #expect(found > Self.cases, "the cases must give alerts to compare")
    }

    @Test("any order of arrival within the lateness, cut into any batches, gives the same alerts")
    func anyOrderAnyCut() throws {
        var merges = 0
        for seed in 0..<Self.cases {
            let generated = try CorrelationCase(seed: seed)
            let expected = generated.reference()
            var random = SeededGenerator(seed: seed + 1_000_000)
            for _ in 0..<3 {
                var engine = DetectionEngine(rules: generated.rules)
                var book = AlertBook()
                var rest = generated.shuffled(&random)[...]
                while !rest.isEmpty {
                    let size = Int.random(in: 1...max(1, rest.count), using: &random)
                    book.apply(engine.process(Array(rest.prefix(size))))
                    rest = rest.dropFirst(size)
                }
                book.expectConsistent()
                merges += engine.metrics.alertsMerged
                guard book.entries == expected, engine.metrics.lateSkipped == 0 else {
                    Issue.record("seed \(seed): \(book.entries) instead of \(expected)")
                    return
                }
            }
        }
        #expect(merges > 100, "the cases must give alerts to merge")
    }

    @Test("an engine restored from its rows at every batch gives the same changes as one that never stopped")
    func restoredAtEveryBatch() throws {
        for seed in 0..<Self.cases / 3 {
            let generated = try CorrelationCase(seed: seed)
            var random = SeededGenerator(seed: seed + 2_000_000)
            var rest = generated.shuffled(&random)[...]
            var lasting = DetectionEngine(rules: generated.rules)
            var book = StateBook()
            while !rest.isEmpty {
                let size = Int.random(in: 1...max(1, rest.count / 2), using: &random)
                let batch = Array(rest.prefix(size))
                rest = rest.dropFirst(size)
                var restored = DetectionEngine(rules: generated.rules)
                restored.restore(book.rows.values)
                let changes = restored.process(batch)
                #expect(changes == lasting.process(batch))
                let written = restored.takeStateChanges()
                #expect(written == lasting.takeStateChanges())
                book.apply(written)
                #expect(restored.metrics.rowsRejected == 0)
                #expect(restored.states.map(\.groups) == lasting.states.map(\.groups))
            }
        }
    }

    @Test("two sources that are both under way may arrive one far behind the other")
    func twoSources() throws {
        for seed in 0..<Self.cases / 3 {
            let generated = try CorrelationCase(seed: seed)
            let expected = generated.reference()
            var random = SeededGenerator(seed: seed + 3_000_000)
            var queues: [[SealedEvent]] = [[], []]
            for var event in generated.events {
                let source = Int.random(in: 0...1, using: &random)
                event.event.header.source = "source\(source)"
                queues[source].append(event)
            }
            // Both begin, so that neither's older events are unexpected.
            var order = queues.map { queue in
                var opening = queue.first ?? generated.events[0]
                let id = EventID(time: generated.events[0].event.time, entropy: 1)
                opening.event.header = EventHeader(
                    id: id, tenant: "default", source: queue.first?.event.header.source ?? "source", type: .systemStartup, outcome: .success
                )
                return opening
            }
            order += order.map { opening in
                var other = opening
                other.event.header.tenant = "other"
                return other
            }
            while !queues[0].isEmpty || !queues[1].isEmpty {
                let chosen = queues[0].isEmpty ? 1 : queues[1].isEmpty ? 0 : Int.random(in: 0...3, using: &random) == 0 ? 1 : 0
                order.append(queues[chosen].removeFirst())
            }
            var engine = DetectionEngine(rules: generated.rules)
            var book = AlertBook()
            for event in order { book.apply(engine.process([event])) }
            book.expectConsistent()
            guard book.entries == expected else {
                Issue.record("seed \(seed): \(book.entries) instead of \(expected)")
                return
            }
        }
    }

    @Test("an account that fills the window by itself changes neither whether nor when a rule fires")
    func thinning() throws {
        var thinned = 0
        for seed in 0..<Self.cases / 10 {
            let generated = try CorrelationCase(seed: seed, isHammered: true)
            let expected = generated.reference()
            var random = SeededGenerator(seed: seed + 4_000_000)
            for order in [generated.events, generated.shuffled(&random)] {
                var engine = DetectionEngine(rules: generated.rules)
                var book = AlertBook()
                for event in order { book.apply(engine.process([event])) }
                thinned += engine.metrics.hitsThinned
                book.expectConsistent()
                for entry in expected {
                    let same = book.entries.filter { $0.tenant == entry.tenant && $0.group == entry.group && $0.last == entry.last }
                    #expect(same.count == 1 && same.allSatisfy { $0.events.isSubset(of: entry.events) }, "seed \(seed)")
                }
                #expect(book.alerts.count == expected.count, "seed \(seed)")
                #expect(
                    engine.states.flatMap(\.groups.values).flatMap(\.chains).allSatisfy { $0.hits.count <= 6 * HitChain.keptRepeats * 3 })
            }
        }
        #expect(thinned > 1000, "the cases must have repeats to let go of")
    }
}
