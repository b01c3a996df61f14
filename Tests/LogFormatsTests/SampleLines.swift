import LogFormats

/// A good line of each kind, with its format.
enum SampleLines {
    static let all: [(line: String, format: LogFormat)] =
        access.map { ($0, .combined) } + nginx.map { ($0, .nginxError) } + sshd.map { ($0, .sshd) } + [(CardeaLineTests.text(), .cardea)]
        + ServiceLines.all

    static let access = [
        #"203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 203023 "http://x.example/" "Mozilla/5.0 (X; \"q\")""#,
        #"site.example:443 2001:db8::1 - joe [17/May/2015:10:05:03 -0330] "\x16\x03\x01" 400 - "-" "-" 0.003 "1.2.3.4""#,
        #"203.0.113.9 - - [2015-05-17T10:05:03+00:00] "POST / HTTP/2.0" 499 0"#,
    ]

    static let nginx = [
        NginxErrorTests.head + #"user "foo" was not found in "/tmp/a.htpasswd""# + NginxErrorTests.tail,
        NginxErrorTests.head + #"limiting requests, excess: 0.850 by zone "one""# + NginxErrorTests.tail,
    ]

    static let sshd =
        (SSHDMessageTests.failures + SSHDMessageTests.others).map { SSHDMessageTests.head + $0.message } + [
            "<38>1 2026-02-12T14:10:21.123456-04:00 h sshd 5 - [x a=\"]\\\"b\"] Failed password for invalid user a b from 192.0.2.7 port 22 ssh2",
            "2026-02-12T14:10:21.123456+01:00 host sshd-session[1]: message repeated 2 times: [ Failed password for root from 192.0.2.7 port 22 ssh2]",
            "Feb 12 14:10:21 host sshd[1]: PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
            "Feb 12 14:10:21 host sshd[1]: pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)",
        ]
}
