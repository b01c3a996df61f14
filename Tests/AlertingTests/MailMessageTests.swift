import AuditEvents
import AuditTesting
import Foundation
import Testing

@testable import Alerting

@Suite("Mail messages")
struct MailMessageTests {
    static let date = Timestamp("2026-11-24T00:09:00Z") ?? .epoch
    static let names = [
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    ]

    /// The headers with their folds undone, and the body as it is read.
    struct Parsed {
        var headers: [(name: String, value: String)] = []
        var body = ""

        subscript(_ name: String) -> String { headers.first { $0.name == name }?.value ?? "" }

        /// Nil where the bytes are no message of ASCII in lines that end with CRLF.
        init?(_ bytes: [UInt8]) {
            guard bytes.allSatisfy({ (32...126).contains($0) || $0 == 13 || $0 == 10 || $0 == 9 }), bytes.suffix(2) == [13, 10] else {
                return nil
            }
            // Byte by byte, for "\r\n" is one character.
            var lines: [[UInt8]] = [[]]
            for (index, byte) in bytes.enumerated() {
                switch byte {
                case 13:
                    guard bytes[index + 1] == 10 else { return nil }
                case 10:
                    guard bytes[index - 1] == 13 else { return nil }
                    lines.append([])
                default: lines[lines.count - 1].append(byte)
                }
            }
            guard let end = lines.firstIndex(of: []), lines.allSatisfy({ $0.count <= 998 }) else { return nil }
            for line in lines[..<end].map({ String(decoding: $0, as: UTF8.self) }) {
                if line.utf8.first == 32 {
                    guard !headers.isEmpty, line.contains(where: { $0 != " " }) else { return nil }
                    headers[headers.count - 1].value += line
                } else {
                    guard let colon = line.firstIndex(of: ":") else { return nil }
                    headers.append((String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " })))
                }
            }
            guard let data = Data(base64Encoded: Data(lines[(end + 1)...].joined())) else { return nil }
            body = String(decoding: data, as: UTF8.self)
        }
    }

    /// A text whose lines all end with CR LF.
    static func canonical(_ text: String) -> String {
        text.utf8.split(separator: 13, omittingEmptySubsequences: false).enumerated().map { index, part in
            // After a CR an LF is its other half.
            let part = String(decoding: index > 0 && part.first == 10 ? part.dropFirst() : part, as: UTF8.self)
            return part.utf8.split(separator: 10, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
                .joined(separator: "\r\n")
        }.joined(separator: "\r\n")
    }

    /// A header's text with its encoded words read (RFC 2047).
    static func decoded(_ header: String) -> String {
        guard header.hasPrefix("=?") else { return header }
        var bytes = Data()
        for word in header.split(separator: " ") {
            bytes += Data(base64Encoded: String(word.dropFirst("=?utf-8?B?".count).dropLast(2))) ?? Data("?".utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func message(subject: String = "s", text: String = "t", id: String = "d1", date: Timestamp = date) -> MailMessage {
        MailMessage(id: id, date: date, subject: subject, text: text)
    }

    @Test("a message is what it was made of")
    func plain() throws {
        let bytes = message(subject: "[HIGH] Brute force: 192.0.2.1", text: "One\nTwo é\n").bytes(
            from: "cardea@example.com", to: ["a@example.org", "b@example.org"])
        let mail = try #require(Parsed(bytes))
        #expect(mail.headers.map(\.name) == Self.names)
        #expect(mail["From"].contains("<cardea@example.com>"))
        #expect(mail["To"] == "<a@example.org>, <b@example.org>")
        #expect(mail["Subject"] == "[HIGH] Brute force: 192.0.2.1")
        #expect(mail["Date"] == "Tue, 24 Nov 2026 00:09:00 +0000")
        #expect(mail["Message-ID"] == "<d1@example.com>")
        #expect(mail["Auto-Submitted"] == "auto-generated" && mail["MIME-Version"] == "1.0")
        #expect(mail["Content-Type"] == "text/plain; charset=utf-8")
        #expect(mail.body.utf8.elementsEqual("One\r\nTwo é\r\n".utf8))
    }

    @Test("nothing in a subject, a text, an id or an address makes a header or ends one", arguments: 0..<300)
    func noInjection(_ seed: Int) throws {
        var generator = SeededGenerator(seed: seed)
        func hostile() -> String { HostileText.make(12, using: &generator) }
        let text = hostile()
        let subject = hostile()
        let mail = MailMessage(
            id: hostile(), date: Timestamp(microseconds: .random(in: .min ... .max, using: &generator)), subject: subject, text: text)
        let addresses = (0..<3).map { _ in Bool.random(using: &generator) ? "ops@example.org" : hostile() + "@" + hostile() }
        let parsed = try #require(Parsed(mail.bytes(from: addresses[0], to: Array(addresses[1...]))))
        #expect(parsed.headers.map(\.name) == Self.names)
        #expect(parsed.body.utf8.elementsEqual(Self.canonical(text).utf8))
        let controls = subject.unicodeScalars.map {
            $0.properties.generalCategory == .control || "\u{2028}\u{2029}".unicodeScalars.contains($0) ? " " : $0
        }
        // Spaces around it may get lost.
        let read = Self.decoded(parsed["Subject"])
        let expected = String(String.UnicodeScalarView(controls))
        #expect(expected.utf8.starts(with: read.utf8) || expected.trimmingCharacters(in: [" "]).utf8.starts(with: read.utf8))
        #expect(read.unicodeScalars.count >= min(expected.trimmingCharacters(in: [" "]).unicodeScalars.count, 300))
        #expect(parsed["Message-ID"].wholeMatch(of: /<[A-Za-z0-9_%-]{1,200}@[A-Za-z0-9.-]+>/) != nil)
    }

    @Test(
        "encoded words have at most 75 characters, their lines 76, and no part of a character",
        arguments: ["é", "漢字", "👩‍👩‍👧‍👧", "a\u{301}", "xy ", "word "])
    func encodedWords(_ piece: String) throws {
        for count in [1, 8, 20, 60, 200] {
            let subject = String(repeating: piece, count: count) + "."
            let bytes = message(subject: subject).bytes(from: "a@example.com", to: ["b@example.com"])
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
            let start = try #require(lines.firstIndex { $0.hasPrefix("Subject:") })
            let header = [lines[start]] + lines[(start + 1)...].prefix { $0.hasPrefix(" ") }
            let words = header.joined().dropFirst("Subject:".count).split(separator: " ")
            if header.joined().contains("=?") {
                #expect(header.allSatisfy { $0.utf8.count <= 76 })
                for word in words {
                    #expect(word.utf8.count <= 75)
                    let bytes = try #require(Data(base64Encoded: String(word.dropFirst(10).dropLast(2))))
                    #expect(String(validating: bytes, as: UTF8.self) != nil)
                }
            } else {
                #expect(header.allSatisfy { $0.utf8.count <= 78 })
            }
        }
    }

    @Test("a date is one of RFC 5322, whatever the moment")
    func dates() throws {
        for (time, expected) in [
            ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"), ("2000-02-29T23:59:59.999999Z", "Tue, 29 Feb 2000 23:59:59 +0000"),
            ("9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 +0000"),
        ] { #expect(MailMessage.date(try #require(Timestamp(time))) == expected) }
        for microseconds in [Int64.min, -1, -62_200_000_000_000_000, .max] {
            let date = MailMessage.date(Timestamp(microseconds: microseconds))
            #expect(date.wholeMatch(of: /[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000/) != nil, "\(date)")
        }
    }

    @Test("a Message-ID is the same for the same id and another for another")
    func identifiers() throws {
        let ids = [
            "a", "A", "a.b", "ab", "a%b", "a%2Eb", "", " ", "é", "e\u{301}", "a\r\n", String(repeating: "a", count: 2000),
            String(repeating: "a", count: 2001),
        ]
        func identifier(_ id: String) throws -> String {
            try #require(Parsed(message(id: id).bytes(from: "a@example.com", to: ["b@example.com"])))["Message-ID"]
        }
        let found = try ids.map(identifier)
        #expect(Set(found).count == ids.count)
        #expect(try ids.map(identifier) == found)
        #expect(found.allSatisfy { $0.wholeMatch(of: /<[A-Za-z0-9_%-]{1,200}@example\.com>/) != nil })
    }

    @Test("a text without end is cut between characters")
    func longText() throws {
        let text = "x" + String(repeating: "é", count: 1_000_000)
        let mail = try #require(Parsed(message(text: text).bytes(from: "a@example.com", to: ["b@example.com"])))
        #expect((500_000...600_000).contains(mail.body.utf8.count))
        #expect(text.utf8.starts(with: mail.body.utf8.prefix(524_000)) && !mail.body.unicodeScalars.contains("\u{fffd}"))
    }

    @Test(
        "addresses that can be written to",
        arguments: [
            "a@b", "root@localhost", "first.last@example.com", "a+b@example.com", "!#$%&'*+-/=?^_`{|}~@example.com",
            "a@xn--bcher-kva.example",
            "a@1.2.3.example", String(repeating: "a", count: 64) + "@example.com", "a@" + String(repeating: "b", count: 63) + ".example",
        ])
    func goodAddress(_ address: String) { #expect(MailMessage.fault(inAddress: address) == nil) }

    @Test(
        "addresses that cannot",
        arguments: [
            "", "@", "a", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b\r\nBcc: x@y", "a\r\n@b", "a\0@b", "é@b", "a@é", "<a@b>", "a>@b",
            "a,b@c", "a@b,c@d",
            "\"a\"@b", "a(c)@b", "a@[127.0.0.1]", ".a@b", "a.@b", "a..b@c", "a@.b", "a@b.", "a@b..c", "a@-b", "a@b-", "a@b_c", "a;b@c",
            "a:b@c",
            "a\\b@c", "Cardea <a@b>", String(repeating: "a", count: 65) + "@b", "a@" + String(repeating: "b", count: 64),
            "a@" + String(repeating: "b.", count: 130) + "c", "a@b\u{7f}", "a\u{85}@b",
        ])
    func badAddress(_ address: String) throws {
        let fault = try #require(MailMessage.fault(inAddress: address))
        #expect(fault.count > 10)
    }
}
