public import AuditEvents
import FoundationEssentials

/// A message of plain text (RFC 5322, MIME).
public struct MailMessage: Sendable, Hashable {
    /// The same for every attempt; becomes the Message-ID.
    public var id: String
    public var date: Timestamp
    public var subject: String
    public var text: String

    public init(id: String, date: Timestamp, subject: String, text: String) {
        (self.id, self.date, self.subject, self.text) = (id, date, subject, text)
    }

    /// The message with its headers, lines ended by CR LF. Nothing in subject or text can begin a header or end the message.
    ///
    /// - Parameter from: addresses that `fault(inAddress:)` finds nothing wrong with.
    func bytes(from: String, to: [String]) -> [UInt8] {
        let domain = from.split(separator: "@").last ?? "localhost"
        let name = String(
            decoding: id.utf8.filter { (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95 },
            as: UTF8.self)
        let headers = [
            "From: Cardea <\(from)>", "To: " + to.map { "<\($0)>" }.joined(separator: ",\r\n "), "Subject: " + MailMessage.encoded(subject),
            "Date: " + MailMessage.date(date), "Message-ID: <\(name)@\(domain)>", "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64",
        ]
        let body = Data(text.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
        return Array((headers.joined(separator: "\r\n") + "\r\n\r\n" + body + "\r\n").utf8)
    }

    /// A subject as it is, where it is short ASCII, or as encoded words (RFC 2047), folded.
    static func encoded(_ subject: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in subject.unicodeScalars.prefix(500) {
            scalars.append(scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) ? " " : scalar)
        }
        let line = String(scalars)
        if line.utf8.count <= 70, line.utf8.allSatisfy({ $0 < 0x7f }), !line.contains("=?"), !line.allSatisfy({ $0 == " " }) { return line }
        var words: [String] = []
        var word: [UInt8] = []
        for scalar in line.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            // An encoded word has at most 75 characters, and no part of a character.
            if word.count + bytes.count > 45 {
                words.append(Data(word).base64EncodedString())
                word = []
            }
            word += bytes
        }
        words.append(Data(word).base64EncodedString())
        return words.map { "=?utf-8?B?\($0)?=" }.joined(separator: "\r\n ")
    }

    /// `Tue, 24 Nov 2026 00:09:00 +0000` (RFC 5322, 3.3).
    static func date(_ time: Timestamp) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = Int((time.microseconds / 86_400_000_000 % 7 + 7) % 7)
        let text = Array(time.description.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
        let month = months[((Int(part(5..<7)) ?? 1) - 1) % 12]
        return "\(days[day]), \(part(8..<10)) \(month) \(part(0..<4)) \(part(11..<19)) +0000"
    }

    /// What is wrong with an address that is to be written to: ASCII, one `@`, no blanks or specials; nil where nothing is.
    public static func fault(inAddress address: String) -> String? {
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, address.utf8.count <= 254 else { return "this is no mail address" }
        let isLocal = parts[0].utf8.allSatisfy { c in c > 0x20 && c < 0x7f && !"<>()[]\\,;:\"".utf8.contains(c) }
        let isDomain = parts[1].utf8.allSatisfy { c in
            (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c) || c == UInt8(ascii: ".") || c == UInt8(ascii: "-")
        }
        return isLocal && isDomain ? nil : "a mail address is ASCII without blanks, quotes and brackets"
    }
}
