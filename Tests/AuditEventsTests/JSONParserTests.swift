import AuditEvents
import AuditTesting
import Testing

@Suite("the JSON parser")
struct JSONParserTests {
    @Test(
        "what is not JSON is refused",
        arguments: [
            "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "{\"a\":1,}", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\" 1}", "{1:1}", "\"", "\"\\",
            "\"\\u12",
            "\"\\u12g4\"", "\"\\x\"", "\"\n\"", "\"\u{1}\"", "'a'", "tru", "TRUE", "nul", "NaN", "Infinity", "-", "+1", "01", "-01", "1.",
            ".5", "1e",
            "1e+", "0x10", "1_000", "1 2", "{} []", "null,", "[1]x", "\u{feff}1", "1e999", "-1e400", "// c\n1", "[1 2]",
            "{\"a\":1 \"b\":2}",
        ])
    func refused(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test("a name that stands twice is refused, escaped or not, and the place told")
    func duplicates() {
        func offset(_ text: String) -> Int? { #expect(throws: JSONError.self) { try parse(text) }?.offset }
        #expect(offset(#"{"a":1,"a":2}"#) == 7)
        #expect(offset(#"{"a":1,"b":0,"\u0061":2}"#) == 13)
        #expect(offset(#"{"b":1,"a":2,"b":3}"#) == 13)
    }

    @Test(
        "lone surrogates are refused, pairs are one character",
        arguments: [#""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, #""\ud83dx""#, #""\ude00\ud83d""#])
    func surrogates(text: String) throws {
        #expect(throws: JSONError.self) { try parse(text) }
        #expect(try parse(#""\ud83d\ude00\uD83D\uDE00""#) == "😀😀")
    }

    @Test("invalid UTF-8 is refused, overlong forms and surrogates too")
    func invalidUTF8() {
        let bad: [[UInt8]] = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82], [0x80]]
        for bytes in bad {
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0x5c, 0x6e] + bytes + [0x22]) }
        }
    }

    @Test("nesting is bounded, and 10 million open brackets are no danger")
    func depth() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(throws: Never.self) { try parse(nested(65)) }
        #expect(throws: JSONError.self) { try parse(nested(66)) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: [UInt8](repeating: UInt8(ascii: "["), count: 10_000_000)) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[[1]]".utf8, maximumDepth: 1) }
    }

    @Test("mutilated texts never trap, and what is accepted comes to rest in a canonical form")
    func fuzz() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<4000 {
            var bytes = CanonicalJSON.encode(random.json(depth: 4))
            for _ in 0..<Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0 ... .max, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert("\"\\{}[],:u0e-.".utf8.randomElement(using: &random) ?? 0, at: place)
                default: bytes.removeLast(bytes.count - place)
                }
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            // Once more, for a fraction beyond 2^53 (1e20) is written as an integer, and that is read as a string.
            let text = CanonicalJSON.encode(try JSONValue(parsing: CanonicalJSON.encode(value)))
            #expect(CanonicalJSON.encode(try JSONValue(parsing: text)) == text)
        }
    }
}
