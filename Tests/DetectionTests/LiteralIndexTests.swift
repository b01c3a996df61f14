import AuditEvents
import AuditTesting
import Testing

@testable import Detection

/// What the index by literals must never do: hide a rule that matches.
@Suite("The index by literals")
struct LiteralIndexTests {
    private static let words = [
        "admin", "Adm", "etc", "passwd", "union", "select", "%2e", "\u{c4}rger", "shell", "a", "", "SCRIPT", "..", "curl",
    ]

    private static func value(_ draw: inout SeededGenerator) -> String {
        (0..<Int.random(in: 1...3, using: &draw)).map { _ in words.randomElement(using: &draw) ?? "" }.joined(
            separator: ["", "/", "*", "?"].randomElement(using: &draw) ?? "")
    }

    private static func rule(_ number: Int, _ draw: inout SeededGenerator) -> String {
        let fields = ["path", "user_agent", "reason", "method"]
        let modifiers = ["", "", "|contains", "|startswith", "|endswith", "|cased", "|contains|all", "|neq", "|re", "|contains|cased"]
        let selections = (1...3).map { place in
            let field = fields.randomElement(using: &draw) ?? "path"
            let modifier = modifiers.randomElement(using: &draw) ?? ""
            let values = (0..<Int.random(in: 1...3, using: &draw)).map { _ in
                let text = value(&draw)
                return modifier.contains("re") ? String(text.filter { $0.isLetter }) + "x" : text
            }
            return "  s\(place): {'\(field)\(modifier)': [\(values.map { "'\($0)'" }.joined(separator: ", "))]}"
        }
        let condition =
            ["s1", "s1 and s2", "s1 or s2", "not s1", "s1 and not s2", "1 of s*", "s1 or s2 and s3", "not (s1 or s2) and s3"]
            .randomElement(using: &draw) ?? "s1"
        return
            "title: R\(number)\nlogsource: {product: cardea}\ndetection:\n\(selections.joined(separator: "\n"))\n  condition: \(condition)\n"
    }

    @Test("with it the same rules match as without", arguments: [1, 2, 3])
    func agrees(seed: Int) throws {
        var draw = SeededGenerator(seed: seed)
        let set = try RuleSet(files: (0..<200).map { ("\($0).yml", Array(Self.rule($0, &draw).utf8)) })
        let all = Array(set.rules.indices)
        var contents = EventContents(fields: set.fields, event: EngineTests.event(0).event)
        var (matches, spared) = (0, 0)
        for _ in 0..<300 {
            var event = EngineTests.event(0).event
            event.body.path = Bool.random(using: &draw) ? Self.value(&draw) : nil
            event.body.client?.userAgent = Self.value(&draw)
            event.header.reason = Self.value(&draw).uppercased()
            event.header.method = Self.words.randomElement(using: &draw)
            contents.reset(event)
            let chosen = set.literals.select(all, in: &contents)
            let found = Set(chosen.filter { set.compiled[$0].matches(&contents) })
            #expect(found == Set(all.filter { set.compiled[$0].matches(&contents) }))
            (matches, spared) = (matches + found.count, spared + all.count - chosen.count)
        }
        #expect(matches > 1000 && spared > 1000)
    }
}
