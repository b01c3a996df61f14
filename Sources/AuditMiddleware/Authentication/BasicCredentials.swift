/// The user and password of `Authorization: Basic` (RFC 7617 §2), strictly.
struct BasicCredentials: Sendable {
    let username: String
    let password: String

    enum Reading: Sendable {
        case otherScheme
        case malformed
        case credentials(BasicCredentials)
    }

    /// - Parameter field: the value of `Authorization`.
    static func read(_ field: String) -> Reading {
        let bytes = field.utf8
        guard bytes.count >= 5, zip(bytes, "basic".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return .otherScheme }
        let rest = bytes.dropFirst(5)
        guard rest.isEmpty || rest.first == UInt8(ascii: " ") else { return .otherScheme }
        let encoded = rest.drop { $0 == UInt8(ascii: " ") }
        guard encoded.count <= 2048, let decoded = StrictBase64.decode(encoded, padded: true),
            // No control characters in either (RFC 7617 §2), nor those of Latin-1.
            !decoded.contains(where: { $0 < 0x20 || $0 == 0x7f }), let text = String(validating: decoded, as: UTF8.self),
            !text.unicodeScalars.contains(where: { (0x80...0x9f).contains($0.value) }),
            let colon = text.utf8.firstIndex(of: UInt8(ascii: ":"))
        else { return .malformed }
        return .credentials(
            BasicCredentials(username: String(text[..<colon]), password: String(text[text.utf8.index(after: colon)...])))
    }
}
