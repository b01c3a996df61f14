import Testing

@testable import Detection

@Suite("Hostile rules")
struct HostileRulesTests {
    /// A rule whose selection and condition are given.
    private static func rule(_ selection: String, condition: String = "s") -> String {
        "title: T\nname: t\nlogsource: {product: cardea}\ndetection:\n    s:\n        \(selection)\n    condition: \(condition)\n"
    }

    private static func many(_ count: Int, _ text: (Int) -> String) -> String { (0..<count).map(text).joined() }

    static let refused: [(name: String, yaml: String, code: RuleError.Code)] = [
        ("a file of 10 MB", "title: " + String(repeating: "x", count: 10_000_000), .limit),
        ("documents by the thousand", many(100_000) { "--- a\n\($0 % 10)\n" }, .limit),
        ("lists nested deeply", "a: " + String(repeating: "[", count: 10_000), .limit),
        ("maps nested deeply", many(200) { String(repeating: " ", count: $0) + "a:\n" }, .limit),
        ("aliases of aliases", "a: &a [x]\n" + many(20) { "b\($0): [*a, *a]\n" }, .yaml),
        ("an anchor and a merge key", "a: &a {x: 1}\nb: {<<: *a}\n", .yaml),
        ("a key given twice", rule("actor: a\n        actor: b"), .yaml),
        ("a tab that indents", "title: T\ndetection:\n\ts: 1\n", .yaml),
        ("a NUL byte", "title: T\0x\n", .yaml),
        ("parentheses 10,000 deep", rule("actor: a", condition: String(repeating: "(", count: 10_000) + "s"), .condition),
        ("not 100,000 times", rule("actor: a", condition: String(repeating: "not ", count: 100_000) + "s"), .condition),
        ("1 of them over and over", condition(1000), .limit),
        ("repetitions of repetitions", rule("path|re: '((a{1000}){1000}){1000}'"), .regex),
        ("a repetition too often", rule("path|re: 'a{99999999999999999999}'"), .regex),
        ("groups nested deeply", rule("path|re: '\(String(repeating: "(", count: 2000))'"), .regex),
        ("a long expression", rule("path|re: '\(String(repeating: "a|", count: 9000))a'"), .regex),
        (
            "large expressions in one file", rule("path|re:\n" + many(2000) { "            - 'a{1000}a{1000}a{1000}b{\($0 % 1000)}'\n" }),
            .limit
        ),
        ("dashes by the thousand", rule("path|windash:\n" + many(3000) { "            - ' -a -b -c -d \($0)'\n" }), .limit),
        ("a long value with dashes", rule("path|windash: ' -a -b -c -d \(String(repeating: "x", count: 100_000))'"), .limit),
        (
            "a selection named over and over",
            "title: T\nlogsource: {product: cardea}\ndetection:\n    s:\n        actor: [\(many(20_000) { "a\($0), " })a]\n    condition: s\(many(2000) { _ in " or s" })\n",
            .limit
        ),
        ("a rule repeated with all its values", repeated(), .limit),
    ]

    private static func condition(_ times: Int) -> String {
        "title: T\nlogsource: {product: cardea}\ndetection:\n" + many(5000) { "    s\($0): {actor: a}\n" } + "    condition: 1 of them"
            + many(times) { _ in " or 1 of them" } + "\n"
    }

    private static func repeated() -> String {
        "title: T\nid: t\nlogsource: {product: cardea}\ndetection:\n    s:\n        actor:\n" + many(20_000) { "            - a\($0)\n" }
            + "    condition: s\n" + many(900) { "---\naction: repeat\nid: t\($0)\n" }
    }

    @Test("are refused with a code and the file's name", arguments: refused.indices)
    func areRefused(_ index: Int) {
        let hostile = Self.refused[index]
        let errors = RuleFileTests.errors(hostile.yaml)
        #expect(errors.first?.code == hostile.code, "\(hostile.name): \(errors.first?.description.prefix(300) ?? "accepted")")
        #expect(errors.first?.file == "f.yml")
    }

    @Test("correlations that count each other are refused, be the ring of one or of 900")
    func rings() {
        for size in [1, 2, 900] {
            let yaml = Self.many(size) { n in
                "---\ntitle: C\nid: c\(n)\ncorrelation: {type: event_count, rules: [c\((n + 1) % size)], timespan: 1m, condition: {gte: 2}}\n"
            }
            let errors = RuleFileTests.errors(yaml)
            #expect(errors.first?.code == .reference && errors.first?.message.contains("counts itself") == true, "\(size): \(errors)")
        }
    }

    @Test("nested quantifiers over 64 KiB come to an end")
    func quantifiers() throws {
        let program = try RegexProgram("^(a+)+(a|a)*(a*)*$")
        #expect(!program.matches(Array(String(repeating: "a", count: 65_536).utf8) + [0x62]))
    }

    @Test("bytes that are no UTF-8 are refused; CRLF and a byte order mark are not")
    func encodings() {
        #expect(RuleFileTests.errors([0x74, 0xff, 0xfe, 0x00]).first?.code == .yaml)
        let plain = RuleFileTests.plain
        #expect(RuleFileTests.errors(plain.replacing("\n", with: "\r\n")) == [])
        #expect(RuleFileTests.errors([0xef, 0xbb, 0xbf] + Array(plain.utf8)) == [])
    }
}
