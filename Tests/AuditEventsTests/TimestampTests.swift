import AuditEvents
import AuditTesting
import Testing

@Suite("timestamps")
struct TimestampTests {
    @Test("every day of the years 1 to 9999 has its own number, one more than the day before")
    func days() throws {
        var expected = Timestamp.minimum
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        for year in 1...9999 {
            for month in 1...12 {
                let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
                let length = lengths[month - 1] + (month == 2 && isLeap ? 1 : 0)
                let first = try #require(Timestamp(year: year, month: month, day: 1))
                let last = try #require(Timestamp(year: year, month: month, day: length))
                if first != expected { Issue.record("\(year)-\(month)") }
                if Timestamp(year: year, month: month, day: length + 1) != nil { Issue.record("\(year)-\(month) is too long") }
                expected = last.advanced(bySeconds: 86_400)
                let civil = last.civil
                if civil.year != year || civil.month != month || civil.day != length { Issue.record("\(civil)") }
            }
        }
        #expect(expected.microseconds == Timestamp.maximum.microseconds + 1)
    }

    @Test("random moments survive text and calendar")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<5000 {
            let time = Timestamp(microseconds: .random(in: Timestamp.minimum.microseconds...Timestamp.maximum.microseconds, using: &random))
            #expect(Timestamp(time.description) == time)
            #expect(time.description.utf8.count == 27)
            let c = time.civil
            #expect(
                Timestamp(
                    year: c.year, month: c.month, day: c.day, hour: c.hour, minute: c.minute, second: c.second, microsecond: c.microsecond)
                    == time)
        }
    }

    @Test(
        "RFC 3339 is read in all its spellings",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:00z", 0), ("1970-01-01 00:00:00Z", 0), ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T23:29:00.5-00:31", 500_000), ("1970-01-01T00:00:00.123456789Z", 123_456), ("1970-01-01T00:00:00,5Z", 500_000),
            ("1990-12-31T23:59:60Z", 662_688_000_000_000), ("1990-12-31T15:59:60-08:00", 662_688_000_000_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000), ("1970-01-01T05:30:00+0530", 0), ("1969-12-31T23:59:59.999999Z", -1),
        ] as [(String, Int64)])
    func spellings(text: String, microseconds: Int64) {
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test(
        "what is no moment is refused",
        arguments: [
            "", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00Z", "1900-02-29T00:00:00Z", "2023-02-29T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-04-31T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:61Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+01:60",
            "1970-01-01T00:00:00Zx",
            "+970-01-01T00:00:00Z", "1970-01-01T00:00:00 Z", "１970-01-01T00:00:00Z", "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ])
    func refused(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(
        "any number of microseconds has a text, also outside of the calendar",
        arguments: [Int64.min, .max, -62_167_219_200_000_001, 253_402_300_800_000_000])
    func outside(microseconds: Int64) {
        #expect(Timestamp(microseconds: microseconds).description == "@\(microseconds)us")
    }
}
