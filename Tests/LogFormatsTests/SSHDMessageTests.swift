import AuditEvents
import LogFormats
import Testing

/// Each message by itself.
@Suite struct SSHDMessageTests {
    static let head = "Feb 12 14:10:21 host sshd[123]: "

    struct Case: Sendable, CustomTestStringConvertible {
        var message: String
        var type: EventType
        var reason: String?
        var user: String?
        var ip: String? = "192.0.2.7"
        var port: UInt16? = 53502
        var testDescription: String { message }
    }

    static let failures: [Case] = [
        Case(message: "Failed password for root from 192.0.2.7 port 53502 ssh2", type: .loginFailure, reason: "bad_password", user: "root"),
        Case(
            message: "Failed password for invalid user admin from 192.0.2.7 port 53502 ssh2", type: .loginFailure,
            reason: "unknown_account",
            user: "admin"),
        Case(
            message: "Failed password for illegal user admin from ::ffff:192.0.2.7 port 53502 ssh2", type: .loginFailure,
            reason: "unknown_account", user: "admin"),
        Case(
            message: "Failed keyboard-interactive/pam for root from 2001:db8::7 port 53502 ssh2", type: .loginFailure,
            reason: "bad_password",
            user: "root", ip: "2001:db8::7"),
        Case(
            message: "Failed none for invalid user  from 192.0.2.7 port 53502 ssh2", type: .loginFailure, reason: "unknown_account",
            user: ""),
        Case(
            message:
                "Failed publickey for invalid user git from 192.0.2.7 port 53502 ssh2: RSA SHA256:v3dpapGleDaUKf4V1vKyR9ZyUgjaJAmoCTcb2PLljI",
            type: .loginFailure, reason: "unknown_account", user: "git"),
        Case(
            message: "Failed unknown for invalid user x from 192.0.2.7 port 53502 ssh2", type: .loginFailure, reason: "unknown_account",
            user: "x"),
        Case(
            message: "Failed password for invalid user ROOT from 192.0.2.7", type: .loginFailure, reason: "unknown_account", user: "ROOT",
            port: nil),
        Case(message: "Invalid user pascal from 192.0.2.7 port 53502", type: .loginFailure, reason: "unknown_account", user: "pascal"),
        Case(message: "Invalid user pascal from 192.0.2.7", type: .loginFailure, reason: "unknown_account", user: "pascal", port: nil),
        Case(message: "Invalid user  from 192.0.2.7 port 53502", type: .loginFailure, reason: "unknown_account", user: ""),
        Case(message: "Invalid user from 192.0.2.7 port 53502", type: .loginFailure, reason: "unknown_account", user: ""),
        Case(message: "Illegal user test from 192.0.2.7", type: .loginFailure, reason: "unknown_account", user: "test", port: nil),
        Case(
            message: "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
            type: .loginFailure, reason: "bad_password", user: "root", port: nil),
        Case(
            message: "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 ",
            type: .loginFailure, reason: "unknown_account", user: nil, port: nil),
        Case(
            message: "pam_sss(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 user=bob",
            type: .loginFailure, reason: "bad_password", user: "bob", port: nil),
        Case(
            message: "error: PAM: Authentication failure for root from 192.0.2.7", type: .loginFailure, reason: "bad_password",
            user: "root",
            port: nil),
        Case(
            message: "error: PAM: authentication error for james from 192.0.2.7 via 198.51.100.1", type: .loginFailure,
            reason: "bad_password",
            user: "james", port: nil),
        Case(
            message: "PAM: Permission denied for root from 192.0.2.7", type: .loginFailure, reason: "not_allowed", user: "root", port: nil),
        Case(
            message: "error: PAM: User not known to the underlying authentication module for illegal user x y from 192.0.2.7 ",
            type: .loginFailure, reason: "unknown_account", user: "x y", port: nil),
        Case(
            message: "error: PAM: Have exhausted maximum number of retries for service for root from 192.0.2.7", type: .loginFailure,
            reason: "bad_password", user: "root", port: nil),
        Case(
            message: "User root from 192.0.2.7 not allowed because not listed in AllowUsers", type: .loginFailure, reason: "not_allowed",
            user: "root", port: nil),
        Case(message: "ROOT LOGIN REFUSED FROM 192.0.2.7 port 53502 [preauth]", type: .loginFailure, reason: "not_allowed", user: "root"),
        Case(
            message:
                "Authentication tried for bob with correct key but not from a permitted host (host=h.example, ip=192.0.2.7, required=a).",
            type: .loginFailure, reason: "not_allowed", user: "bob", port: nil),
        Case(
            message: "error: maximum authentication attempts exceeded for root from 192.0.2.7 port 53502 ssh2 [preauth]",
            type: .loginFailureMaximum, reason: "too_many_attempts", user: "root"),
        Case(
            message: "error: maximum authentication attempts exceeded for invalid user a b from 192.0.2.7 port 53502 ssh2 [preauth]",
            type: .loginFailureMaximum, reason: "too_many_attempts", user: "a b"),
        Case(
            message: "Disconnecting authenticating user root 192.0.2.7 port 53502: Too many authentication failures [preauth]",
            type: .loginFailureMaximum, reason: "too_many_attempts", user: "root"),
    ]

