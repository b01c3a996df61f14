import AuditEvents
import LogFormats
import Testing

/// Several lines about one thing.
@Suite struct SSHDAttemptTests {
    /// Lines of one log: `pid message`.
    static func records(_ messages: String) -> [LogRecord] {
        LogFormatsTests.records(
            messages.split(separator: "\n").map { line in
                let parts = line.split(separator: " ", maxSplits: 1)
                return "Feb 12 14:10:21 host sshd[\(parts[0])]: \(parts[1])"
            }.joined(separator: "\n"))
    }

    static func failures(_ messages: String) -> Int {
        records(messages).filter { $0.type == .loginFailure }.reduce(0) { $0 + $1.repetitions }
    }

    static let pam = "authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 "

    @Test("an unknown account's failed login is one event, though four lines tell of it")
    func unknownAccount() {
        let records = Self.records(
            """
            7 Invalid user pi from 192.0.2.7 port 4242
            7 input_userauth_request: invalid user pi [preauth]
            7 Failed none for invalid user pi from 192.0.2.7 port 4242 ssh2
            7 pam_unix(sshd:auth): check pass; user unknown
            7 pam_unix(sshd:auth): \(Self.pam)
            7 Failed password for invalid user pi from 192.0.2.7 port 4242 ssh2
            7 Connection closed by invalid user pi 192.0.2.7 port 4242 [preauth]
            """)
        #expect(records.map(\.type) == [.loginFailure, .authenticationAborted])
        #expect(records[0].reason == "unknown_account" && records[0].user == "pi")
        #expect(records[1].body.details["failed_attempts"] == 1)
    }

