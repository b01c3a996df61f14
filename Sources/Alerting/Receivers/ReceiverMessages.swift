import AuditEvents
import Detection

extension Receiver {
    /// What is posted for these deliveries, which have one kind and, where the receiver gathers, one rule; nil for a receiver that is not told by HTTP.
    ///
    /// - Parameter now: the attempt's time.
    func message(for deliveries: [Delivery], at now: Timestamp) -> HTTPMessage? {
        guard let first = deliveries.first else { return nil }
        var headers = [(name: "content-type", value: "application/json")]
        if let authorization { headers.append((name: "authorization", value: authorization)) }
        func message(_ target: HTTPTarget, _ body: JSONValue) -> HTTPMessage {
            HTTPMessage(target: target, headers: headers, body: CanonicalJSON.encode(body))
        }
        switch channel {
        case .webhook(let target, let signer, let format):
            let body: JSONObject = format == .ocsf ? DetectionFinding.json(first) : Receiver.webhook(first)
            var message = message(target, .object(body))
            let seconds = now.microseconds / 1_000_000
            if let signer {
                message.headers += signer.headers(id: first.messageID, time: seconds, body: message.body) ?? []
            } else {
                message.headers += [("webhook-id", first.messageID), ("webhook-timestamp", String(seconds))]
            }
            return message
        case .alertmanager(let target):
            let alerts = deliveries.map { delivery in
                // One that hears no more of an alert ends it by itself, should Cardea be gone.
                let lasts = delivery.kind == .test ? 60 : repeatSeconds.map { 2 * $0 + 300 } ?? 366 * 86_400
                return AlertmanagerAlert.json(delivery, firingUntil: now.advanced(bySeconds: lasts))
            }
            return message(target, .array(alerts.map(JSONValue.object)))
        case .pagerDuty(let target, let key): return message(target, .object(PagerDutyEvent.json(first, routingKey: key)))
        case .slack(let target): return message(target, .object(SlackMessage.json(deliveries)))
        case .mail, .syslog: return nil
        }
    }

    /// The body of a webhook: `type`, `timestamp` and `data`, as Standard Webhooks recommends.
    private static func webhook(_ delivery: Delivery) -> JSONObject {
        [
            "type": .string("alert.\(delivery.kind.rawValue)"), "timestamp": .string(delivery.createdAt.description),
            "data": .object(delivery.alert.json),
        ]
    }
}

/// An alert in Alertmanager's API v2 (`postableAlert`). Its labels are its identity there, so they are those of the rule and the group alone.
enum AlertmanagerAlert {
    static func json(_ delivery: Delivery, firingUntil end: Timestamp) -> JSONObject {
        let alert = delivery.alert
        var labels: JSONObject = [
            "alertname": .string(alert.rule), "rule_id": .string(alert.ruleID), "severity": .string(alert.severity.name),
            "tenant": .string(alert.tenant),
        ]
        for (field, value) in alert.group where !value.isEmpty {
            let name = label(field)
            labels[labels[name] == nil ? name : "group_" + name] = .string(value)
        }
        // An end before the beginning is refused.
        let start = min(alert.openedAt, delivery.createdAt)
        return [
            "labels": .object(labels),
            "annotations": [
                "summary": .string(AlertText(deliveries: [delivery]).subject), "alert_id": .string(alert.id),
                "description": .string(AlertText.span(alert)), "state": .string(alert.state),
            ],
            "startsAt": .string(start.description),
            "endsAt": .string(
                delivery.kind == .resolved ? max(delivery.createdAt, start.advanced(bySeconds: 1)).description : end.description),
        ]
    }

    /// A field's name as a label's: `[a-zA-Z_][a-zA-Z0-9_]*`.
    static func label(_ field: String) -> String {
        let name = String(
            decoding: field.utf8.map { c in
                (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c) ? c : UInt8(ascii: "_")
            }, as: UTF8.self)
        return name.utf8.first.map { (48...57).contains($0) } ?? true ? "_" + name : name
    }
}

