public import AuditEvents

/// A syslog message by RFC 5424.
public struct SyslogMessage: Sendable, Hashable {
    /// 0 to 23 (6.2.1).
    public var facility: Int
    /// 0, emergency, to 7, debug.
    public var severity: Int
    public var time: Timestamp
    /// MSGID: what kind of message it is.
    public var messageID: String
    /// The message, on one line.
    public var text: String

    public init(facility: Int, severity: Int, time: Timestamp, messageID: String, text: String) {
        (self.facility, self.severity) = (facility, severity)
        (self.time, self.messageID, self.text) = (time, messageID, text)
    }

    /// A datagram has at most 65,507 bytes, and the header needs some.
    static let maximumText = 60_000

    /// The message without framing: `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID - MSG`, without a byte order mark. Facility and severity are the
    /// nearest that exist; a moment that four digits of a year cannot write is `-`.
    public var bytes: [UInt8] {
        let priority = min(max(facility, 0), 23) * 8 + min(max(severity, 0), 7)
        let moment = (Timestamp.minimum...Timestamp.maximum).contains(time) ? time.description : "-"
        let header = "<\(priority)>1 \(moment) \(SyslogMessage.host) cardea - \(SyslogMessage.name(messageID, 32)) - "
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isBreak = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
            scalars.append(isBreak ? " " : scalar)
        }
        return Array(header.utf8) + Array(String(scalars).utf8).cutBetweenScalars(SyslogMessage.maximumText)
    }

    /// PRINTUSASCII of at most so many characters; `-` for nothing.
    private static func name(_ text: String, _ length: Int) -> String {
        let kept = text.utf8.filter { $0 > 0x20 && $0 < 0x7f }.prefix(length)
        return kept.isEmpty ? "-" : String(decoding: kept, as: UTF8.self)
    }

    private static let host = name(HostName.current, 255)
}
