import AuditEvents
import Testing

@testable import Detection

@Suite("Sigma conditions")
struct SigmaConditionTests {
    /// Selections a…d hold when their letter is in `true`, and sel_1, sel_2, _hidden likewise by name.
    static func holds(_ condition: String, _ holding: Set<String>) throws -> Bool {
        let names = ["a", "b", "c", "sel_1", "sel_2", "_hidden"]
        let selections = names.map { "    \($0): {path: '*<\($0)>*'}" }.joined(separator: "\n")
        let yaml = "title: T\nlogsource: {product: cardea}\ndetection:\n\(selections)\n    condition: \(condition)\n"
        var engine = DetectionEngine(rules: try RuleSet(files: [("t.yml", Array(yaml.utf8))]))
        var event = EngineTests.event(0)
        event.event.body.path = holding.map { "<\($0)>" }.joined()
        return !engine.process([event]).isEmpty
    }

    @Test(
        "follow the grammar",
        arguments: [
            ("a", ["a"], true), ("a", ["b"], false), ("not a", [], true), ("not a", ["a"], false), ("not not a", ["a"], true),
            ("a and b", ["a", "b"], true), ("a and b", ["a"], false), ("a or b", ["b"], true), ("a or b", [], false),
            ("a or b and c", ["a"], true), ("a or b and c", ["b"], false), ("(a or b) and c", ["a"], false),
            ("(a or b) and c", ["a", "c"], true), ("not a and b", ["b"], true), ("not (a and b)", ["a"], true),
            ("not (a and b)", ["a", "b"], false), ("a AND NOT b OR c", ["a"], true), ("1 of sel_*", ["sel_2"], true),
            ("1 of sel_*", ["a"], false), ("any of sel_*", ["sel_1"], true), ("all of sel_*", ["sel_1"], false),
            ("all of sel_*", ["sel_1", "sel_2"], true), ("1 of them", ["b"], true), ("1 of them", ["_hidden"], false),
            ("all of them", ["a", "b", "c", "sel_1", "sel_2"], true), ("all of them", ["a", "b", "c", "sel_1", "_hidden"], false),
            ("a and not 1 of sel_*", ["a"], true), ("a and not 1 of sel_*", ["a", "sel_1"], false), ("1 of a", ["a"], true),
            ("[a, b and c]", ["b", "c"], true), ("((((a))))", ["a"], true), ("all of *_1", ["sel_1"], true),
        ])
    func grammar(condition: String, holding: [String], expected: Bool) throws {
        #expect(try Self.holds(condition, Set(holding)) == expected)
    }

    @Test(
        "that do not follow the grammar are refused with their place and their word",
        arguments: [
            ("a and", ""), ("and a", "and"), ("a b", "b"), ("(a", ""), ("a)", ")"), ("x", "x"), ("1 of x*", "x*"), ("2 of sel_*", "2 of"),
            ("a | count() > 5", "|"), ("not", ""), ("all of", "all"), ("''", ""),
            (String(repeating: "(", count: 70) + "a" + String(repeating: ")", count: 70), "("),
        ])
    func refusals(condition: String, construct: String) throws {
        let error = try #require(throws: RuleErrors.self) { _ = try Self.holds(condition, []) }
        #expect(error.errors.count == 1)
        #expect(error.errors[0].line == 10 && error.errors[0].column == 16 && error.errors[0].file == "t.yml")
        #expect(error.errors[0].construct == construct)
    }

    @Test("as long as a rule can be are read in little time")
    func long() throws {
        #expect(try Self.holds(Array(repeating: "a", count: 2000).joined(separator: " or "), ["a"]))
        #expect(throws: RuleErrors.self) { _ = try Self.holds(Array(repeating: "a", count: 3000).joined(separator: " or "), ["a"]) }
    }
}
