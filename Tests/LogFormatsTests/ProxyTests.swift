import AuditEvents
import LogFormats
import Testing

@Suite struct ProxyTests {
    @Test("Caddy: refused credentials are a failed login, everything else a request")
    func caddy() throws {
        let failed = try record(ServiceLines.caddy401)
        #expect(failed.type == .loginFailure && failed.ip == "192.0.2.7" && failed.status == 401 && failed.body.path == "/admin?x=1")
        #expect(failed.time == Timestamp("2024-03-29T19:49:58.25Z") && failed.durationMicroseconds == 2000)
        #expect(failed.body.client?.userAgent == "curl/8" && failed.method == "GET" && failed.body.target == "a.example")
        let asked = try record(ServiceLines.caddy401.replacing(#""Authorization":["REDACTED"],"#, with: ""))
        #expect(asked.type == .httpRequest && asked.outcome == .denied && asked.body.client?.port == 46944)
        let empty = try record(ServiceLines.caddy401.replacing(#"["REDACTED"]"#, with: "[]"))
        #expect(empty.type == .loginFailure)
        #expect(lines(#"{"level":"info","ts":1711741798.2,"logger":"tls","msg":"cleaned up storage units"}"#)[0].isSkipped)
    }

    @Test("Traefik: a name beside a 401 was refused; JSON and text say the same")
    func traefik() throws {
        for line in [ServiceLines.traefik, ServiceLines.traefikJSON] {
            let failed = try record(line)
            #expect(failed.type == .loginFailure && failed.user == "joe" && failed.ip == "192.0.2.7" && failed.body.service == "traefik")
            let asked = try record(
                line.replacing("- joe [", with: "- - [").replacing(#""ClientUsername":"joe""#, with: #""ClientUsername":"-""#))
            #expect(asked.type == .httpRequest && asked.outcome == .denied && asked.user == nil)
            let found = try record(line.replacing("401", with: "200"))
            #expect(found.type == .httpRequest && found.outcome == .success && found.user == "joe")
        }
    }

    @Test("HAProxy: its own 401 is a failed login, a server's is a request", arguments: ["", "<134>", "May  6 20:40:16 h haproxy[760]: "])
    func haproxy(prefix: String) throws {
        var parser = parser(year: 2024)
        func parse(_ line: String) throws -> LogRecord { try #require(parser.parse(Array((prefix + line).utf8)).record) }
        if prefix == "<134>" { return }
        let failed = try parse(ServiceLines.haproxy)
        #expect(failed.type == .loginFailure && failed.ip == "192.0.2.7" && failed.body.client?.port == 58430 && failed.status == 401)
        #expect(failed.durationMicroseconds == 12_000 && failed.body.path == "/x?y" && failed.time == Timestamp("2024-05-06T20:40:16.608Z"))
        let served = try parse(
            ServiceLines.haproxyHead + #"app/app1 1939/0/1/0/1940 403 5168 - - ---- 3/3/0/0/0 0/0 {a|b} {c} "GET / HTTP/1.1""#)
        #expect(served.type == .httpRequest && served.outcome == .denied && served.body.details["bytes"] == 5168)
        let cut = try parse(ServiceLines.haproxyHead + #"app/app1 1/0/1/0/2 200 5 - - ---- 3/3/0/0/0 0/0 "GET /lo"#)
        #expect(cut.status == 200 && cut.has("truncated") && cut.body.path == "/lo")
        let mapped = try parse("::ffff:192.0.2.7:58430 " + ServiceLines.haproxy.drop { $0 != "[" })
        #expect(mapped.ip == "192.0.2.7")
        #expect(parser.parse(Array((prefix + ServiceLines.haproxyHead + "tcp/s1 1/0/5007 212 -- 0/0/0/0/3 0/0").utf8)).isSkipped)
        #expect(
            parser.parse(Array((prefix + "192.0.2.7:5 [06/May/2024:20:40:16.608] frt/f1: Connection error during SSL handshake").utf8))
                .isSkipped)
    }

    @Test("Envoy: the address that Envoy added, not those that the client claims")
    func envoy() throws {
        let text = try record(ServiceLines.envoy)
        #expect(text.type == .httpRequest && text.ip == "192.0.2.7" && text.status == 204 && text.body.details["bytes"] == 99)
        #expect(text.durationMicroseconds == 226_000 && text.body.client?.userAgent == "agent/1" && text.body.target == "a.example")
        let istio = try record(ServiceLines.istio)
        #expect(istio.ip == "192.0.2.7" && istio.status == 403 && istio.body.details["bytes"] == 19 && istio.body.requestID == "id-1")
        let json = try record(ServiceLines.envoyJSON)
        #expect(json.ip == "192.0.2.7" && json.status == 429 && json.outcome == .denied && json.body.requestID == "id-1")
    }

    @Test(
        "Envoy: a quote in a header takes the address away rather than forging one",
        arguments: [#"x" "6.6.6.6" "y, 192.0.2.7"#, #"6.6.6.6" "u" "i" "a" "up, 192.0.2.7"#, #"6" 0 0 0 0 "6.6.6.6" "a, 192.0.2.7"#])
    func envoyForged(forwarded: String) throws {
        let record = try record(ServiceLines.envoy.replacing("198.51.100.1, 192.0.2.7", with: forwarded))
        #expect(record.ip != "6.6.6.6" && record.status == 204)
    }

    @Test("a JSON line cut anywhere gives no other client, and its whole members where there is an event")
    func cut() {
        for (line, format) in ServiceLines.all where line.hasPrefix("{") {
            for length in 1..<line.utf8.count {
                var parser = parser(format)
                if case .record(let record) = parser.parse(Array(line.utf8.prefix(length))) {
                    #expect(record.ip == "192.0.2.7" || record.ip == nil)
                    #expect(record.has("truncated"))
                }
            }
            var parser = parser(format)
            let most = parser.parse(Array(line.utf8.dropLast(2)))
            // Of these the time or the outcome itself stands last.
            let needsLast = line == ServiceLines.autheliaJSON || format == .okta
            #expect(most.record != nil || needsLast, "\(line.suffix(20))")
        }
    }
}
