import AuditEvents
import LogFormats
import Testing

@Suite struct SyslogTimeTests {
    static let message = "Invalid user a from 192.0.2.7 port 53502"

    func times(_ stamps: [String], year: Int? = nil, zone: String = "UTC", now: String = "2026-11-23T12:00:00Z") throws -> [String?] {
        var parser = parser(
            year: year, zone: try #require(LogTimeZone(zone)), now: try #require(Timestamp(now)))
        return stamps.map { parser.parse(Array("\($0) host sshd[1]: \(Self.message)".utf8)).record?.time.description }
    }

    @Test(
        "every form of header gives its time",
        arguments: [
            ("Feb 12 14:10:21 host sshd[16378]: ", "2026-02-12T14:10:21.000000Z"),
            ("Feb  2 14:10:21 host sshd[1]: ", "2026-02-02T14:10:21.000000Z"),
            ("Feb 2 14:10:21 host sshd[1]: ", "2026-02-02T14:10:21.000000Z"),
            ("Feb 02 14:10:21.5 host sshd: ", "2026-02-02T14:10:21.500000Z"),
            ("Feb 12 2024 14:10:21 host sshd[1]: ", "2024-02-12T14:10:21.000000Z"),
            ("<38>Feb 12 14:10:21 host sshd-session[1]: ", "2026-02-12T14:10:21.000000Z"),
            ("<38>1 2026-02-12T14:10:21Z host sshd 123 - - ", "2026-02-12T14:10:21.000000Z"),
            (
                "<38>1 2026-02-12T14:10:21.123456-04:00 h.example sshd-auth 5 ID1 [x a=\"]\\\"b\"][y@1 c=\"d\"] ",
                "2026-02-12T18:10:21.123456Z"
            ),
            ("1 2026-02-12T14:10:21Z host /usr/sbin/sshd 123 - - \u{FEFF}", "2026-02-12T14:10:21.000000Z"),
            ("2026-02-12T14:10:21.123456+01:00 host sshd[1]: ", "2026-02-12T13:10:21.123456Z"),
            ("2026-02-12T14:10:21+0100 host sshd[1]: ", "2026-02-12T13:10:21.000000Z"),
            ("2026-02-12 14:10:21 host sshd[1]: ", "2026-02-12T14:10:21.000000Z"),
            ("Feb 12 14:10:21 host auth.info sshd[1]: ", "2026-02-12T14:10:21.000000Z"),
            ("Feb 12 14:10:21 sshd[1]: ", "2026-02-12T14:10:21.000000Z"),
            ("Feb 12 14:10:21 host sshd[1]: [ID 800047 auth.info] ", "2026-02-12T14:10:21.000000Z"),
        ])
    func forms(head: String, time: String) throws {
        let record = try record(head + Self.message)
        #expect(record.time.description == time && record.type == .loginFailure && record.ip == "192.0.2.7")
    }

    @Test(
        "other programs' lines are skipped, whatever they say",
        arguments: [
            "Feb 12 14:10:21 host cron[16378]: Invalid user a from 192.0.2.7 port 53502",
            "Feb 12 14:10:21 host kernel: sshd[1]: Invalid user a from 192.0.2.7 port 53502",
            "<38>1 2026-02-12T14:10:21Z host sudo 123 - - Invalid user a from 192.0.2.7",
            "Feb 12 14:10:21 host last message repeated 3 times",
            "Feb 12 14:10:21 host sshguard[1]: Invalid user a from 192.0.2.7 port 53502",
        ])
    func otherPrograms(line: String) { #expect(lines(line)[0].isSkipped) }

    @Test("without a year a date is the latest that is not ahead of now")
    func inferredYear() throws {
        #expect(try times(["Nov 23 11:00:00"]) == ["2026-11-23T11:00:00.000000Z"])
        #expect(try times(["Nov 25 11:00:00"]) == ["2025-11-25T11:00:00.000000Z"])
        #expect(try times(["Nov 23 23:00:00"]) == [nil], "a few hours ahead is a wrong clock, not last year")
    }

    @Test("December to January turns the year, and stragglers stay in the old one")
    func turnOfYear() throws {
        let stamps = ["Dec 31 23:59:58", "Jan  1 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02", "Feb  1 00:00:00"]
        let expected = [
            "2025-12-31T23:59:58.000000Z", "2026-01-01T00:00:01.000000Z", "2025-12-31T23:59:59.000000Z", "2026-01-01T00:00:02.000000Z",
            "2026-02-01T00:00:00.000000Z",
        ]
        #expect(try times(stamps) == expected)
        #expect(
            try times(["Dec 31 23:59:58", "Jan  1 00:00:01"], year: 2019) == ["2019-12-31T23:59:58.000000Z", "2020-01-01T00:00:01.000000Z"])
    }

    @Test("29 February belongs to a leap year; a fixed year without one refuses it")
    func leapDay() throws {
        #expect(
            try times(["Feb 28 10:00:00", "Feb 29 10:00:00", "Mar  1 10:00:00"])
                == ["2026-02-28T10:00:00.000000Z", "2024-02-29T10:00:00.000000Z", "2024-03-01T10:00:00.000000Z"])
        #expect(try times(["Feb 29 10:00:00"], year: 2025) == [nil])
        #expect(try times(["Feb 29 10:00:00"], year: 2024) == ["2024-02-29T10:00:00.000000Z"])
        #expect(try times(["Feb 29 10:00:00"], now: "2101-06-01T00:00:00Z") == ["2096-02-29T10:00:00.000000Z"])
    }

