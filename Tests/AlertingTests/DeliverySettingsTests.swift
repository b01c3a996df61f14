import AuditEvents
import Detection
import Testing

@testable import Alerting

@Suite("The file of receivers")
struct DeliverySettingsTests {
    private func read(
        _ yaml: String, variables: [String: String] = [:], files: [String: String] = [:]
    ) throws -> DeliverySettings {
        try DeliverySettings(
            Array(yaml.utf8), file: "receivers.yml", variable: { variables[$0] }, contents: { files[$0].map { Array($0.utf8) } })
    }

    @Test("every kind is read, secrets from the environment and from files too")
    func kinds() throws {
        let settings = try read(
            """
            receivers:
                hook: {type: webhook, url: https://example.com/x, secrets: [{env: HOOK}], format: ocsf, resolved: false, repeat: 1d}
                am: {type: alertmanager, url: 'http://10.0.0.7:9093/', allow_private: true, user: u, password: {file: /pw}}
                oncall: {type: pagerduty, routing_key: {env: KEY}}
                chat: {type: slack, url: {file: /slack}, wait: 1m}
                mail: {type: email, host: smtp.example.com, from: a@example.com, to: [b@example.com, c@example.com], user: u, password: p}
                siem: {type: syslog, host: 10.0.0.5, transport: tls, format: ocsf, facility: 4, allow_private: true}
            """,
            variables: ["HOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "KEY": "k"],
            files: ["/pw": "secret\n", "/slack": "https://hooks.slack.com/services/T/B/S\r\n"])
        #expect(settings.receivers.map(\.kind) == ["webhook", "alertmanager", "pagerduty", "slack", "email", "syslog"])
        #expect(
            settings.receivers.map(\.destination) == [
                "https://example.com:443", "http://10.0.0.7:9093", "https://events.pagerduty.com:443", "https://hooks.slack.com:443",
                "b@example.com, c@example.com by smtp.example.com:587", "10.0.0.5:6514/tls",
            ])
        #expect(settings.receivers.map(\.sendsResolved) == [false, true, true, false, false, true])
        #expect(settings.receivers.map(\.repeatSeconds) == [86_400, 300, 14_400, 14_400, 14_400, nil])
        #expect(settings.receivers.map(\.waitSeconds) == [0, 0, 0, 60, 30, 0])
        #expect(settings["am"]?.authorization == "Basic dTpzZWNyZXQ=")
        if case .alertmanager(let target) = settings["am"]?.channel { #expect(target.url == "http://10.0.0.7:9093/api/v2/alerts") }
        #expect(settings.withSecrets == ["mail"])
        // Without routes everybody is told of everything.
        #expect(settings.routes == [DeliveryRoute(receivers: ["hook", "am", "oncall", "chat", "mail", "siem"])])
    }

    @Test(
        "what is wrong is said with its place, and no secret with it",
        arguments: [
            ("receivers: {a: {type: carrier}}", "no such kind"), ("receivers: {a: {url: x}}", "'type' is missing"),
            ("receivers: {a: {type: webhook, url: https://example.com, colour: red}}", "has no key 'colour'"),
            ("receivers: {a: {type: webhook, url: 'https://hidden:hidden@example.com/'}}", "no URL that is posted to"),
            ("receivers: {a: {type: webhook, url: 'http://example.com/hidden'}}", "allow_private: true"),
            ("receivers: {a: {type: webhook, url: 'ftp://hidden/'}}", "no URL"),
            ("receivers: {a: {type: webhook, url: 'https://EXAMPLE.com/'}}", "no URL"),
            ("receivers: {a: {type: webhook, url: https://example.com, secrets: [hidden]}}", "whsec_"),
            ("receivers: {a: {type: pagerduty, routing_key: {env: NOPE}}}", "is not set"),
            ("receivers: {a: {type: slack, url: {file: /nope}}}", "cannot be read"),
            ("receivers: {a: {type: email, host: h, from: 'a@b', to: ['x@y\\r\\nRCPT']}}", "mail address"),
            ("receivers: {a: {type: email, host: h, from: 'a@b', to: []}}", "1 to 50"),
            ("receivers: {a: {type: syslog, host: h, port: 70000}}", "65535"),
            ("receivers: {a: {type: syslog, host: h, transport: pigeon}}", "udp, tcp, tls"),
            ("receivers: {a: {type: slack, url: https://example.com, repeat: 5s}}", "a minute at least"),
            ("receivers: {a: {type: webhook, url: https://example.com, wait: 5s}}", "gather"),
            ("receivers: {a: {type: webhook, url: https://example.com, allow_private: perhaps}}", "true or false"),
            ("receivers: {'a b': {type: slack, url: https://example.com}}", "printable ASCII"),
            ("routes: [{receivers: [nobody]}]", "no receiver has this name"),
            ("routes: [{receivers: [x], severity: huge}]", "no such severity"),
            ("routers: []", "has no key 'routers'"), ("receivers: [", ""),
            ("receivers: {a: {type: webhook, url: https://example.com, token: t, user: u, password: p}}", "or a user"),
        ])
    func wrong(yaml: String, message: String) throws {
        let errors = try #require(throws: RuleErrors.self) { try read(yaml) }
        #expect(errors.description.contains(message) && errors.description.hasPrefix("receivers.yml"), "\(errors)")
        #expect(!errors.description.contains("hidden"), "\(errors)")
    }

    @Test(
        "a host is what the client will ask for, or the URL is refused",
        arguments: [
            ("https://example.com", "example.com", 443), ("http://127.0.0.1:80/x?y=1", "127.0.0.1", 80),
            ("https://[::1]:8443/", "::1", 8443),
            ("https://0x7f.1/", "0x7f.1", 443), ("https://a.b-c.de:1", "a.b-c.de", 1),
        ])
    func target(url: String, host: String, port: Int) throws {
        let target = try #require(HTTPTarget(url))
        #expect(target.host == host && target.port == port && target.url == url)
    }

    @Test(arguments: [
        "", "example.com", "https://", "https:///x", "https://a@b", "https://a b", "https://exämple.com", "https://a#b", "https://a:0",
        "https://a:99999",
        "https://a:b", "https://a\\b", "https://a\u{0}b", "https://[::1", "https://a%2eb/", "https://a_b/", "HTTPS://a",
        "https://" + String(repeating: "a", count: 3000),
    ])
    func noTarget(url: String) { #expect(HTTPTarget(url) == nil) }

    @Test("Retry-After is seconds or a date")
    func retryAfter() throws {
        let now = try #require(Timestamp("1994-11-06T08:49:00Z"))
        #expect(RetryAfter.seconds("120", now: now) == 120 && RetryAfter.seconds("-5", now: now) == 0)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:49:37 GMT", now: now) == 37)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1993 08:49:37 GMT", now: now) == 0)
        for text in ["", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 99 Nov 1994 08:49:37 GMT", "1e9"] {
            #expect(RetryAfter.seconds(text, now: now) == nil)
        }
    }
}
