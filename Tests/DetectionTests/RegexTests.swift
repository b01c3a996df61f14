import Testing

@testable import Detection

@Suite("Regular expressions in linear time")
struct RegexTests {
    @Test(
        "match what they say",
        arguments: [
            ("abc", "xabcx", true), ("abc", "ab", false), ("^abc$", "abc", true), ("^abc$", "xabc", false), ("a.c", "a\u{e9}c", true),
            ("a.c", "a\nc", false), ("a|b|c", "xc", true), ("(ab)+c", "ababc", true), ("^(ab)+$", "aba", false), ("a{2,3}b", "aab", true),
            ("^a{2,3}$", "aaaa", false), ("a{2}", "aba", false), ("^a{2,}$", "aaaaa", true), ("a{,3}", "a{,3}", true), ("x*", "", true),
            ("[a-c]+", "xbx", true), ("^[^a-c]+$", "xyz", true), ("^[^a-c]+$", "xyb", false), ("[]a]", "]", true), ("[a-]", "-", true),
            ("[\\]\\-]", "-", true), ("\\d{3}", "ab123", true), ("\\D", "1", false), ("\\w+\\s\\w+", "ab cd", true),
            ("\\bcat\\b", "a cat.", true),
            ("\\bcat\\b", "concat", false), ("\\Bcat", "concat", true), ("\\x41\\u0042", "AB", true), ("\\x{1F600}", "\u{1F600}", true),
            ("[\u{e0}-\u{ff}]+", "\u{e9}", true), ("[\u{400}-\u{4ff}]", "\u{416}", true), ("[\u{10000}-\u{10ffff}]", "\u{1F600}", true),
            ("[\u{10000}-\u{10ffff}]", "x", false), ("^.$", "\u{1F600}", true), ("^..$", "\u{1F600}", false), ("(?i)ABC", "xabc", true),
            ("a(?i)B", "ab", true), ("(?i:A)B", "aB", true), ("(?i:A)B", "ab", false), ("(?i)\u{c4}", "\u{e4}", true),
            ("(?:ab|cd)e", "cde", true),
            ("(?<name>ab)", "ab", true), ("(?P<name>ab)", "ab", true), ("a*?b", "aab", true), ("\\.\\./", "a../b", true),
            ("a\\|b", "a|b", true),
            ("(a|)b", "b", true), ("(|a)+$", "aa", true), ("()", "", true), ("(a*)*b", "aaab", true), ("a\\Z", "ba", true),
            ("\\Aa", "ba", false),
            ("^$", "", true), ("[^\\d\\s]", "1 a", true), ("\\/\\-\\:", "/-:", true), ("(?m)^b$", "a\nb\nc", true),
            ("b$", "a\nb\nc", false),
        ])
    func matches(expression: String, text: String, expected: Bool) throws {
        #expect(try RegexProgram(expression).matches(Array(text.utf8)) == expected)
    }

    @Test(
        "that need backtracking, are malformed or too large are refused",
        arguments: [
            "(", ")", "a)", "[a", "[b-a]", "*a", "a**", "a++", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(a)\\1", "\\k<a>", "\\", "a{3,2}",
            "a{2000}", "(a{1000}){1000}", "((a{100}){100}){100}", "[[:alpha:]]", "\\q", "(?x)a", "\\x{110000}",
            String(repeating: "(", count: 200) + String(repeating: ")", count: 200), String(repeating: "a", count: 5000),
        ])
    func refusals(expression: String) {
        #expect(throws: RegexError.self) { _ = try RegexProgram(expression) }
    }

    @Test("that make backtracking matchers explode answer in time that grows with the text alone")
    func bombs() throws {
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 20_000)
        for expression in ["(a*)*b", "(a|aa)+$b", "a*a*a*a*a*a*a*a*b", "(a+)+[^a]", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y"] {
            let program = try RegexProgram(expression)
            let short = ContinuousClock().measure { #expect(!program.matches(Array(text[..<5000]))) }
            let long = ContinuousClock().measure { #expect(!program.matches(text)) }
            // Four times the text; quadratic would be sixteen times. The floor keeps the clock's noise out.
            #expect(long < short * 10 + .milliseconds(200), "\(expression): \(short) then \(long)")
        }
        let empty = ContinuousClock().measure { _ = try? RegexProgram("((((){1000}){1000}){1000}){1000}") }
        #expect(empty < .seconds(1))
    }

    @Test("agree with every code point's UTF-8 at the ranges' bounds")
    func utf8Ranges() throws {
        for bound: UInt32 in [0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x3ffff, 0x40000, 0x10ffff] {
            for (low, high) in [(bound, bound), (0x61, bound), (bound, 0x10ffff)] where low <= high {
                let sequences = CharacterRanges.utf8(low...high)
                for probe in [low, high, low &+ 1, high &- 1, (low + high) / 2, low &- 1, high &+ 1, 0xd800] {
                    guard let scalar = Unicode.Scalar(probe) else { continue }
                    let bytes = Array(String(Character(scalar)).utf8)
                    let found = sequences.contains { $0.count == bytes.count && zip($0, bytes).allSatisfy { $0.contains($1) } }
                    #expect(found == (low...high).contains(probe), "\(low)...\(high) \(probe)")
                }
            }
        }
    }
}