    @Test("each further password on the connection is a further event")
    func severalPasswords() {
        #expect(
            Self.failures(
                """
                7 Invalid user pi from 192.0.2.7 port 4242
                7 pam_unix(sshd:auth): \(Self.pam)
                7 Failed password for invalid user pi from 192.0.2.7 port 4242 ssh2
                7 Failed password for invalid user pi from 192.0.2.7 port 4242 ssh2
                7 Failed password for invalid user pi from 192.0.2.7 port 4242 ssh2
                7 PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7
                """) == 3)
    }

    @Test("a known account: PAM's line and sshd's are one attempt, repetitions and PAM's sum are counted once")
    func knownAccount() {
        #expect(
            Self.failures(
                """
                7 pam_unix(sshd:auth): \(Self.pam) user=root
                7 Failed password for root from 192.0.2.7 port 4242 ssh2
                7 message repeated 5 times: [ Failed password for root from 192.0.2.7 port 4242 ssh2]
                7 error: maximum authentication attempts exceeded for root from 192.0.2.7 port 4242 ssh2 [preauth]
                7 Disconnecting authenticating user root 192.0.2.7 port 4242: Too many authentication failures [preauth]
                7 PAM 5 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root
                7 PAM service(sshd) ignoring max retries; 6 > 3
                """) == 6)
    }

    @Test("PAM alone: its first line and its sum")
    func pamAlone() {
        let lines = """
            7 pam_unix(sshd:auth): \(Self.pam) user=root
            7 PAM 4 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root
            """
        #expect(Self.failures(lines) == 5)
        #expect(Self.failures("8 PAM 4 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root") == 4)
    }

    @Test("two modules of PAM tell of one attempt")
    func twoModules() {
        #expect(
            Self.failures(
                """
                7 pam_unix(sshd:auth): \(Self.pam) user=bob
                7 pam_sss(sshd:auth): \(Self.pam) user=bob
                7 Failed password for bob from 192.0.2.7 port 4242 ssh2
                """) == 1)
    }

    @Test("keyboard-interactive: PAM runs in a process of its own for each attempt")
    func keyboardInteractive() {
        #expect(
            Self.failures(
                """
                8 pam_unix(sshd:auth): \(Self.pam) user=root
                7 error: PAM: Authentication failure for root from 192.0.2.7
                9 pam_unix(sshd:auth): \(Self.pam) user=root
                7 error: PAM: Authentication failure for root from 192.0.2.7
                7 Failed keyboard-interactive/pam for root from 192.0.2.7 port 4242 ssh2
                10 pam_unix(sshd:auth): \(Self.pam) user=root
                7 error: PAM: Authentication failure for root from 192.0.2.7
                7 Failed keyboard-interactive/pam for root from 192.0.2.7 port 4242 ssh2
                """) == 3)
    }

    @Test("keyboard-interactive of an unknown account")
    func keyboardInteractiveUnknown() {
        #expect(
            Self.failures(
                """
                7 Invalid user pi from 192.0.2.7 port 4242
                8 pam_unix(sshd:auth): check pass; user unknown
                8 pam_unix(sshd:auth): \(Self.pam)
                7 error: PAM: User not known to the underlying authentication module for illegal user pi from 192.0.2.7
                7 Failed keyboard-interactive/pam for invalid user pi from 192.0.2.7 port 4242 ssh2
                """) == 1)
    }

    @Test("parallel connections of one attacker stay apart")
    func parallel() {
        #expect(
            Self.failures(
                """
                1 Failed password for root from 192.0.2.7 port 1001 ssh2
                2 Failed password for root from 192.0.2.7 port 1002 ssh2
                3 Invalid user a from 192.0.2.7 port 1003
                4 Invalid user a from 192.0.2.7 port 1004
                3 Failed password for invalid user a from 192.0.2.7 port 1003 ssh2
                4 Failed password for invalid user a from 192.0.2.7 port 1004 ssh2
                """) == 4)
    }

    @Test("other names on one connection, or one name said again, are new attempts")
    func namesInTurn() {
        #expect(Self.failures("7 Invalid user a from 192.0.2.7 port 1\n7 Invalid user b from 192.0.2.7 port 1") == 2)
        #expect(Self.failures("7 Invalid user a from 192.0.2.7 port 1\n7 Invalid user a from 192.0.2.7 port 1") == 2)
        #expect(
            Self.failures("7 Invalid user a from 192.0.2.7 port 1\n7 Failed password for invalid user a from 192.0.2.7 port 2 ssh2") == 2)
        #expect(
            Self.failures("7 Invalid user a from 192.0.2.7 port 1\n7 Failed password for invalid user a from 192.0.2.8 port 1 ssh2") == 2)
    }

    @Test("a log without process ids keeps attempts apart by address")
    func noProcess() {
        let lines = """
            Mar  3 00:17:22 [sshd]: Invalid user a from 192.0.2.7 port 1
            Mar  3 00:17:22 [sshd]: Invalid user a from 192.0.2.8 port 1
            Mar  3 00:17:23 [sshd] Failed password for invalid user a from 192.0.2.7 port 1 ssh2
            """
        #expect(LogFormatsTests.records(lines).map(\.ip) == ["192.0.2.7", "192.0.2.8"])
    }

    @Test("a user who is not allowed: one event with its address, or sshd's next line gives it")
    func notAllowed() {
        let records = Self.records(
            """
            7 User root from 192.0.2.7 not allowed because not listed in AllowUsers
            7 Failed password for invalid user root from 192.0.2.7 port 4242 ssh2
            8 User bob not allowed because account is locked
            8 Failed password for invalid user bob from 192.0.2.8 port 4242 ssh2
            """)
        #expect(records.map(\.ip) == ["192.0.2.7", "192.0.2.8"])
        #expect(records[0].reason == "not_allowed" && records[0].body.details["note"] == "not listed in AllowUsers")
    }

    @Test("keys of an unknown account are one attempt, keys of a known one are no failure")
    func keys() {
        let key = "ssh2: RSA SHA256:v3dpapGleDaUKf4V1vKyR9ZyUgjaJAmoCTcb2PLljI"
        let records = Self.records(
            """
            7 Invalid user git from 192.0.2.7 port 4242
            7 Failed publickey for invalid user git from 192.0.2.7 port 4242 \(key)
            7 Failed publickey for invalid user git from 192.0.2.7 port 4242 \(key)
            8 Failed publickey for root from 192.0.2.8 port 4242 \(key)
            8 Failed publickey for root from 192.0.2.8 port 4242 \(key)
            8 Connection closed by authenticating user root 192.0.2.8 port 4242 [preauth]
            """)
        #expect(records.map(\.type) == [.loginFailure, .authenticationAborted])
        #expect(records[1].body.details["keys_refused"] == 2 && records[1].reason == "closed_while_authenticating")
    }

    @Test("a connection ends once, however many lines say so")
    func ends() {
        let records = Self.records(
            """
            7 Received disconnect from 192.0.2.7 port 4242:11: Bye Bye [preauth]
            7 Disconnected from 192.0.2.7 port 4242 [preauth]
            7 Connection closed by 192.0.2.7 port 4243 [preauth]
            """)
        #expect(records.map(\.body.client?.port) == [4242, 4243])
    }

    @Test("a session is the client's who was accepted")
    func session() {
        let records = Self.records(
            """
            7 Accepted password for bob from 192.0.2.7 port 4242 ssh2
            7 pam_unix(sshd:session): session opened for user bob(uid=1000) by (uid=0)
            9 Received disconnect from 192.0.2.7 port 4242:11: disconnected by user
            9 Disconnected from user bob 192.0.2.7 port 4242
            7 pam_unix(sshd:session): session closed for user bob
            """)
        #expect(records.map(\.type) == [.loginSuccess, .sessionCreated, .sessionEnded])
        #expect(records.allSatisfy { $0.ip == "192.0.2.7" && $0.user == "bob" && $0.outcome == .success })
    }

    @Test("where PAM knows the client by name, sshd's line with the address is the event")
    func hostNames() {
        let records = Self.records(
            """
            6 Server listening on 0.0.0.0 port 22.
            6 Failed password for root from 192.0.2.9 port 4000 ssh2
            7 pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=evil.example  user=root
            7 Failed password for root from 192.0.2.7 port 4242 ssh2
            """)
        #expect(records.map(\.ip) == ["192.0.2.9", "192.0.2.7"])
        let refused = Self.records(
            """
            7 User root from evil.example not allowed because not listed in AllowUsers
            7 Failed password for invalid user root from 192.0.2.7 port 4242 ssh2
            """)
        #expect(refused.map(\.ip) == [nil, "192.0.2.7"], "an address is worth an event of its own")
        let old =
            "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=evil.example "
        #expect(LogFormatsTests.records(old).map { $0.body.details["client_host"] } == ["evil.example"])
    }

    @Test("repetitions count, with and without rsyslog's space, and as `last message repeated`")
    func repetitions() {
        func counts(_ line: String) -> [Int] { LogFormatsTests.records(line).map(\.repetitions) }
        let head = "Feb 12 14:10:21 host sshd[7]: "
        #expect(counts(head + "message repeated 3 times: [ Failed password for root from 192.0.2.7 port 22 ssh2]") == [3])
        #expect(counts(head + "message repeated 3 times: [Failed password for root from 192.0.2.7 port 22 ssh2]") == [3])
        #expect(counts(head + "message repeated 0 times: [ Failed password for root from 192.0.2.7 port 22 ssh2]") == [])
        let last = head + "Failed password for root from 192.0.2.7 port 22 ssh2\nFeb 12 14:10:40 host last message repeated 4 times"
        #expect(counts(last) == [1, 4])
        let other =
            head
            + "Failed password for root from 192.0.2.7 port 22 ssh2\nFeb 12 14:10:39 host cron[1]: x\nFeb 12 14:10:40 host last message repeated 4 times"
        #expect(counts(other) == [1])
        #expect(
            lines(head + "message repeated 999999999 times: [ Failed password for root from 192.0.2.7 port 22 ssh2]")[0].rejection != nil)
    }

    @Test("what is remembered of connections is bounded, and the latest are kept")
    func bounded() {
        var map = RecentMap<Int, Int>(capacity: 100)
        for i in 0..<10_000 {
            map[i] = i
            #expect(map.count <= 200)
        }
        #expect((9_900..<10_000).allSatisfy { map[$0] == $0 } && map[0] == nil)
        map[9_999] = nil
        #expect(map[9_999] == nil)
    }

    @Test("thirty thousand connections at once are as many attempts")
    func manyConnections() {
        var parser = parser()
        let records = (0..<30_000).compactMap { i in
            parser.parse(Array("Feb 12 14:10:21 host sshd[\(i)]: Invalid user u from 10.0.\(i / 256).\(i % 256) port 22".utf8)).record
        }
        #expect(records.count == 30_000)
    }
}
