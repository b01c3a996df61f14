import AuditEvents
import Detection
import Testing

@testable import Alerting

@Suite("What receivers are sent")
struct ReceiverMessageTests {
    static let now = Timestamp("2026-11-24T00:00:00Z") ?? .epoch

    private func delivery(
        _ kind: Delivery.Kind = .firing, state: String = "open", severity: String = "high", group: JSONObject = ["client_ip": "192.0.2.1"]
    ) -> Delivery {
        var card = AlertCard.test(at: Self.now, tenant: "acme")
        card.json["id"] = "0c3800e1-d01d-8de0-bcbf-e321be269be6"
        card.json["severity"] = .string(severity)
        card.json["state"] = .string(state)
        card.json["group"] = .object(group)
        card.json["rule"] = "Brute <force> & *more*"
        card.json["opened_at"] = .string(Self.now.advanced(bySeconds: 10).description)
        card.json["tags"] = ["attack.t1110"]
        return Delivery(
            id: "219451e0-51f2-4638-abc8-0c5f5c717e91", receiver: "r", kind: kind, alert: card, createdAt: Self.now, state: .pending,
            attempts: 1,
            dueAt: Self.now)
    }

    private func receiver(_ line: String) throws -> Receiver {
        try AlertBed.settings("receivers: {r: \(line)}").receivers[0]
    }

    private func body(_ line: String, _ deliveries: Delivery..., at: Timestamp = now) throws -> JSONValue {
        try JSONValue(parsing: try #require(try receiver(line).message(for: deliveries, at: at)).body)
    }

    @Test("Alertmanager's labels are the same from beginning to end, its times are in order, and a firing alert ends by itself")
    func alertmanager() throws {
        let line = "{type: alertmanager, url: 'https://example.com'}"
        let group: JSONObject = ["client_ip": "192.0.2.1", "severity": "x", "9-é.field": "y", "empty": ""]
        let firing = try #require(try body(line, delivery(group: group)).array?[0].object)
        let resolved = try #require(try body(line, delivery(.resolved, state: "resolved", group: group)).array?[0].object)
        #expect(firing["labels"] == resolved["labels"])
        let labels = try #require(firing["labels"]?.object)
        #expect(labels["group_severity"] == "x" && labels["severity"] == "high" && labels["tenant"] == "acme" && labels["empty"] == nil)
        for member in labels {
            #expect(member.key.wholeMatch(of: /[a-zA-Z_][a-zA-Z0-9_]*/) != nil)
        }
        for alert in [firing, resolved] {
            let (start, end) = (Timestamp(alert["startsAt"]?.string ?? ""), Timestamp(alert["endsAt"]?.string ?? ""))
            #expect(try #require(start) <= Self.now && #require(start) < #require(end))
        }
        #expect(firing["endsAt"]?.string == Self.now.advanced(bySeconds: 900).description)
        #expect(Timestamp(resolved["endsAt"]?.string ?? "")! <= Self.now.advanced(bySeconds: 1))
    }

    @Test("PagerDuty's events have one key from beginning to end, and summaries that are not too long")
    func pagerDuty() throws {
        let line = "{type: pagerduty, routing_key: k}"
        let firing = try #require(
            try body(line, delivery(severity: "high", group: ["actor": .string(String(repeating: "é", count: 5000))])).object)
        let resolved = try #require(try body(line, delivery(.resolved)).object)
        #expect(
            firing["event_action"] == "trigger" && resolved["event_action"] == "resolve" && firing["dedup_key"] == resolved["dedup_key"])
        #expect(firing["payload"]?.object?["severity"] == "error" && resolved["payload"] == nil)
        #expect(try #require(firing["payload"]?.object?["summary"]?.string).count <= 1024)
    }

    @Test("in Slack's text nothing of an alert is a link, a mention or the end of a block")
    func slack() throws {
        let text = try #require(
            try body("{type: slack, url: https://example.com}", delivery(group: ["actor": "<!channel> ``` <https://x|y> &"])).object?[
                "text"]?.string)
        #expect(!text.contains("<") && text.contains("&lt;!channel&gt;") && text.contains("Brute &lt;force&gt; &amp;"))
        #expect(text.components("```") == 3)
    }

    @Test("a webhook says what, when and about which alert; unsigned it has an id all the same")
    func webhook() throws {
        let receiver = try receiver("{type: webhook, url: https://example.com/x, token: t}")
        let message = try #require(receiver.message(for: [delivery(.resolved)], at: Self.now.advanced(bySeconds: 7)))
        let json = try #require(try JSONValue(parsing: message.body).object)
        #expect(json["type"] == "alert.resolved" && json["timestamp"]?.string == Self.now.description)
        #expect(json["data"]?.object?["id"] == "0c3800e1-d01d-8de0-bcbf-e321be269be6")
        let headers = Dictionary(message.headers.map { ($0.name, $0.value) }) { $1 }
        #expect(
            headers["webhook-id"] == "msg_219451e051f24638abc80c5f5c717e91"
                && headers["webhook-timestamp"] == "\(Self.now.microseconds / 1_000_000 + 7)")
        #expect(headers["authorization"] == "Bearer t" && headers["webhook-signature"] == nil)
    }

    @Test("a finding of OCSF says what it is in its numbers")
    func ocsf() throws {
        for (kind, state, activity, status) in [
            (Delivery.Kind.firing, "open", 1, 1), (.firing, "reopened", 2, 1), (.resolved, "resolved", 3, 4),
            (.resolved, "false_positive", 3, 3),
        ] as [(Delivery.Kind, String, Int64, Int64)] {
            let json = try #require(
                try body("{type: webhook, url: https://example.com, format: ocsf}", delivery(kind, state: state)).object)
            #expect(
                json["activity_id"] == .int(activity) && json["type_uid"] == .int(200_400 + activity) && json["status_id"] == .int(status))
            #expect(json["severity_id"] == 4 && json["time"] == .int(Self.now.microseconds / 1000))
        }
    }

    @Test("a syslog line is one line by RFC 5424, whatever is in it")
    func syslog() throws {
        for format in Receiver.SyslogFormat.allCases {
            let line = String(
                decoding: delivery(group: ["actor": "a\r\nb\u{2028}c\u{0}|=\\]\""]).syslog(format, facility: 13), as: UTF8.self)
            let match = try #require(line.wholeMatch(of: /<(\d+)>1 (\S+) (\S+) cardea - firing - (.*)/))
            #expect(match.1 == "107" && Timestamp(String(match.2)) == Self.now)
            #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{2028}" })
            if format != .cef { _ = try JSONValue(parsing: match.4.utf8) } else { #expect(match.4.hasPrefix("CEF:0|Cardea|Cardea|")) }
        }
        let long = SyslogMessage(facility: 99, severity: 9, time: Self.now, messageID: "", text: String(repeating: "é", count: 40_000))
            .bytes
        #expect(long.count < 65_507 && String(validating: long, as: UTF8.self)?.hasPrefix("<191>1 ") == true)
    }
}

extension String {
    fileprivate func components(_ mark: String) -> Int { ranges(of: mark).count + 1 }
}