    @Test("offsets and names of zones; a clock set forward skips an hour, one set back shows it twice")
    func zones() throws {
        #expect(try times(["Jul  1 12:00:00"], zone: "-05:30") == ["2026-07-01T17:30:00.000000Z"])
        #expect(
            try times(["Jul  1 12:00:00", "Jan  5 12:00:00"], zone: "Europe/Berlin") == [
                "2026-07-01T10:00:00.000000Z", "2026-01-05T11:00:00.000000Z",
            ])
        #expect(
            try times(["Mar 29 01:59:59", "Mar 29 02:30:00", "Mar 29 03:30:00"], zone: "Europe/Berlin")
                == ["2026-03-29T00:59:59.000000Z", "2026-03-29T01:30:00.000000Z", "2026-03-29T01:30:00.000000Z"])
        #expect(
            try times(
                ["Oct 25 02:10:00", "Oct 25 02:50:00", "Oct 25 02:05:00", "Oct 25 02:50:00", "Oct 25 03:00:00"], zone: "Europe/Berlin")
                == [
                    "2026-10-25T00:10:00.000000Z", "2026-10-25T00:50:00.000000Z", "2026-10-25T01:05:00.000000Z",
                    "2026-10-25T01:50:00.000000Z",
                    "2026-10-25T02:00:00.000000Z",
                ])
        #expect(
            LogTimeZone("Mars/Olympus") == nil && LogTimeZone("+25:00") == nil && LogTimeZone("+1:2:3") == nil && LogTimeZone("+") == nil)
    }

    @Test(
        "impossible times are refused",
        arguments: [
            "Feb 30 14:10:21", "Feb 12 24:10:21", "Foo 12 14:10:21", "0000-02-12T14:10:21Z", "9999-02-12T14:10:21Z", "1969-12-31T23:59:59Z",
            "2026-13-12T14:10:21Z", "2026-02-12T14:10:21+99:00",
        ])
    func impossible(stamp: String) { #expect(lines("\(stamp) host sshd[1]: \(Self.message)")[0].rejection != nil) }

    @Test("RFC 5424 without a time is refused")
    func nilTime() { #expect(lines("<38>1 - host sshd 123 - - \(Self.message)")[0].rejection == "the line carries no time") }
}
