public import AuditEvents
import Detection
import Synchronization

/// The way to one receiver while a few messages go out: one connection to one address that was looked at.
public final class DeliveryChannel: Sendable {
    private let receiver: Receiver
    private let link = Mutex<Task<Result<HTTPLink, DeliveryAttempt>, Never>?>(nil)

    public init(_ receiver: Receiver) { self.receiver = receiver }

    /// Sends one message about these deliveries.
    public func send(_ deliveries: [Delivery]) async -> DeliveryAttempt {
        guard let first = deliveries.first else { return DeliveryAttempt(.refused, "nothing to send") }
        switch receiver.channel {
        case .mail(let sender):
            let text = AlertText(deliveries: deliveries)
            return await sender.send(
                MailMessage(
                    id: first.messageID, date: .now(), subject: text.subject, text: text.paragraphs.joined(separator: "\n\n") + "\n"))
        case .syslog(let sender, let format, let facility):
            return await sender.send(deliveries.map { $0.syslog(format, facility: facility) })
        case .webhook, .alertmanager, .pagerDuty, .slack:
            guard let message = receiver.message(for: deliveries, at: .now()) else { return DeliveryAttempt(.refused, "nothing to send") }
            switch await link(to: message.target).value {
            case .success(let link): return await link.post(message)
            case .failure(let attempt): return attempt
            }
        }
    }

    private func link(to target: HTTPTarget) -> Task<Result<HTTPLink, DeliveryAttempt>, Never> {
        link.withLock { link in
            if let link { return link }
            let (resolver, authorities) = (DestinationResolver(receiver.policy), receiver.authorities)
            let task = Task { () -> Result<HTTPLink, DeliveryAttempt> in
                do throws(DeliveryAttempt) {
                    return .success(try await HTTPLink(target, resolver: resolver, authorities: authorities))
                } catch { return .failure(error) }
            }
            link = task
            return task
        }
    }

    public func close() async {
        if case .success(let link) = await link.withLock({ $0 })?.value { await link.close() }
    }

    /// Sends a message that says that it is a test.
    public static func test(_ receiver: Receiver) async -> DeliveryAttempt {
        let now = Timestamp.now()
        var bytes = SystemRandomNumberGenerator()
        let id = String(bytes.next(), radix: 16) + String(bytes.next(), radix: 16)
        let channel = DeliveryChannel(receiver)
        let attempt = await channel.send([
            Delivery(
                id: id, receiver: receiver.name, kind: .test, alert: .test(at: now), createdAt: now, state: .pending, attempts: 1,
                dueAt: now)
        ])
        await channel.close()
        return attempt
    }
}

extension Delivery {
    /// The line for a syslog receiver.
    func syslog(_ format: Receiver.SyslogFormat, facility: Int) -> [UInt8] {
        let text =
            switch format {
            case .cef: cef.line
            case .ocsf: String(decoding: CanonicalJSON.encode(.object(DetectionFinding.json(self))), as: UTF8.self)
            case .json: String(decoding: CanonicalJSON.encode(.object(alert.json)), as: UTF8.self)
            }
        let level =
            switch (kind, alert.severity) {
            case (.resolved, _), (.test, _): 5
            case (_, .critical): 2
            case (_, .high): 3
            case (_, .medium): 4
            case (_, .low): 5
            default: 6
            }
        return SyslogMessage(
            facility: facility, severity: level, time: createdAt, messageID: kind.rawValue, text: text
        ).bytes
    }

    /// As a Common Event Format message.
    var cef: CommonEventFormat {
        let level =
            switch alert.severity {
            case .critical: 10
            case .high: 8
            case .medium: 6
            case .low: 3
            default: 1
            }
        func milliseconds(_ time: Timestamp) -> String { String(time.microseconds / 1000) }
        var fields: [CommonEventFormat.Field] = [
            .init("rt", milliseconds(createdAt)), .init("externalId", alert.id), .init("act", kind.rawValue),
            .init("cnt", String(alert.count)),
            .init("start", milliseconds(alert.firstSeen)), .init("end", milliseconds(alert.lastSeen)),
            .init("cs1Label", "tenant"), .init("cs1", alert.tenant), .init("cs2Label", "group"), .init("cs2", alert.groupText),
            .init("cs3Label", "tags"), .init("cs3", alert.tags.joined(separator: " ")),
        ]
        for (field, value) in alert.group {
            switch field {
            case "client_ip": fields.append(.init("src", value))
            case "actor", "user": fields.append(.init("suser", value))
            default: break
            }
        }
        return CommonEventFormat(
            productVersion: "1", classID: alert.ruleID, name: alert.rule, severity: kind == .resolved ? 1 : level, fields: fields)
    }
}
