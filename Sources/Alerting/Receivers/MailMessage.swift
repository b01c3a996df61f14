public import AuditEvents
import Crypto
import FoundationEssentials

/// A message of plain text (RFC 5322, MIME).
public struct MailMessage: Sendable, Hashable {
    /// The same for every attempt; becomes the Message-ID, by which a mail that came twice is known.
    public var id: String
    public var date: Timestamp
    public var subject: String
    public var text: String

    public init(id: String, date: Timestamp, subject: String, text: String) {
        (self.id, self.date, self.subject, self.text) = (id, date, subject, text)
    }

    /// Beyond so many bytes a text is cut.
    static let longestText = 524_288

    /// The message with its headers: ASCII, lines of at most 998 characters that end with CR LF. Nothing in any field or address can begin a header or
    /// end the message.
    ///
    /// - Parameter from: addresses that `fault(inAddress:)` finds nothing wrong with; others are left out.
    func bytes(from: String, to: [String]) -> [UInt8] {
        let sender = MailMessage.fault(inAddress: from) == nil ? from : nil
        let recipients = to.filter { MailMessage.fault(inAddress: $0) == nil }.map { "<\($0)>" }
        let domain = sender?.split(separator: "@").last ?? "invalid"
        let headers = [
            "From: " + (sender.map { "Cardea <\($0)>" } ?? "Cardea:;"),
            "To: " + (recipients.isEmpty ? "undisclosed-recipients:;" : recipients.joined(separator: ",\r\n ")),
            MailMessage.header("Subject", subject), "Date: " + MailMessage.date(date),
            "Message-ID: <\(MailMessage.identifier(id))@\(domain)>", "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64",
        ]
        let body = Data(body).base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
        return Array((headers.joined(separator: "\r\n") + "\r\n\r\n" + body + "\r\n").utf8)
    }

    /// The text with CR LF at the ends of its lines, also where they are CR or LF alone (RFC 2046 §4.1.1).
    private var body: [UInt8] {
        var bytes = Array(text.utf8)
        if bytes.count > MailMessage.longestText {
            bytes = bytes.cutBetweenScalars(MailMessage.longestText) + Array("\n[cut: the text is longer than 512 KiB]\n".utf8)
        }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 64)
        var previous: UInt8 = 0
        for byte in bytes {
            switch byte {
            case 10 where previous == 13: break
            case 10, 13: out += [13, 10]
            default: out.append(byte)
            }
            previous = byte
        }
        return out
    }

    /// `Tue, 24 Nov 2026 00:09:00 +0000` (RFC 5322 §3.3); a moment outside of the years 1970 to 9999 is the nearest in them.
    static func date(_ time: Timestamp) -> String {
        let time = min(max(time, .epoch), .maximum)
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let (year, month, day, hour, minute, second, _) = time.civil
        let digits = [day, hour, minute, second].map { $0 < 10 ? "0\($0)" : "\($0)" }
        let weekday = days[Int(time.microseconds / 86_400_000_000) % 7]
        return "\(weekday), \(digits[0]) \(months[month - 1]) \(year) \(digits[1...].joined(separator: ":")) +0000"
    }

    /// A dot-atom that no other id has.
    static func identifier(_ id: String) -> String {
        let name = id.utf8.prefix(101).map { byte in
            MailMessage.isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                ? String(UnicodeScalar(byte)) : "%" + hexadecimal(byte)
        }
        if (1...100).contains(name.count) { return name.joined() }
        // A percent sign and no two digits: the form of no short id.
        return "%-" + SHA256.hash(data: Array(id.utf8)).map(hexadecimal).joined()
    }

    private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) }
}
