import FoundationEssentials

extension MailMessage {
    /// Beyond so many bytes a header's text is cut.
    static let longestHeader = 1000

    /// A header of free text without control characters: plain ASCII folded at its spaces, anything else as encoded words (RFC 2047) in lines of at
    /// most 76 characters.
    static func header(_ name: String, _ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            return isControl || scalar == "\u{2028}" || scalar == "\u{2029}" ? " " : scalar
        }
        let bytes = Array(Array(String(String.UnicodeScalarView(scalars)).utf8).cutBetweenScalars(longestHeader))
        if bytes.isEmpty { return "\(name):" }
        let words = bytes.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        // Spaces at an end or beside each other would not outlive folding, and "=?" could be taken for an encoded word.
        let isPlain = words.allSatisfy { word in
            (1...60).contains(word.count) && word.allSatisfy { (33...126).contains($0) }
                && !zip(word, word.dropFirst()).contains { $0 == UInt8(ascii: "=") && $1 == UInt8(ascii: "?") }
        }
        return isPlain ? folded(name, words.map { String(decoding: $0, as: UTF8.self) }) : encoded(name, bytes)
    }

    private static func folded(_ name: String, _ words: [String]) -> String {
        var out = "\(name):"
        var column = out.utf8.count
        for word in words {
            if column + 1 + word.utf8.count > 76 {
                out += "\r\n"
                column = 0
            }
            out += " \(word)"
            column += 1 + word.utf8.count
        }
        return out
    }

    private static func encoded(_ name: String, _ bytes: [UInt8]) -> String {
        var words: [String] = []
        var rest = bytes
        while !rest.isEmpty {
            // 39 bytes are 52 of base64 and 64 with the frame: behind "Subject: " too within 76. A character is never divided between two words.
            let piece = rest.cutBetweenScalars(39)
            words.append("=?utf-8?B?\(Data(piece).base64EncodedString())?=")
            rest.removeFirst(piece.count)
        }
        return "\(name): \(words.joined(separator: "\r\n "))"
    }
}

extension [UInt8] {
    /// The first bytes, at most `limit`, of a UTF-8 text without a piece of a character at the end.
    func cutBetweenScalars(_ limit: Int) -> ArraySlice<UInt8> {
        guard count > limit else { return self[...] }
        var end = limit
        // More than three bytes that go on with a character are no UTF-8.
        while end > 0, limit - end < 3, self[end] & 0xc0 == 0x80 { end -= 1 }
        return end > 0 && self[end] & 0xc0 != 0x80 ? self[..<end] : self[..<limit]
    }
}
