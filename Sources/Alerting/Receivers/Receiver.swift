import Crypto

/// Where alerts go.
public struct Receiver: Sendable {
    public enum Channel: Sendable {
        /// Standard Webhooks 1.0.0, signed where there is a secret.
        case webhook(HTTPTarget, WebhookSigner?, WebhookFormat)
        /// Alertmanager's API v2: the target ends in `/api/v2/alerts`.
        case alertmanager(HTTPTarget)
        /// PagerDuty's Events API v2.
        case pagerDuty(HTTPTarget, routingKey: String)
        /// An incoming webhook as Slack has them, and Mattermost and Rocket.Chat too.
        case slack(HTTPTarget)
        case mail(MailSender)
        case syslog(SyslogSender, SyslogFormat, facility: Int)
    }

    public enum WebhookFormat: String, Sendable, CaseIterable { case json, ocsf }
    public enum SyslogFormat: String, Sendable, CaseIterable { case cef, ocsf, json }

    public var name: String
    public var channel: Channel
    /// `Authorization`'s value.
    var authorization: String?
    /// Whether it is told when an alert is over.
    public var sendsResolved: Bool
    /// After how many seconds it is told again of an alert that nobody has dealt with; nil: never.
    public var repeatSeconds: Int64?
    /// Seconds for which news is gathered into one message; 0: each goes by itself, at once.
    public var waitSeconds: Int64
    public var policy: DestinationPolicy
    /// A PEM file of authorities beside the system's.
    var authorities: String?
    /// Where it is, for people: nothing secret.
    public var destination: String

    /// `webhook`, `alertmanager`, `pagerduty`, `slack`, `email` or `syslog`.
    public var kind: String {
        switch channel {
        case .webhook: "webhook"
        case .alertmanager: "alertmanager"
        case .pagerDuty: "pagerduty"
        case .slack: "slack"
        case .mail: "email"
        case .syslog: "syslog"
        }
    }

    /// Whether several alerts are told in one message: people read them.
    var gathers: Bool { waitSeconds > 0 }
    /// Whether it must hear of an alert again as long as it is active, or takes it to be over.
    var expires: Bool { if case .alertmanager = channel { true } else { false } }

    /// A digest of where it is: another one is another receiver, though its name is the same.
    var fingerprint: String {
        let place =
            switch channel {
            case .webhook(let target, _, _), .alertmanager(let target), .pagerDuty(let target, _), .slack(let target): target.url
            case .mail, .syslog: destination
            }
        return SHA256.hash(data: Array(place.utf8)).prefix(8).map { String($0, radix: 16) }.joined(separator: ".")
    }
}
