/// What a mail server answered to one command (RFC 5321 §4.2).
struct SMTPReply: Sendable, Hashable {
    /// 200 to 599.
    var code: Int
    /// The texts of its lines without the code.
    var lines: [String]

    /// In one line.
    var text: String { lines.isEmpty || lines == [""] ? "\(code)" : "\(code) \(lines.joined(separator: " "))" }
}

/// Takes replies out of what a server sends, in bounds.
struct SMTPReplyReader: Sendable {
    static let longestLine = 4096
    static let mostLines = 100

    /// Why the server's answer is none, for people.
    struct Malformed: Error, Hashable { let reason: String }

    private var bytes: [UInt8] = []
    private var code: Int?
    private var lines: [String] = []

    /// Whether nothing is left over, not even the beginning of a reply.
    var isEmpty: Bool { bytes.isEmpty && code == nil }

    mutating func append(_ new: some Sequence<UInt8>) { bytes.append(contentsOf: new) }

    /// The next whole reply, or nil where more has to come.
    mutating func next() throws(Malformed) -> SMTPReply? {
        while let end = bytes.prefix(SMTPReplyReader.longestLine).firstIndex(of: UInt8(ascii: "\n")) {
            var line = bytes[..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            let (code, isLast, text) = try SMTPReplyReader.parse(line)
            bytes.removeFirst(end + 1)
            guard self.code ?? code == code else { throw Malformed(reason: "the lines of an answer have different codes") }
            guard lines.count < SMTPReplyReader.mostLines else {
                throw Malformed(reason: "an answer has more than \(SMTPReplyReader.mostLines) lines")
            }
            self.code = code
            lines.append(text)
            if isLast {
                defer { (self.code, lines) = (nil, []) }
                return SMTPReply(code: code, lines: lines)
            }
        }
        guard bytes.count < SMTPReplyReader.longestLine else {
            throw Malformed(reason: "a line of an answer is longer than \(SMTPReplyReader.longestLine) bytes")
        }
        return nil
    }

    private static func parse(_ line: ArraySlice<UInt8>) throws(Malformed) -> (code: Int, isLast: Bool, text: String) {
        let digits = line.prefix(3)
        let mark = line.dropFirst(3).first ?? UInt8(ascii: " ")
        guard digits.count == 3, digits.allSatisfy({ (48...57).contains($0) }),
            let first = digits.first, (50...53).contains(first), mark == UInt8(ascii: " ") || mark == UInt8(ascii: "-")
        else {
            throw Malformed(reason: "this is no answer of a mail server: \(String(decoding: line.prefix(80), as: UTF8.self))")
        }
        let code = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        return (code, mark == UInt8(ascii: " "), String(decoding: line.dropFirst(4), as: UTF8.self))
    }
}