    static let others: [Case] = [
        Case(message: "Accepted password for bob from 192.0.2.7 port 53502 ssh2", type: .loginSuccess, user: "bob"),
        Case(message: "Connection closed by 192.0.2.7 port 53502 [preauth]", type: .authenticationAborted, reason: "closed_by_client"),
        Case(message: "Connection closed by 192.0.2.7 [preauth]", type: .authenticationAborted, reason: "closed_by_client", port: nil),
        Case(message: "Connection reset by 192.0.2.7 port 53502 [preauth]", type: .authenticationAborted, reason: "reset_by_client"),
        Case(
            message: "Connection closed by authenticating user root 192.0.2.7 port 53502 [preauth]", type: .authenticationAborted,
            reason: "closed_while_authenticating", user: "root"),
        Case(
            message: "Connection closed by invalid user  192.0.2.7 port 53502 [preauth]", type: .authenticationAborted,
            reason: "closed_by_client", user: ""),
        Case(
            message: "Disconnected from authenticating user root 192.0.2.7 port 53502 [preauth]", type: .authenticationAborted,
            reason: "closed_while_authenticating", user: "root"),
        Case(message: "Disconnected from 192.0.2.7 port 53502 [preauth]", type: .authenticationAborted, reason: "closed_by_client"),
        Case(
            message: "Received disconnect from 192.0.2.7 port 53502:11: Bye Bye [preauth]", type: .authenticationAborted,
            reason: "closed_by_client"),
        Case(
            message: "error: Received disconnect from 192.0.2.7: 3: com.jcraft.jsch.JSchException: Auth fail [preauth]",
            type: .authenticationAborted, reason: "closed_by_client", port: nil),
        Case(
            message: "error: Received disconnect from 192.0.2.7 port 53502:14: No supported authentication methods available [preauth]",
            type: .authenticationAborted, reason: "no_supported_method"),
        Case(
            message: "Did not receive identification string from 192.0.2.7 port 53502", type: .authenticationAborted,
            reason: "no_identification"),
        Case(
            message: "Bad protocol version identification '\\026\\003\\001' from 192.0.2.7 port 53502", type: .authenticationAborted,
            reason: "bad_protocol_version"),
        Case(
            message:
                "Unable to negotiate with 192.0.2.7 port 53502: no matching cipher found. Their offer: aes256-cbc from 6.6.6.6 port 1 [preauth]",
            type: .authenticationAborted, reason: "negotiation_failed"),
        Case(
            message: "fatal: Unable to negotiate with 192.0.2.7 port 53502: no matching host key type found. Their offer: ssh-dss",
            type: .authenticationAborted, reason: "negotiation_failed"),
        Case(
            message: "banner exchange: Connection from 192.0.2.7 port 53502: invalid format", type: .authenticationAborted,
            reason: "bad_banner"),
        Case(message: "fatal: Timeout before authentication for 192.0.2.7 port 53502", type: .authenticationAborted, reason: "timeout"),
        Case(
            message: "Timeout before authentication for connection from 192.0.2.7 to 198.51.100.1, pid = 77", type: .authenticationAborted,
            reason: "timeout", port: nil),
        Case(
            message: "ssh_dispatch_run_fatal: Connection from 192.0.2.7 port 53502: Connection corrupted [preauth]",
            type: .authenticationAborted, reason: "protocol_error"),
        Case(
            message:
                "Disconnecting invalid user admin 192.0.2.7 port 53502: Change of username or service not allowed: (admin,ssh-connection) -> (u port 1,ssh-connection) [preauth]",
            type: .authenticationAborted, reason: "change_of_user", user: "admin"),
        Case(
            message: "drop connection #10 from [192.0.2.7]:53502 on [198.51.100.1]:22 past MaxStartups", type: .rateLimitExceeded,
            reason: "max_startups"),
        Case(
            message: "drop connection #0 from [192.0.2.7]:53502 on [198.51.100.1]:22 penalty: failed authentication",
            type: .rateLimitExceeded,
            reason: "penalty"),
        Case(
            message: "refused connect from evil.example (192.0.2.7)", type: .authorizationFailure, reason: "refused_by_rule", port: nil),
    ]

    @Test("a message means one thing, from the place where sshd wrote it", arguments: failures + others)
    func message(_ expected: Case) throws {
        let record = try record(Self.head + expected.message)
        #expect(record.type == expected.type && record.reason == expected.reason && record.user == expected.user)
        #expect(record.ip == expected.ip && record.body.client?.port == expected.port)
        #expect(record.body.target == "host" && record.body.service == "sshd" && record.repetitions == 1)
        #expect(record.body.details["pid"] == 123)
    }

