import Testing

@testable import AuditMiddleware

@Suite struct Base64URLTests {
    @Test("every sequence of up to three bytes, and longer ones, come back")
    func roundTrip() {
        for length in 0..<100 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ length) }
            let text = Base64URL.encode(bytes)
            #expect(Base64URL.decode(text) == bytes)
            #expect(text.count == (length * 4 + 2) / 3)
        }
        #expect(String(decoding: Base64URL.encode([0xfb, 0xff, 0xfe]), as: UTF8.self) == "-__-")
    }

    @Test("one text stands for one sequence of bytes: of all texts of two and three characters only those without loose bits are read")
    func strict() {
        var accepted = 0
        for a in UInt8.min...UInt8.max {
            for b in UInt8.min...UInt8.max where Base64URL.decode([a, b]) != nil { accepted += 1 }
        }
        #expect(accepted == 256)
        for text in ["A", "AAAAA", "AA==", "AAA=", "AA A", "AA\n", "A+==", "AA/A", "AB", "AAB", "AAAA=", "ÄA"] {
            #expect(Base64URL.decode(Array(text.utf8)) == nil, "\(text)")
        }
        #expect(Base64URL.decode([]) == [])
    }
}
