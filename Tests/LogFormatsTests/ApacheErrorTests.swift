import AuditEvents
import LogFormats
import Testing

@Suite struct ApacheErrorTests {
    static let old = "[Mon May 06 20:40:16 2024] [error] [client 192.0.2.7] "
    static let new = "[Mon May 06 20:40:16.353160 2024] [auth_basic:error] [pid 17512:tid 1401] [client 192.0.2.7:51390] "

    @Test(
        "what the authentication modules write is a failed login, in both layouts",
        arguments: [
            ("user joe not found: /x", "unknown_account", "joe", "/x"), ("AH01618: user joe not found: /x", "unknown_account", "joe", "/x"),
            ("user joe not found", "unknown_account", "joe", nil), ("user  not found: /x", "unknown_account", nil, "/x"),
            (#"AH01617: user joe: authentication failure for "/x": Password Mismatch"#, "bad_password", "joe", "/x"),
            ("Digest: user joe: password mismatch: /x", "bad_password", "joe", "/x"),
            ("AH01792: user joe: password mismatch: /x", "bad_password", "joe", "/x"),
            ("AH01790: user `joe' in realm `private' not found: /x", "unknown_account", "joe", "/x"),
            ("AH01614: client used wrong authentication scheme: /x", "wrong_scheme", nil, "/x"),
            ("AH01777: invalid nonce abc received - user attempted time travel", "invalid_nonce", nil, nil),
            ("AH01788: realm mismatch - got `a' but expected `b'", "realm_mismatch", nil, nil),
            ("AH01789: unknown algorithm `x' received: /x", "bad_request", nil, nil),
            ("user a: b: password mismatch: /x", "bad_password", "a: b", "/x"),
            ("user joe not found: /, referer: http://6.6.6.6/", "unknown_account", "joe", "/"),
        ] as [(String, String, String?, String?)])
    func failures(message: String, reason: String, user: String?, path: String?) throws {
        for head in [Self.old, Self.new] {
            let record = try record(head + message)
            #expect(record.type == .loginFailure && record.outcome == .failure && record.reason == reason)
            #expect(record.ip == "192.0.2.7" && record.user == user && record.body.path == path && record.body.service == "apache")
            #expect(record.time >= Timestamp("2024-05-06T20:40:16Z") ?? .epoch)
        }
    }

    @Test(
        "a rule that refuses is a failed authorization",
        arguments: [
            ("AH01630: client denied by server configuration: /var/www/x", "access_rule", nil),
            ("AH01797: client denied by server configuration: uri /x", "access_rule", nil),
            (#"AH01631: user joe: authorization failure for "/x": "#, "not_allowed", "joe"),
            ("AH01637: Authorization of user joe to access /x failed, reason: file owner dan does not match", "not_allowed", "joe"),
        ] as [(String, String, String?)])
    func denials(message: String, reason: String, user: String?) throws {
        let record = try record(Self.new + message)
        #expect(record.type == .authorizationFailure && record.outcome == .denied && record.reason == reason && record.user == user)
    }

    @Test("an IPv6 client has brackets of its own")
    func ipv6() throws {
        let head = "[Mon May 06 20:40:16 2024] [authz_core:error] [pid 1:tid 2] "
        #expect(try record(head + "[client [2001:db8::7]:51548] AH01618: user a not found: /").ip == "2001:db8::7")
        #expect(try record(head + "[client 2001:db8::7] user a not found: /").ip == "2001:db8::7")
    }

    @Test("a path that imitates a client and a message is only a path")
    func injection() throws {
        #expect(lines(Self.old + "File does not exist: /srv/[client 6.6.6.6] user root not found")[0].isSkipped)
        let record = try record(Self.old + "user x] [client 6.6.6.6] user y not found: /z")
        #expect(record.ip == "192.0.2.7" && record.user == "x] [client 6.6.6.6] user y")
        #expect(lines("[Mon May 06 20:40:16 2024] [notice] Apache configured")[0].isSkipped)
    }

    @Test("what httpd writes to a syslog is read as in its own log")
    func syslog() throws {
        var parser = parser(year: 2024)
        let sshd = "May  6 20:40:15 srv sshd[1]: Connection from 192.0.2.1 port 22"
        #expect(parser.parse(Array(sshd.utf8)).isSkipped)
        for program in ["httpd[22034]", "httpd/backend1[22034]", "apache2[1]"] {
            let line = "May  6 20:40:16 srv \(program): [authz_core:error] [pid 2] [client 192.0.2.7:58585] AH01618: user joe not found: /x"
            let record = try #require(parser.parse(Array(line.utf8)).record)
            #expect(record.ip == "192.0.2.7" && record.user == "joe" && record.time == Timestamp("2024-05-06T20:40:16Z"))
            #expect(parser.currentFormat == .apacheError)
        }
    }
}
