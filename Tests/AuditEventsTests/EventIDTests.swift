import AuditEvents
import AuditTesting
import Testing

@Suite("event ids")
struct EventIDTests {
    @Test("the time is a function of the id, for every microsecond of a millisecond and any entropy")
    func time() {
        var random = SeededGenerator(seed: 5)
        for base in [0, 1_764_000_000_123_000, Timestamp.maximum.microseconds - 999] {
            for fraction in 0..<1000 {
                let time = Timestamp(microseconds: base + Int64(fraction))
                #expect(EventID(time: time, entropy: random.next()).time == time)
            }
        }
        for _ in 0..<5000 {
            let time = random.time()
            #expect(EventID(time: time, entropy: random.next()).time == time)
        }
    }

    @Test("ids sort as their events happened")
    func order() {
        var random = SeededGenerator(seed: 6)
        for _ in 0..<5000 {
            let a = random.time()
            let b =
                Bool.random(using: &random)
                ? Timestamp(microseconds: min(a.microseconds + 1, Timestamp.maximum.microseconds - 1)) : random.time()
            let (x, y) = (EventID(time: a, entropy: random.next()), EventID(time: b, entropy: random.next()))
            if a != b { #expect((x < y) == (a < b)) }
            #expect((x < y) == (x.description < y.description))
            #expect((x < y) == x.bytes.lexicographicallyPrecedes(y.bytes))
        }
    }

    @Test("version and variant are set whatever the entropy; the text is read back")
    func text() throws {
        var random = SeededGenerator(seed: 7)
        for entropy in [0, .max] + (0..<1000).map({ _ in random.next() }) {
            let id = EventID(time: random.time(), entropy: entropy)
            #expect(EventID(high: id.high, low: id.low) == id)
            #expect(EventID(id.description) == id)
            #expect(EventID(id.description.uppercased()) == id)
            #expect(Array(id.description.utf8)[14] == UInt8(ascii: "7"))
        }
    }

    /// RFC 9562, appendix A.6: 2022-02-22T14:22:22.00-05:00.
    @Test("the RFC's example is read")
    func vector() throws {
        let id = try #require(EventID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"))
        #expect(id.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
        #expect(id.time.microseconds / 1000 == Timestamp("2022-02-22T14:22:22-05:00").map { $0.microseconds / 1000 })
        #expect(id.bytes.prefix(6) == [0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0])
    }

    @Test(
        "other versions, variants and shapes are refused",
        arguments: [
            "", "017F22E2-79B0-4CC3-98C4-DC0C0C07398F", "017F22E2-79B0-7CC3-18C4-DC0C0C07398F", "017F22E2-79B0-7CC3-D8C4-DC0C0C07398F",
            "017F22E279B07CC398C4DC0C0C07398F", "{17F22E2-79B0-7CC3-98C4-DC0C0C07398F", "017F22E2-79B0-7CC3-98C4-DC0C0C07398F0",
            "017F22E2_79B0_7CC3_98C4_DC0C0C07398F", "017G22E2-79B0-7CC3-98C4-DC0C0C07398F", "00000000-0000-0000-0000-000000000000",
        ])
    func refused(text: String) {
        #expect(EventID(text) == nil)
    }

    @Test("a time before 1970 is taken as 1970")
    func early() {
        #expect(EventID(time: Timestamp(microseconds: -5), entropy: 0).time == .epoch)
    }
}
