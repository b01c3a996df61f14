import AuditEvents
import AuditTesting
import Testing

@testable import Detection

@Suite("Windows of every kind are a function of the set of events")
struct WindowPropertyTests {
    static let cases = 150

    @Test(
        "in any order within the lateness and cut into any batches the alerts are those of the definition",
        arguments: WindowCase.Kind.allCases)
    func anyOrderAnyCut(kind: WindowCase.Kind) throws {
        var found = 0
        for seed in 0..<Self.cases {
            let generated = try WindowCase(seed: seed, kind: kind)
            let expected = generated.reference()
            found += expected.count
            var random = SeededGenerator(seed: seed + 5_000_000)
            for order in [generated.events, generated.shuffled(&random), generated.shuffled(&random)] {
                var engine = DetectionEngine(rules: generated.rules)
                var book = AlertBook()
                var rest = order[...]
                while !rest.isEmpty {
                    let size = Int.random(in: 1...rest.count, using: &random)
                    book.apply(engine.process(Array(rest.prefix(size))))
                    rest = rest.dropFirst(size)
                }
                book.apply(engine.finish())
                book.expectConsistent()
                guard book.entries.filter({ $0.rule == "case" }) == expected, engine.metrics.lateSkipped == 0 else {
                    Issue.record("seed \(seed): \(book.entries.filter { $0.rule == "case" }) instead of \(expected)")
                    return
                }
            }
        }
        #expect(found > Self.cases / 5, "the cases must give alerts to compare")
    }

    @Test("an engine restored from its rows at every batch goes on as though it had never stopped", arguments: WindowCase.Kind.allCases)
    func restored(kind: WindowCase.Kind) throws {
        for seed in 0..<Self.cases / 5 {
            let generated = try WindowCase(seed: seed, kind: kind)
            var random = SeededGenerator(seed: seed + 6_000_000)
            var rest = generated.shuffled(&random)[...]
            var lasting = DetectionEngine(rules: generated.rules)
            var book = StateBook()
            while !rest.isEmpty {
                let batch = Array(rest.prefix(Int.random(in: 1...max(1, rest.count / 2), using: &random)))
                rest = rest.dropFirst(batch.count)
                var restored = DetectionEngine(rules: generated.rules)
                restored.restore(book.rows.values)
                #expect(restored.process(batch) == lasting.process(batch))
                let written = restored.takeStateChanges()
                #expect(written == lasting.takeStateChanges())
                book.apply(written)
                #expect(restored.metrics.rowsRejected == 0 && restored.states.map(\.groups) == lasting.states.map(\.groups))
            }
            var last = DetectionEngine(rules: generated.rules)
            last.restore(book.rows.values)
            #expect(last.finish() == lasting.finish())
        }
    }
}
