import AuditEvents

/// What a request says once its disguises are off, for rules about attacks: a client may encode what it sends as often as it likes.
enum RequestText {
    /// The target (path and query) without disguise, and names of its query that were recorded apart; of what was no HTTP the whole request.
    static func target(of event: AuditEvent) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        if let path = event.body.path {
            texts.append(plain(Array(path.utf8)))
        } else if let request = event.body.details["request"]?.string {
            texts.append(plain(Array(request.utf8)))
        }
        for key in EventField.details(event.body.details, "query_keys") where key.contains(UInt8(ascii: "%")) { texts.append(plain(key)) }
        return texts
    }

    /// The referer without disguise, as a log or a recorder with `recordedHeaders` keeps it.
    static func referer(of event: AuditEvent) -> [[UInt8]] {
        let details = event.body.details
        guard let text = details["referer"]?.string ?? details["headers"]?.object?["referer"]?.string else { return [] }
        return [plain(Array(text.utf8))]
    }

    /// `text` with percent escapes decoded up to three times (`%uXXXX` and overlong UTF-8 of ASCII too), `+` and every run of white space and
    /// of SQL's empty comments as one space.
    static func plain(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(where: { isDisguise($0) }) else { return text }
        var text = text
        for _ in 0..<3 where text.contains(UInt8(ascii: "%")) { text = decoded(text) }
        return spaced(text)
    }

    private static func isDisguise(_ c: UInt8) -> Bool {
        c <= 0x20 || c == UInt8(ascii: "%") || c == UInt8(ascii: "+") || c == UInt8(ascii: "*")
    }

    private static func decoded(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var place = 0
        while place < text.count {
            var byte = text[place]
            var length = 1
            if byte == UInt8(ascii: "%") {
                if let value = number(text, place + 1, 2) {
                    (byte, length) = (UInt8(value), 3)
                } else if place + 1 < text.count, text[place + 1] | 0x20 == UInt8(ascii: "u"), let value = number(text, place + 2, 4) {
                    length = 6
                    // Fullwidth forms fold to ASCII where programs look for the nearest character; other letters are of no use to a rule.
                    byte = value < 0x80 ? UInt8(value) : (0xff01...0xff5e).contains(value) ? UInt8(value - 0xfee0) : UInt8(ascii: "?")
                }
            }
            place += length
            // C0 AE is a full stop to a decoder that does not check (RFC 3629 §10).
            if let lead = result.last, lead == 0xc0 || lead == 0xc1, byte & 0xc0 == 0x80 {
                result[result.count - 1] = (lead & 1) << 6 | byte & 0x3f
            } else {
                result.append(byte)
            }
        }
        return result
    }

    private static func number(_ text: [UInt8], _ start: Int, _ count: Int) -> Int? {
        guard start + count <= text.count else { return nil }
        var value = 0
        for c in text[start..<(start + count)] {
            switch c {
            case 48...57: value = value << 4 | Int(c - 48)
            case 65...70, 97...102: value = value << 4 | Int((c | 0x20) - 87)
            default: return nil
            }
        }
        return value
    }

    private static func spaced(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var place = 0
        while place < text.count {
            let byte = text[place]
            let isComment = byte == UInt8(ascii: "/") && text[place...].starts(with: "/**/".utf8)
            if isComment || byte == UInt8(ascii: "+") || byte == 0x20 || (9...13).contains(byte) {
                if result.last != 0x20 { result.append(0x20) }
                place += isComment ? 4 : 1
            } else {
                result.append(byte)
                place += 1
            }
        }
        return result
    }
}
