import AuditEvents
import LogFormats
import Testing

@Suite struct AccessLogTests {
    static let head = #"203.0.113.9 - - [17/May/2015:10:05:03 +0000] "#

    @Test("a combined line gives every field its place")
    func combined() throws {
        let line =
            #"2001:DB8::9 - frank [17/May/2015:10:05:03 +0200] "GET /a?b=c HTTP/2.0" 404 162 "https://x.example/y" "curl/7.68.0""#
        let record = try record(line)
        #expect(record.time == Timestamp("2015-05-17T08:05:03Z"))
        #expect(record.type == .httpRequest && record.outcome == .failure && record.status == 404 && record.repetitions == 1)
        #expect(record.method == "GET" && record.body.path == "/a?b=c" && record.route == nil && record.durationMicroseconds == nil)
        #expect(record.ip == "2001:db8::9" && record.user == "frank" && record.actorKind == .user)
        #expect(record.body.client?.userAgent == "curl/7.68.0" && record.body.service == "http")
        #expect(record.body.details["referer"] == "https://x.example/y")
        #expect(record.body.details["bytes"] == 162 && record.body.details["protocol"] == "HTTP/2.0")
        #expect(!record.has("truncated") && !record.has("extra"))
    }

    @Test("a common line, without a size, without a user")
    func common() throws {
        let record = try record(Self.head + #""HEAD /x HTTP/1.1" 401 -"#, .common)
        #expect(record.status == 401 && record.outcome == .denied && record.type == .httpRequest)
        #expect(record.body.actor == nil && record.actorKind == .anonymous && !record.has("bytes"))
        #expect(!record.has("truncated"))
    }

    @Test(
        "a request that is none is kept whole, its method left open",
        arguments: [
            (#""\x16\x03\x01\x02\x00""#, "\u{16}\u{3}\u{1}\u{2}\\u0000"), (#""quit""#, "quit"),
            (#""\xff\xfe SSH-2.0""#, #"\xff\xfe SSH-2.0"#),
            (#""GET""#, "GET"), (#""0123 /x HTTP/1.1""#, "0123 /x HTTP/1.1"),
            (#""AMETHODLONGERTHANTWENTY / HTTP/1.1""#, "AMETHODLONGERTHANTWENTY / HTTP/1.1"),
        ])
    func malformedRequest(request: String, kept: String) throws {
        let record = try record(Self.head + request + #" 400 226 "-" "-""#)
        #expect(record.method == nil && record.body.path == nil && record.body.details["request"]?.string == kept)
        #expect(record.status == 400 && record.ip == "203.0.113.9" && !record.has("truncated"))
    }

    @Test("an empty request and a dash say nothing", arguments: [#""""#, #""-""#])
    func emptyRequest(request: String) throws {
        let record = try record(Self.head + request + #" 408 0 "-" "-""#)
        #expect(record.method == nil && !record.has("request") && record.status == 408)
    }

    @Test(
        "targets with spaces, quotes and no protocol are kept",
        arguments: [
            (#""GET /p?cmd=ls -al&x=http://h/r.txt??""#, "/p?cmd=ls -al&x=http://h/r.txt??"),
            (#""GET /a\"b\\c HTTP/1.1""#, #"/a"b\c"#), (#""GET /a\x22b HTTP/1.1""#, #"/a"b"#), (#""GET /a"b HTTP/1.1""#, #"/a"b"#),
            (#""GET http://h.example/ HTTP/1.0""#, "http://h.example/"), (#""CONNECT h.example:443 HTTP/1.1""#, "h.example:443"),
            (#""GET /ä HTTP/1.1""#, "/ä"), (#""GET /\xc3\xa4 HTTP/1.1""#, "/ä"), (#""GET /\xe4 HTTP/1.1""#, #"/\xe4"#),
        ])
    func targets(request: String, path: String) throws {
        let record = try record(Self.head + request + #" 200 5 "-" "x""#)
        #expect(record.body.path == path && record.status == 200 && record.body.client?.userAgent == "x")
    }

    @Test("a virtual host may stand first, with or without its port")
    func virtualHost() throws {
        let tail = #" - - [25/Oct/2021:11:05:52 +0200] "GET /w HTTP/1.1" 403 6963 "abc.com" "User-agent-string""#
        let first = try record("website.example:443 192.0.2.4" + tail)
        #expect(first.body.target == "website.example:443" && first.ip == "192.0.2.4" && first.outcome == .denied)
        let second = try record("www.site.example client.example" + tail)
        #expect(second.body.target == "www.site.example" && second.ip == nil && second.body.details["client_host"] == "client.example")
    }

    @Test("a client known by name is no address")
    func hostName() throws {
        let record = try record(#"crawl-1.bot.example - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1"#)
        #expect(record.body.client == nil && record.body.details["client_host"] == "crawl-1.bot.example")
    }

    @Test("fields behind the agent are kept as they are, and do not hide the line")
    func extraFields() throws {
        let line = Self.head + #""GET / HTTP/1.1" 200 5 "-" "agent" "10.1.1.1, 10.2.2.2" 0.003"#
        #expect(try record(line).body.details["extra"] == #""10.1.1.1, 10.2.2.2" 0.003"#)
        #expect(try !record(Self.head + #""GET / HTTP/1.1" 200 5 "-" "agent" "-""#).has("extra"))
    }

    @Test("user names with spaces, brackets and dates do not move the time")
    func userNames() throws {
        let spaced = try record(#"192.0.2.1 - John Q. Doe [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#)
        #expect(spaced.user == "John Q. Doe")
        let forged =
            #"192.0.2.1 - x [01/Jan/2001:00:00:00 +0000] \"GET / HTTP/1.1\" 200 5 [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 401 5"#
        let record = try record(forged)
        #expect(record.status == 401 && record.time == Timestamp("2015-05-17T10:05:03Z"))
        #expect(try LogFormatsTests.record(#"192.0.2.1 - "" [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#).user == nil)
    }

    @Test("a status and a size inside the request do not become the line's")
    func forgedStatus() throws {
        let record = try record(Self.head + #""GET /x\" 200 5 \"-\" \"y HTTP/1.1" 404 7 "-" "z""#)
        #expect(record.status == 404 && record.body.details["bytes"] == 7)
        #expect(record.body.path == #"/x" 200 5 "-" "y"#)
    }

    @Test("a line cut after its time is still an event, and says so")
    func cutLines() throws {
        let whole = Self.head + #""GET /images/googledotcom.png HTTP/1.1" 200 65748 "http://ref/" "Mozilla/5.0 (compatible)""#
        for length in (Self.head.count + 1)..<whole.count {
            let record = try record(String(whole.prefix(length)))
            #expect(record.ip == "203.0.113.9" && record.time == Timestamp("2015-05-17T10:05:03Z"))
        }
        let cut = try record(String(whole.dropLast(5)))
        #expect(cut.status == 200 && cut.body.details["truncated"] == true && cut.body.client?.userAgent == "Mozilla/5.0 (compati")
        #expect(try !record(whole).has("truncated"))
    }

    @Test(
        "an impossible time is refused, never moved",
        arguments: [
            "17/Foo/2015:10:05:03 +0000", "31/Feb/2015:10:05:03 +0000", "17/May/2015:25:05:03 +0000", "17/May/2015:10:05:03 +9999",
            "17/May/0000:10:05:03 +0000", "17/May/9999:10:05:03 +0000", "31/Dec/1969:23:59:59 +0000", "17/May/2015:10:05:03",
        ])
    func badTimes(time: String) {
        let line = lines(#"192.0.2.1 - - [\#(time)] "GET / HTTP/1.1" 200 5"#)[0]
        #expect(line.rejection != nil, "\(line)")
    }

    @Test("ten minutes ahead of now are tolerated, more is the future")
    func future() throws {
        func at(_ time: String) -> LogLine { lines(#"192.0.2.1 - - [\#(time)] "GET / HTTP/1.1" 200 5"#)[0] }
        #expect(at("23/Nov/2026:12:10:00 +0000").record != nil)
        #expect(at("23/Nov/2026:12:10:01 +0000").rejection?.contains("in the future") == true)
    }

    @Test(
        "clients are written alike: RFC 5952, mapped addresses as IPv4, no zone",
        arguments: [
            ("2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("::1", "::1"), ("::", "::"),
            ("fe80::1%eth0", "fe80::1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
            ("[2001:db8::1]", "2001:db8::1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ])
    func addresses(written: String, ip: String) throws {
        #expect(try record(written + #" - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#).ip == ip)
    }

    @Test("what is neither address nor name is kept as text", arguments: ["192.0.2.256", "1.2.3", "192.030.0.6", "1::2::3", "-", "a$b"])
    func noAddress(written: String) throws {
        let record = try record(written + #" - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#)
        #expect(record.body.client == nil && record.body.details["client"]?.string == written)
    }

    @Test("invalid UTF-8 and NUL become visible text, terminal escapes stay data")
    func bytes() throws {
        var line = Array((Self.head + #""GET /"#).utf8)
        line += [0xff, 0x00, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xc3, 0xa4, 0xc3]
        line += Array(#" HTTP/1.1" 200 5 "-" "x""#.utf8)
        var parser = parser()
        let record = try #require(parser.parse(line).record)
        #expect(record.body.path == "/\\xff\\u0000\u{1b}[31mä\\xc3")
    }
}
