/// Text made to break out of a line, a header or a message.
enum HostileText {
    static let pieces = [
        "\r\n", "\r", "\n", "\r\n\r\n", "\n\n", "\r\n.\r\n", "\n.\n", ".", "..", "\0", "\u{1b}[2J", "\u{7f}", "\u{85}", "\u{2028}",
        "\u{2029}",
        "Bcc: x@example.com", "\r\nBcc: x@example.com\r\n", "=?utf-8?B?Cg==?=", "=?", "?=", "=0D=0A", " ", "   ", "\t", ",", ";", "<", ">",
        "\"",
        "\\", "]", "[", "%", "@", ":", "é", "漢字", "👩‍👩‍👧‍👧", "e\u{301}", "\u{202e}", "\u{feff}", "\u{10ffff}", "plain words", "From ", "a",
        String(repeating: "x", count: 1200), String(repeating: "é", count: 300),
    ]

    static func make(_ most: Int, using generator: inout some RandomNumberGenerator) -> String {
        (0..<Int.random(in: 0...min(most, 30), using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
    }
}
