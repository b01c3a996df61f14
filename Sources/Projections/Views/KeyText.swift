/// A text of a row's key: compared by its bytes, as PostgreSQL compares, and short enough for an entry of an index.
///
/// Swift's `==` takes two spellings of one character for the same (NFC, NFD); the table would hold two rows, and which of them an event met would
/// depend on where a batch was cut. An entry of a B-tree takes 2,704 bytes, while an account's name is as long as whoever types it likes.
struct KeyText: Sendable, Hashable, ExpressibleByStringLiteral {
    /// Bytes that a text may have; a longer one is cut and gets a hash of the whole.
    static let limit = 512

    let text: String

    init(_ text: String) { self.text = KeyText.bounded(text) }
    init(stringLiteral text: String) { self.init(text) }

    /// `text` if it has at most `limit` bytes; else its beginning, `…` and sixteen hex digits, of at most `limit` bytes together.
    static func bounded(_ text: String) -> String {
        let bytes = text.utf8
        guard bytes.count > limit else { return text }
        var end = bytes.index(bytes.startIndex, offsetBy: limit - 19)
        // Not in the middle of a character.
        while bytes[end] & 0xc0 == 0x80 { end = bytes.index(before: end) }
        let hash = bytes.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let digits = String(hash, radix: 16)
        return String(decoding: bytes[..<end], as: UTF8.self) + "…" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    static func == (a: KeyText, b: KeyText) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
