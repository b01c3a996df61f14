import AuditEvents
import AuditTesting
import LogFormats
import Testing

/// What a client can put into a line neither traps, nor leaks, nor costs without bound.
@Suite struct HostileLineTests {
    static let secret = "Hunter2-Secret-Value"

    /// Lines whose secrets stand where their programs write them.
    static let planted: [String] = [
        ServiceLines.caddy401.replacing("REDACTED", with: "Basic \(secret)"),
        ServiceLines.caddy401.replacing("x=1", with: "password=\(secret)"),
        ServiceLines.vault.replacing("hmac-sha256:aa", with: secret), ServiceLines.vault.replacing("hmac-sha256:bb", with: secret),
        ServiceLines.authentik.replacing("********", with: secret),
        ServiceLines.keycloak.replacing("https://a.example/", with: "https://a.example/?access_token=\(secret)"),
        ServiceLines.haproxy.replacing("/x?y", with: "/x?token=\(secret)"),
        ServiceLines.envoy.replacing("/api/v1", with: "/api?api_key=\(secret)"),
        ServiceLines.traefikJSON.replacing("/dashboard/", with: "/d?password=\(secret)"),
        ServiceLines.okta.replacing(#""target":null"#, with: #""authenticationContext":{"externalSessionId":"\#(secret)"},"target":null"#),
        ServiceLines.cloudTrail.replacing(#""eventID":"e1""#, with: #""requestParameters":{"password":"\#(secret)"},"eventID":"e1""#),
        ServiceLines.grafana.replacing("referer=", with: "referer=https://a.example/?token=\(secret)"),
    ]

    static func stored(_ record: LogRecord) -> String? {
        let header = EventHeader(
            id: EventID(time: record.time, entropy: 1), source: "log", type: record.type, outcome: record.outcome, reason: record.reason,
            method: record.method, route: record.route, status: record.status)
        guard let event = try? EventEncoder().encode(AuditEvent(header: header, body: record.body), now: now) else { return nil }
        return String(decoding: event.body, as: UTF8.self) + (event.header.reason ?? "") + (event.header.route ?? "")
    }

    @Test("planted secrets are stored of no line, whole or cut or changed before the secret")
    func secrets() throws {
        var generator = SeededGenerator(seed: 7)
        for line in Self.planted {
            let bytes = Array(line.utf8)
            let place = try #require(bytes.firstRange(of: Array(Self.secret.utf8)))
            #expect(Self.stored(try record(line))?.contains("Hunter2") == false, "\(line)")
            for length in 0..<bytes.count {
                var parser = parser()
                guard let record = parser.parse(bytes[..<length]).record else { continue }
                #expect(Self.stored(record)?.contains("Hunter2") != true, "cut at \(length): \(line)")
            }
            // Behind the secret anything may change; before it, what names the secret may not.
            for _ in 0..<300 {
                var changed = bytes
                changed[Int.random(in: place.upperBound..<bytes.count, using: &generator)] ^= 1 << UInt8(generator.next() % 8)
                var parser = parser()
                guard let record = parser.parse(changed).record else { continue }
                #expect(Self.stored(record)?.contains("Hunter2") != true, "\(String(decoding: changed, as: UTF8.self))")
            }
        }
    }

    @Test("lines of a megabyte, nested and repeated JSON, binary")
    func large() {
        let long = String(repeating: "a", count: 1_000_000)
        let hostile = [
            "{" + long, "[" + long, long + "=", "{\"a\":" + String(repeating: "[", count: 500_000),
            String(repeating: "{\"a\":", count: 200_000),
            "{\"type\":\"x\",\"type\":\"y\"}", "{\"request\":{\"method\":1,\"uri\":[],\"x\":\"\(long)\"},\"ts\":1e308,\"status\":1e400}",
            ServiceLines.keycloakHead + "type=" + String(repeating: "a=b, ", count: 100_000),
            ServiceLines.giteaHead
                + "Failed authentication attempt for " + String(repeating: " from 192.0.2.9:1: ", count: 50_000),
            ServiceLines.envoy + String(repeating: "\" \"", count: 200_000),
            "2024-05-06 20:40:16 UTC [1] " + String(repeating: "192.0.2.9 ", count: 100_000) + "FATAL:  x",
            "2024-05-06 20:40:16 UTC," + String(repeating: "\"\",", count: 300_000), "t=1 " + String(repeating: "a=\"b\" ", count: 100_000),
            ApacheErrorTests.old + "user " + String(repeating: " not found: ", count: 80_000),
            "\u{0}\u{1}\u{2}\u{7f}" + long,
        ]
        var parser = parser()
        for line in hostile {
            for cut in [line.utf8.count, 65_536] { FuzzTests.check(parser.parse(Array(line.utf8.prefix(cut))), Array("hostile".utf8)) }
        }
    }

    @Test("two members of one name are refused, lone surrogates and invalid bytes are not")
    func json() throws {
        #expect(
            lines(ServiceLines.okta.replacing(#""uuid":"u1""#, with: #""uuid":"u1","uuid":"u2""#))[0].rejection?.contains("JSON") == true)
        #expect(try record(ServiceLines.okta.replacing("joe@", with: #"\ud800joe@"#)).user == "\u{FFFD}joe@a.example")
        var bytes = Array(ServiceLines.okta.utf8)
        let place = try #require(bytes.firstRange(of: Array("joe@".utf8)))
        bytes.insert(0xff, at: place.lowerBound)
        var parser = parser()
        #expect(parser.parse(bytes).record?.user == "\u{FFFD}joe@a.example")
    }

    @Test("impossible times are refused, not moved")
    func times() {
        for line in [
            ServiceLines.okta, ServiceLines.vault, ServiceLines.keycloak, ServiceLines.postgres, ServiceLines.envoy, ServiceLines.authelia,
        ] {
            #expect(lines(line.replacing("2024-05-06", with: "2024-02-31"))[0].rejection != nil, "\(line)")
            #expect(lines(line.replacing("2024-05-06", with: "2099-05-06"))[0].rejection?.contains("future") == true, "\(line)")
        }
    }
}
