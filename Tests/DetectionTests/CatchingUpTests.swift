import AuditEvents
import AuditTesting
import Foundation
import Testing

@testable import Detection

@Suite("Rules that come later")
struct CatchingUpTests {
    /// The rules of two generated cases, which differ in everything: the second's rule is called `later`.
    private static func yaml(_ case: CorrelationCase) -> [UInt8] { `case`.rules.files[0].yaml }

    private static func renamed(_ yaml: [UInt8], _ id: String) -> [UInt8] {
        let text = String(decoding: yaml, as: UTF8.self)
        return Array(text[text.range(of: "title: Case")!.lowerBound...].replacing("id: case", with: "id: \(id)").utf8)
    }

    @Test("stand as though they had been there from the beginning; the others go on as they were")
    func caughtUp() throws {
        var alerts = 0
        for seed in 0..<300 {
            let (first, second) = (try CorrelationCase(seed: seed), try CorrelationCase(seed: seed + 10_000))
            let old = first.rules
            let both = try RuleSet(files: [("a.yml", Self.yaml(first)), ("b.yml", Self.renamed(Self.yaml(second), "later"))])
            var random = SeededGenerator(seed: seed)
            let cut = Int.random(in: 0...first.events.count, using: &random)
            let (before, after) = (Array(first.events[..<cut]), Array(first.events[cut...]))

            var whole = DetectionEngine(rules: both)
            var expected = AlertBook()
            expected.apply(whole.process(before))
            expected.apply(whole.process(after))

            var engine = DetectionEngine(rules: old)
            var book = AlertBook()
            book.apply(engine.process(before))
            var state = StateBook()
            state.apply(engine.takeStateChanges())
            engine = DetectionEngine(rules: both)
            engine.restore(state.rows.values)
            #expect(engine.unknownReach != nil && engine.metrics.rowsRejected == 0)
            book.apply(engine.catchUp(on: before))
            state.apply(engine.takeStateChanges())
            #expect(engine.unknownReach == nil)
            book.apply(engine.process(after))
            #expect(book.entries == expected.entries, "seed \(seed)")
            alerts += book.entries.count { $0.rule == "later" }

            // Once it is known it stays known.
            state.apply(engine.takeStateChanges())
            var again = DetectionEngine(rules: both)
            again.restore(state.rows.values)
            #expect(again.unknownReach == nil && again.states.map(\.groups) == engine.states.map(\.groups))
        }
        #expect(alerts > 100)
    }

    @Test("a rule whose text changed in what it looks for, or what it counts, is new; in its description, it is not")
    func definitions() throws {
        func engine(_ yaml: String, _ rows: [StateRow]) throws -> DetectionEngine {
            var engine = DetectionEngine(rules: try RuleSet(files: [("f.yml", Array(yaml.utf8))]))
            engine.restore(rows)
            return engine
        }
        let yaml = String(decoding: try EngineTests.rules().files[0].yaml, as: UTF8.self)
        var first = try engine(yaml, [])
        _ = first.process([EngineTests.event(0)])
        let rows = first.takeStateChanges().compactMap { if case .upsert(let row) = $0 { row } else { nil } }
        #expect(try engine(yaml, rows).unknownReach == nil)
        #expect(try engine(yaml.replacing("author: Somebody", with: "author: Another\ndescription: words"), rows).unknownReach == nil)
        for (old, new) in [
            ("gte: 3", "gte: 4"), ("timespan: 10s", "timespan: 11s"), ("type: authn_login_fail", "type: authn_login_f*"),
            ("category: authentication", "product: cardea"),
        ] {
            #expect(yaml.contains(old))
            #expect(try engine(yaml.replacing(old, with: new), rows).unknownReach != nil, "\(new)")
        }
    }

    @Test("a correlation of correlations that comes later has what its children saw, and their alerts stay theirs")
    func chains() throws {
        let base = String(decoding: try EngineTests.rules().files[0].yaml, as: UTF8.self)
        let parent = """
            title: Two addresses
            id: parent
            correlation:
                type: value_count
                rules: [three]
                group-by: [tenant]
                timespan: 1h
                condition: {field: client_ip, gte: 2}
            """
        let child = base.replacing("group-by: [client_ip]", with: "group-by: [client_ip, tenant]")
        let one = try RuleSet(files: [("a.yml", Array(child.utf8))])
        let both = try RuleSet(files: [("a.yml", Array(child.utf8)), ("b.yml", Array(parent.utf8))])
        var engine = DetectionEngine(rules: one)
        let before = (0..<3).map { EngineTests.event($0, entropy: UInt64($0)) }
        let after = (100..<103).map { EngineTests.event($0, ip: "192.0.2.2", entropy: UInt64($0)) }
        _ = engine.process(before)
        var state = StateBook()
        state.apply(engine.takeStateChanges())
        engine = DetectionEngine(rules: both)
        engine.restore(state.rows.values)
        _ = engine.catchUp(on: before)
        let found = (engine.process(after) + engine.finish()).compactMap { if case .open(let alert) = $0 { alert } else { nil } }
        #expect(found.map(\.ruleID) == ["parent"])
        #expect(found.first?.count == 2)
    }
}
