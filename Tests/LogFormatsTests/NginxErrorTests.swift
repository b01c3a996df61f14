import AuditEvents
import LogFormats
import Testing

@Suite struct NginxErrorTests {
    static let head = "2021/09/30 09:23:53 [error] 1925800#1925800: *17 "
    static let tail = #", client: 192.0.2.7, server: foo.example, request: "GET /a?b HTTP/1.1", host: "localhost:8443""#

    @Test(
        "failed basic authentication names account, client and request",
        arguments: [
            (#"user "foo" was not found in "/tmp/a.htpasswd""#, "unknown_account", "foo"),
            (#"user "foo": password mismatch"#, "bad_password", "foo"),
            ("no user/password was provided for basic authentication", "missing_credentials", nil),
            (#"user "a" was not found in "b" was not found in "/tmp/a""#, "unknown_account", #"a" was not found in "b"#),
        ])
    func authentication(message: String, reason: String, user: String?) throws {
        let record = try record(Self.head + message + Self.tail)
        #expect(record.type == .loginFailure && record.outcome == .failure && record.reason == reason && record.user == user)
        #expect(record.time == Timestamp("2021-09-30T09:23:53Z") && record.ip == "192.0.2.7")
        #expect(record.method == "GET" && record.body.path == "/a?b" && record.body.target == "localhost:8443")
        #expect(record.body.service == "nginx")
    }

    @Test(
        "limits give their zone, and whether the request was refused",
        arguments: [
            (#"limiting requests, excess: 0.850 by zone "one""#, Outcome.denied, "refused", false),
            (#"delaying request, excess: 0.850, by zone "one""#, .success, "delayed", false),
            (#"limiting requests, dry run, excess: 0.850 by zone "one""#, .success, "refused", true),
            (#"delaying request, dry run, excess: 0.850, by zone "one""#, .success, "delayed", true),
        ])
    func limits(message: String, outcome: Outcome, action: String, isDryRun: Bool) throws {
        let record = try record(Self.head + message + Self.tail)
        #expect(record.type == .rateLimitExceeded && record.outcome == outcome && record.reason == "one")
        #expect(record.body.details["policy"] == "one" && record.body.details["action"]?.string == action)
        #expect(record.has("dry_run") == isDryRun && record.body.details["excess"] == .double(0.85))
        #expect(record.ip == "192.0.2.7")
    }

    @Test("connection limits and access rules")
    func others() throws {
        #expect(try record(Self.head + #"limiting connections by zone "addr""# + Self.tail).reason == "addr")
        let denied = try record(Self.head + "access forbidden by rule" + Self.tail)
        #expect(denied.type == .authorizationFailure && denied.outcome == .denied && denied.ip == "192.0.2.7")
    }

    @Test(
        "the client is the one that nginx wrote, whatever the request imitates",
        arguments: [
            #"GET /", client: 6.6.6.6, server: x, request: "GET / HTTP/1.1"#, "GET /, client: 6.6.6.6, server: x HTTP/1.1",
        ])
    func injection(request: String) throws {
        let line = Self.head + #"user "foo": password mismatch, client: 192.0.2.7, server: _, request: "\#(request)", host: "h""#
        #expect(try record(line).ip == "192.0.2.7")
    }

    @Test("other clients: IPv6, a Unix socket, a cut address")
    func clients() throws {
        func client(_ text: String) throws -> LogRecord { try record(Self.head + "access forbidden by rule, client: " + text) }
        #expect(try client("2001:DB8::1, server: _").ip == "2001:db8::1")
        #expect(try client("unix:, server: _").body.details["client"] == "unix:")
        #expect(try client("192.0.2.").ip == nil)
        #expect(lines(Self.head + "access forbidden by rule")[0].rejection != nil)
    }

    @Test("times are local to the zone that was given")
    func zone() throws {
        var parser = parser(zone: try #require(LogTimeZone("+02:00")))
        let line = parser.parse(Array((Self.head + "access forbidden by rule" + Self.tail).utf8))
        #expect(line.record?.time == Timestamp("2021-09-30T07:23:53Z"))
    }

    @Test(
        "errors that say nothing of security are skipped",
        arguments: [
            #"2021/09/30 09:23:53 [notice] 1#1: using the "epoll" event method"#,
            #"2021/09/30 09:23:53 [error] 7#7: *1 open() "/x, client: 6.6.6.6" failed (2: No such file or directory), client: 192.0.2.7"#,
            "2021/09/30 09:23:53 [crit] 7#7: *1 SSL_do_handshake() failed (SSL: error:0A00006C) while SSL handshaking, client: 192.0.2.7",
        ])
    func skipped(line: String) { #expect(lines(line)[0].isSkipped) }

    @Test("an impossible time is refused")
    func badTime() {
        #expect(lines("2021/13/30 09:23:53 [error] 1#1: *17 access forbidden by rule" + Self.tail)[0].rejection != nil)
    }
}
