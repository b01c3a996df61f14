import Testing

@testable import Detection

@Suite("Rule files")
struct RuleFileTests {
    static let plain = "title: T\nname: t\nlogsource: {product: cardea}\ndetection: {s: {type: x}, condition: s}\n"

    static func correlation(_ body: String, _ more: String = "") -> String {
        plain + "---\ntitle: C\nid: c\ncorrelation:\n    type: event_count\n    rules: [t]\n    group-by: [actor]\n\(body)\n\(more)\n"
    }

    static func errors(_ yaml: String) -> [RuleError] { errors(Array(yaml.utf8)) }

    static func errors(_ yaml: [UInt8]) -> [RuleError] {
        do {
            _ = try RuleSet(files: [("f.yml", yaml)])
            return []
        } catch { return error.errors }
    }

    @Test("of several documents give rules and correlations with all that they say about themselves")
    func documents() throws {
        let set = try RuleSet(
            files: [
                (
                    "f.yml",
                    Array(
                        """
                        title: A
                        id: 5638f7c0-ac70-491d-8465-2a65075e0d86
                        status: test
                        description: words with *stars* and a & b
                        author: Somebody
                        date: 2026-01-01
                        references: [https://example.com/]
                        tags: [attack.t1110]
                        logsource: {category: authentication, product: linux, service: sshd, definition: whatever}
                        detection:
                            selection:
                                type: authn_login_fail
                            condition: selection
                        falsepositives: [Typing errors]
                        level: low
                        ---
                        title: B
                        correlation:
                            type: value_count
                            rules: [5638f7c0-ac70-491d-8465-2a65075e0d86]
                            group-by: [client_ip, tenant]
                            timespan: 2h
                            condition: {gt: 4, field: actor}
                        cardea: {suppress: 1d, lateness: 30s}
                        """.utf8)
                )
            ])
        let rule = try #require(set.rules.first)
        #expect(rule.metadata.author == "Somebody" && rule.metadata.level == .low && rule.metadata.falsePositives == ["Typing errors"])
        #expect(rule.metadata.tags == ["attack.t1110"] && rule.metadata.references == ["https://example.com/"])
        let correlation = try #require(set.correlations.first)
        #expect(set.correlations.count == 1 && correlation.id == "B" && correlation.kind == .valueCount(fields: ["actor"]))
        #expect(correlation.threshold == 5 && correlation.timespan == .seconds(7200) && correlation.groupBy == ["client_ip", "tenant"])
        #expect(correlation.suppress == .seconds(86_400) && correlation.lateness == .seconds(30))
    }

    @Test(
        "with a fault are refused with its place and advice",
        arguments: [
            (correlation("    timespan: 5m\n    condition: {lt: 1}"), RuleError.Code.limit, 13, "1"),
            (correlation("    timespan: 5m\n    condition: {gte: 3, lte: 2}"), .value, 13, "condition"),
            (correlation("    timespan: 5m\n    condition: {gte: 3, lte: 5, neq: 4}"), .value, 13, "condition"),
            (correlation("    timespan: 5m\n    condition: {eq: 3.5}"), .value, 13, "3.5"),
            (correlation("    timespan: 5m\n    condition: {atleast: 3}"), .structure, 13, "atleast"),
            (correlation("    timespan: 5m\n    condition: {gte: 0}"), .limit, 13, "0"),
            (correlation("    timespan: 5m\n    condition: {gte: 100000000}"), .limit, 13, "100000000"),
            (correlation("    timespan: 5m\n    condition: {gte: '3'}"), .value, 13, "3"),
            (correlation("    timespan: 5x\n    condition: {gte: 3}"), .value, 12, "5x"),
            (correlation("    timespan: 0m\n    condition: {gte: 3}"), .value, 12, "0m"),
            (correlation("    timespan: 99999999999999999999d\n    condition: {gte: 3}"), .value, 12, "99999999999999999999d"),
            (correlation("    condition: {gte: 3}"), .structure, 9, ""),
            (correlation("    timespan: 5m\n    condition: {gte: 3}\n    aliases: {a: {u: b}}"), .reference, 14, "u"),
            (correlation("    timespan: 5m\n    condition: {gte: 3}\n    group_by: [a]"), .unsupported, 14, "group_by"),
            (correlation("    timespan: 5m\n    condition: {gte: 3, field: actor}"), .structure, 13, "actor"),
            (correlation("    timespan: 5m\n    condition: {gte: 3}", "cardea: {suppress: 1m}"), .value, 14, "1m"),
            (correlation("    timespan: 5m\n    condition: {gte: 3}", "cardea: {supress: 1h}"), .unsupported, 14, "supress"),
            ("title: T\n", .structure, 1, ""), ("title: T\nlevel: huge\n", .value, 2, "huge"), ("[a]", .structure, 1, "a list"),
            ("title: T\naction: local\n", .unsupported, 2, "local"),
            (plain + plain.replacing("name: t\n", with: ""), .yaml, 4, "detection, logsource, title"),
            (plain + "---\n" + plain, .reference, 6, "t"), (plain.replacing("product: cardea", with: "x: y"), .unsupported, 3, "x"),
            (correlation("    timespan: 5m\n    condition: {gte: 3}").replacing("rules: [t]", with: "rules: [u]"), .reference, 6, "u"),
            (correlation("    timespan: 5m\n    condition: {gte: 3}").replacing("event_count", with: "rare"), .unsupported, 9, "rare"),
            (
                correlation("    timespan: 5m\n    condition: {gte: 3}").replacing("event_count", with: "temporal"), .structure, 13,
                "a map"
            ),
            (correlation("    timespan: 5m\n    condition: not t").replacing("event_count", with: "temporal"), .condition, 13, "not t"),
            (correlation("    timespan: 5m\n    condition: t and u").replacing("event_count", with: "temporal"), .condition, 13, "u"),
            (
                correlation("    timespan: 5m\n    condition: t").replacing("event_count", with: "temporal_ordered"), .structure, 13,
                "condition"
            ),
            (
                correlation("    timespan: 5m\n    condition: {gte: 3}").replacing("event_count", with: "value_sum"), .structure, 13,
                "condition"
            ),
            (correlation("    timespan: 5m\n    condition: {gte: 3}").replacing("rules: [t]", with: "rules: [c]"), .reference, 6, "c"),
            ("title: T\nlogsource: {product: x}\nfilter: {}\n", .structure, 3, ""), ("title: 'T", .yaml, 1, ""),
            ("a: &x 1\nb: *x", .yaml, 1, "1"),
        ])
    func faults(yaml: String, code: RuleError.Code, line: Int, construct: String) {
        let errors = Self.errors(yaml)
        #expect(errors.map(\.code) == [code])
        #expect(errors.first?.line == line, "\(errors)")
        #expect(errors.first?.construct == construct, "\(errors)")
    }

