import AuditEvents
import AuditTesting
import Foundation
import Testing

@Suite("canonical JSON, RFC 8785")
struct CanonicalJSONTests {
    static let vectors: String? = {
        let root = ProcessInfo.processInfo.environment["CARDEA_CONFORMANCE_DATA"] ?? "../shared/data"
        return FileManager.default.fileExists(atPath: root + "/jcs/input") ? root + "/jcs" : nil
    }()

    @Test(
        "the published vectors come out byte for byte", .enabled(if: vectors != nil, "the folder of conformance data is not here"),
        arguments: ["arrays", "french", "structures", "unicode", "values", "weird"])
    func vector(name: String) throws {
        let folder = try #require(CanonicalJSONTests.vectors)
        let input = try Data(contentsOf: URL(filePath: "\(folder)/input/\(name).json"))
        let output = try Data(contentsOf: URL(filePath: "\(folder)/output/\(name).json"))
        let hex = try String(contentsOfFile: "\(folder)/outhex/\(name).txt", encoding: .utf8)
        let encoded = CanonicalJSON.encode(try JSONValue(parsing: input))
        #expect(encoded == Array(output))
        #expect(encoded == hex.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) })
    }

    /// RFC 8785, appendix B.
    @Test(
        "numbers are written as ECMAScript writes them",
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"), (0x7ff0_0000_0000_0000, "null"), (0x7fff_ffff_ffff_ffff, "null"),
        ] as [(UInt64, String)])
    func number(bits: UInt64, text: String) {
        #expect(canonical(.double(Double(bitPattern: bits))) == text)
    }

    @Test("every finite double is written so that it is read back as the same")
    func doubles() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let number = Double(bitPattern: random.next())
            guard number.isFinite else { continue }
            #expect(Double(canonical(.double(number))) == number)
        }
    }

    @Test("integers beyond 2^53 are strings, written and read")
    func largeIntegers() throws {
        #expect(canonical(.int(1 << 53)) == "9007199254740992")
        #expect(canonical(.int(-(1 << 53))) == "-9007199254740992")
        #expect(canonical(.int(1 << 53 + 1)) == #""9007199254740993""#)
        #expect(canonical(.int(.min)) == #""-9223372036854775808""#)
        #expect(try parse("9007199254740993") == "9007199254740993")
        #expect(try parse("123456789012345678901234567890") == "123456789012345678901234567890")
        #expect(try parse("-9007199254740992") == .int(-(1 << 53)))
        #expect(canonical(try parse("-0")) == "0")
    }

    @Test("names are ordered by UTF-16 code units, supplementary characters before U+E000")
    func order() throws {
        let names = [
            "\u{fb33}", "\u{1f600}", "\u{e000}", "\u{d7ff}", "\u{ffff}", "\u{10000}", "€", "ö", "\u{80}", "1", "\r", "", "aa", "a",
            "\u{7f}",
        ]
        let expected = names.sorted { Array($0.utf16).lexicographicallyPrecedes(Array($1.utf16)) }
        #expect(JSONObject(names.map { ($0, .null) }).members.map(\.key) == expected)
        var one = JSONObject()
        for name in names { one[name] = .null }
        #expect(one.members.map(\.key) == expected)
        #expect(try parse("{" + names.map { canonical(.string($0)) + ":null" }.joined(separator: ",") + "}") == .object(one))
    }

    @Test("names that only look alike are two")
    func twins() throws {
        let object: JSONObject = ["\u{e4}": 1, "a\u{308}": 2]
        #expect(object.count == 2)
        #expect(object["\u{e4}"] == 1)
        #expect(object["a\u{308}"] == 2)
        #expect(canonical(.object(object)) == "{\"a\u{308}\":2,\"\u{e4}\":1}")
        #expect(try parse("{\"\u{e4}\":1,\"a\u{308}\":2}") == .object(object))
    }

    @Test("of two members of one name the later counts; assigning nil takes one away")
    func sameName() {
        var object = JSONObject([("b", 1), ("a", 2), ("b", 3), ("a", 4)])
        #expect(object.members.map(\.key) == ["a", "b"])
        #expect(object["a"] == 4 && object["b"] == 3)
        object["a"] = nil
        #expect(object.count == 1)
    }

    @Test("controls are escaped as the RFC says, NUL so that it is seen")
    func escapes() throws {
        let text = String(String.UnicodeScalarView((0..<0x20).compactMap(Unicode.Scalar.init))) + "\"\\/\u{7f}\u{2028}"
        let expected =
            #""\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017"#
            + #"\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\"\\/"# + "\u{7f}\u{2028}\""
        #expect(canonical(.string(text)) == expected)
    }

    @Test("what is written is read back the same, and its canonical form is its own")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<3000 {
            let value = random.json(depth: 5)
            let text = canonical(value)
            let back = try parse(text)
            #expect(back == value)
            #expect(canonical(back) == text)
        }
    }

    @Test("an object of 100,000 names in the worst order is read in time that grows with their number", .timeLimit(.minutes(1)))
    func manyNames() throws {
        let text = "{" + (0..<100_000).reversed().map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
        var value: JSONValue?
        let took = try processorTime { value = try parse(text) }
        #expect(value?.object?.count == 100_000)
        #expect(took < .seconds(15))
    }
}