    @Test(
        "messages without meaning for security are skipped",
        arguments: [
            "Server listening on 0.0.0.0 port 22.", "Received signal 15; terminating.", "pam_unix(sshd:auth): check pass; user unknown",
            "input_userauth_request: invalid user x [preauth]", "Postponed publickey for git from 192.0.2.7 port 1 ssh2 [preauth]",
            "Connection from 192.0.2.7 port 53502 on 198.51.100.1 port 22", "Disconnected from user bob 192.0.2.7 port 53502",
            "Received disconnect from 192.0.2.7 port 53502:11: disconnected by user", "Failed none for root from 192.0.2.7 port 1 ssh2",
            "Failed publickey for git from 192.0.2.7 port 57904 ssh2: RSA 04:bc:00:00", "PAM service(sshd) ignoring max retries; 6 > 3",
            "Failed to allocate internet-domain X11 display socket.", "Connection closed by user bob 192.0.2.7 port 53502",
            "error: kex_exchange_identification: Connection closed by remote host", "Connection closed by remote host [preauth]",
            "Address 192.0.2.7 maps to h.example, but this does not map back to the address - POSSIBLE BREAK-IN ATTEMPT!",
            "reverse mapping checking getaddrinfo for h.example [192.0.2.7] failed - POSSIBLE BREAK-IN ATTEMPT!",
            "pam_systemd(sshd:session): Failed to release session: Interrupted system call",
        ])
    func skipped(message: String) { #expect(lines(Self.head + message)[0].isSkipped) }

    @Test(
        "names that imitate sshd's words do not name the address",
        arguments: [
            ("Failed password for invalid user root from 1.2.3.4 from 5.6.7.8 port 22 ssh2", "root from 1.2.3.4"),
            ("Failed password for invalid user test from 1.2.3.4 port 5 ssh2 from 5.6.7.8 port 22 ssh2", "test from 1.2.3.4 port 5 ssh2"),
            ("Failed password for invalid user from 1.2.3.4 from 5.6.7.8 port 22 ssh2", "from 1.2.3.4"),
            ("Invalid user x from 1.2.3.4 port 5 from 5.6.7.8 port 22", "x from 1.2.3.4 port 5"),
            ("Connection closed by authenticating user test 1.2.3.4 port 12345 5.6.7.8 port 22 [preauth]", "test 1.2.3.4 port 12345"),
            ("Connection closed by invalid user test 1.2.3.4 5.6.7.8 port 22 [preauth]", "test 1.2.3.4"),
            (
                "error: maximum authentication attempts exceeded for invalid user x from 1.2.3.4 port 5 ssh2 from 5.6.7.8 port 22 ssh2 [preauth]",
                "x from 1.2.3.4 port 5 ssh2"
            ),
            ("Failed password for root from 5.6.7.8 port 22 ssh1: ruser from 1.2.3.4", "root"),
            (#"Invalid user a\nb#012c from 5.6.7.8 port 22"#, #"a\nb#012c"#),
            ("Bad protocol version identification 'x' from 1.2.3.4 port 5' from 5.6.7.8 port 22", nil),
            ("refused connect from (1.2.3.4) (5.6.7.8)", nil),
            ("error: PAM: User not known to the underlying authentication module for illegal user x from 1.2.3.4 from 5.6.7.8", nil),
        ])
    func injection(message: String, user: String?) {
        let line = lines(Self.head + message)[0]
        if let record = line.record {
            #expect(record.ip == "5.6.7.8")
            if let user { #expect(record.user == user) }
        } else {
            #expect(line.rejection != nil && user == nil, "\(line)")
        }
    }

    @Test("a cut line whose address may be part of the name is refused")
    func cutInjection() {
        let whole = Self.head + "Failed password for invalid user x from 1.2.3.4 from 5.6.7.8 port 22 ssh2"
        // From the blank behind the imitated address to within the real one.
        for length in (whole.count - 24)..<(whole.count - 13) {
            let line = lines(String(whole.prefix(length)))[0]
            #expect(line.record == nil, "\(whole.prefix(length))")
        }
    }

    @Test("an accepted key gives its type and fingerprint, an accepted root is privileged")
    func accepted() throws {
        let record = try record(
            Self.head + "Accepted publickey for root from 192.0.2.7 port 53502 ssh2: ED25519 SHA256:abcdefghijklmnopqrstuvwxyz")
        #expect(record.type == .loginSuccess && record.outcome == .success && record.privileged && record.actorKind == .user)
        #expect(record.body.details["method"] == "publickey" && record.body.details["key_type"] == "ED25519")
        #expect(record.body.details["key_fingerprint"] == "SHA256:abcdefghijklmnopqrstuvwxyz")
    }
}