/// An event of PagerDuty's Events API v2; the alert's id joins what belongs together.
enum PagerDutyEvent {
    static func json(_ delivery: Delivery, routingKey: String) -> JSONObject {
        let alert = delivery.alert
        var event: JSONObject = [
            "routing_key": .string(routingKey), "event_action": .string(delivery.kind == .resolved ? "resolve" : "trigger"),
            "dedup_key": .string(delivery.kind == .test ? delivery.messageID : alert.id), "client": "Cardea",
        ]
        guard delivery.kind != .resolved else { return event }
        let severity =
            switch alert.severity {
            case .critical: "critical"
            case .high: "error"
            case .medium: "warning"
            default: "info"
            }
        // A summary has at most 1,024 characters.
        event["payload"] = [
            "summary": .string(String(AlertText(deliveries: [delivery]).subject.prefix(1000))), "severity": .string(severity),
            "source": .string("cardea/\(alert.tenant)"), "timestamp": .string(alert.lastSeen.description), "group": .string(alert.tenant),
            "class": .string(alert.ruleID), "custom_details": .object(alert.json),
        ]
        return event
    }
}

/// An incoming webhook's message as Slack has it.
enum SlackMessage {
    static func json(_ deliveries: [Delivery]) -> JSONObject {
        let text = AlertText(deliveries: deliveries)
        let parts = ["*\(escaped(text.subject))*"] + text.paragraphs.map { "```\(escaped($0))```" }
        // Slack cuts at 40,000 characters, in the middle of a mark perhaps.
        return ["text": .string(String(parts.joined(separator: "\n").prefix(35_000)))]
    }

    /// Slack's three control characters, and what ends a block.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("```", with: "'''")
    }
}

/// A Detection Finding of OCSF 1.8.0 (class 2004).
enum DetectionFinding {
    static func json(_ delivery: Delivery) -> JSONObject {
        let alert = delivery.alert
        let activity: Int64 = delivery.kind == .resolved ? 3 : alert.state == "reopened" ? 2 : 1
        let severity: Int64 =
            switch alert.severity {
            case .critical: 5
            case .high: 4
            case .medium: 3
            case .low: 2
            case .informational: 1
            default: 0
            }
        let status: Int64 =
            switch alert.state {
            case "open", "reopened": 1
            case "acknowledged", "assigned": 2
            case "false_positive": 3
            default: delivery.kind == .resolved ? 4 : 1
            }
        var finding: JSONObject = [
            "uid": .string(alert.id), "title": .string(alert.rule), "created_time": OCSFClass.milliseconds(alert.openedAt),
            "first_seen_time": OCSFClass.milliseconds(alert.firstSeen), "last_seen_time": OCSFClass.milliseconds(alert.lastSeen),
            "types": .array(alert.tags.map(JSONValue.string)),
            "analytic": ["name": .string(alert.rule), "uid": .string(alert.ruleID), "type": "Rule", "type_id": 1],
        ]
        if alert.tags.isEmpty { finding["types"] = nil }
        let observables = alert.group.map { field, value -> JSONValue in
            let isAddress = field == "client_ip" || field.hasSuffix("_ip")
            return [
                "name": .string(field), "value": .string(value), "type_id": .int(isAddress ? 2 : 99),
                "type": .string(isAddress ? "IP Address" : "Other"),
            ]
        }
        var json = OCSFClass.detectionFinding.envelope(
            .init(activity), time: delivery.createdAt, severity: severity, uid: delivery.messageID, tenant: alert.tenant)
        json["status_id"] = .int(status)
        json["count"] = .int(max(1, alert.count))
        json["message"] = .string(AlertText(deliveries: [delivery]).subject)
        json["finding_info"] = .object(finding)
        if !observables.isEmpty { json["observables"] = .array(observables) }
        return json
    }
}
