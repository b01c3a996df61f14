import AuditEvents
import Testing

@testable import Detection

@Suite("Sigma values that are changed before they are compared")
struct SigmaEncodingTests {
    @Test(
        "are what the modifiers make of them",
        arguments: [
            ("path|base64: foobar", "Zm9vYmFy", true), ("path|base64: fooba", "Zm9vYmE=", true), ("path|base64: foob", "Zm9vYg==", true),
            ("path|base64|contains: foo", "xxZm9vxx", true), ("path|base64|contains: foo", "foo", false),
            ("path|base64offset|contains: /bin/bash", "L2Jpbi9iYXNo", true),
            ("path|base64offset|contains: /bin/bash", "eC9iaW4vYmFzaHg=", true),
            ("path|base64offset|contains: /bin/bash", "eHgvYmluL2Jhc2h4", true),
            ("path|base64offset|contains: /bin/bash", "L2Jpbi96c2g=", false),
            ("path|wide|base64: cmd", "YwBtAGQA", true), ("path|utf16le|base64: cmd", "YwBtAGQA", true),
            ("path|utf16be|base64: cmd", "AGMAbQBk", true), ("path|utf16|base64: cmd", "//5jAG0AZAA=", true),
            ("path|windash|contains: ' -s'", "cmd /S", true), ("path|windash|contains: ' -s'", "cmd \u{2013}s", true),
            ("path|windash|contains: ' /s'", "cmd \u{2015}s", true), ("path|windash|contains: ' -s'", "cmd s", false),
            ("path|windash: 'a-b'", "a/b", false), ("path|windash: '-a -b'", "/a \u{2014}b", true),
            ("path|fieldref: target", "/T", true), ("path|fieldref: reason", "/t", false), ("path|fieldref|neq: target", "/x", true),
            ("path|fieldref|startswith: target", "/t/u", true), ("path|contains|fieldref: target", "x/tx", true),
            ("path|fieldref|endswith: target", "/t/u", false), ("path|fieldref|cased: target", "/T", false),
            ("path|hour: 23", "2026-02-03T23:59:00Z", true), ("path|minute|gte: 59", "2026-02-03 23:59:00", true),
            ("path|day: 3", "2026-02-03", true), ("path|month|lt: 2", "2026-02-03", false), ("path|year|neq: 2026", "2026-02-03", false),
            ("path|week: 53", "2027-01-01", true), ("path|week: 1", "2024-12-30", true), ("path|week: 9", "2024-02-29", true),
            ("path|hour: 1", "soon", false), ("path|hour: 1", "2026-02-03", false), ("time|year|gte: 1970", "", true),
        ])
    func values(selection: String, path: String, expected: Bool) throws {
        let holds = try SigmaModifierTests.holds(selection) {
            $0.body.path = path
            $0.body.target = "/t"
        }
        #expect(holds == expected)
    }

    @Test("take placeholders from the configuration")
    func placeholders() throws {
        let yaml = "title: T\nlogsource: {product: cardea}\ndetection:\n    s:\n        path|expand: '/%who%/%what%'\n    condition: s\n"
        let set = try RuleSet(files: [("t.yml", Array(yaml.utf8))], placeholders: ["who": ["a", "b*"], "what": ["x"]])
        for (path, expected) in [("/a/x", true), ("/bob/x", true), ("/c/x", false), ("/%who%/%what%", false)] {
            var engine = DetectionEngine(rules: set)
            var event = EngineTests.event(0)
            event.event.body.path = path
            #expect(engine.process([event]).isEmpty != expected, "\(path)")
        }
    }

    @Test("share keys by action documents, and are narrowed by filters")
    func actionsAndFilters() throws {
        let yaml = """
            action: global
            title: T
            logsource: {product: cardea}
            detection: {condition: s}
            ---
            id: one
            detection: {s: {path: /a}}
            ---
            action: repeat
            id: two
            detection: {s: {path: /b}}
            ---
            action: reset
            ---
            title: F
            logsource: {product: cardea}
            filter:
                rules: [one]
                s: {actor: bob}
                condition: not s
            """
        let set = try RuleSet(files: [("t.yml", Array(yaml.utf8))])
        #expect(set.rules.map(\.id) == ["one", "two"])
        for (path, actor, expected) in [("/a", "alice", true), ("/a", "bob", false), ("/b", "bob", true), ("/c", "alice", false)] {
            var engine = DetectionEngine(rules: set)
            var event = EngineTests.event(0, actor: actor)
            event.event.body.path = path
            #expect(engine.process([event]).isEmpty != expected, "\(path) \(actor)")
        }
    }

    @Test("lint names unknown fields, unused selections and what is missing, each at its place")
    func lint() {
        let yaml =
            "title: T\ntags: [attack.t11]\nlogsource: {product: windows}\ndetection:\n    s: {Foo|contains: x}\n    t: {path: x}\n    condition: s\n"
        let findings = RuleLint.check(Array(yaml.utf8), file: "t.yml")
        for (construct, line) in [("attack.t11", 2), ("logsource", 3), ("Foo", 5), ("t", 6), ("id", 1)] {
            #expect(findings.contains { $0.construct == construct && $0.line == line && $0.severity == .warning }, "\(construct)")
        }
        #expect(RuleLint.check(Array("title: [".utf8), file: "t.yml").map(\.severity) == [.error])
    }
}