    @Test("report a fault for each document that has one")
    func everyFault() {
        #expect(Self.errors("title: A\n---\ntitle: B\nlevel: x\n---\n" + Self.plain).count == 2)
    }

    @Test("that are bombs, too deep, too large, binary or not UTF-8 are refused in little time")
    func hostile() {
        var bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
        for level in 1..<12 {
            bomb += "\(level): &b\(level) [\(Array(repeating: level == 1 ? "*a" : "*b\(level - 1)", count: 9).joined(separator: ","))]\n"
        }
        bomb += "? *b11\n: y\n"
        let cases: [[UInt8]] = [
            Array(bomb.utf8),
            Array("a: &a {? *a : b}\n".utf8),
            [UInt8](repeating: UInt8(ascii: "["), count: 900_000),
            Array((String(repeating: "{a: ", count: 100_000)).utf8),
            Array(((0..<900).map { String(repeating: " ", count: $0) + "a:\n" }.joined()).utf8),
            Array(String(repeating: "- ", count: 400_000).utf8),
            Array(String(repeating: "? ", count: 400_000).utf8),
            [UInt8](repeating: UInt8(ascii: "a"), count: 10_000_000),
            (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) },
            [0xff, 0xfe, 0x00], [0], Array("a: \u{0}b\n".utf8),
            Array(("title: T\n" + (0..<2000).map { "---\ntitle: \($0)\n" }.joined()).utf8),
            Array("%YAML 9.9\n---\na: b\n".utf8), Array("!!binary x: y\n".utf8), Array("- - - - *\n".utf8),
        ]
        for (number, yaml) in cases.enumerated() {
            let time = ContinuousClock().measure { #expect(!Self.errors(yaml).isEmpty, "case \(number)") }
            #expect(time < .seconds(5), "case \(number): \(time)")
        }
        #expect(Self.errors("").isEmpty, "an empty file holds no rules")
    }

    @Test("name in a warning what can never match")
    func warnings() throws {
        let yaml = """
            title: T
            logsource: {product: windows, category: process_creation}
            detection: {s: {Image: x}, condition: s}
            ---
            title: U
            correlation: {type: value_count, rules: [T], group-by: [actor, Host], timespan: 1m, condition: {field: Image, gte: 2}}
            """
        let findings = RuleLint.check(Array(yaml.utf8), file: "f.yml")
        let places = findings.filter { $0.severity == .warning && $0.construct != "id" && $0.construct != "level" }
        #expect(places.map { "\($0.line) \($0.construct)" } == ["2 logsource", "3 Image", "6 Host", "6 Image"])
    }
}
