import HTTPTypes

extension HTTPFields {
    /// Adds names to `Vary` (RFC 9110 §12.5.5), in one field and each once; `*` already says all.
    mutating func addVary(_ names: String...) {
        guard var value = self[.vary] else {
            self[.vary] = names.joined(separator: ", ")
            return
        }
        for name in names where !HTTPFields.lists(value, anyOf: [name, "*"]) { value += value.isEmpty ? name : ", " + name }
        self[.vary] = value
    }

    /// Whether a comma-separated list has one of `tokens` among its elements, in whatever case.
    static func lists(_ list: String, anyOf tokens: [String]) -> Bool {
        list.utf8.split(separator: UInt8(ascii: ",")).contains { element in
            let element = element.trimmingOptionalSpace
            return tokens.contains { element.equalsIgnoringCase($0) }
        }
    }
}

extension Substring.UTF8View {
    /// Without the optional white space of RFC 9110 §5.6.3 around it.
    var trimmingOptionalSpace: Substring.UTF8View {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return self[endIndex...]
        }
        return self[first...last]
    }

    /// Compares as protocol elements are compared: byte by byte, the case of ASCII letters aside.
    func equalsIgnoringCase(_ text: String) -> Bool {
        count == text.utf8.count && elementsEqual(text.utf8) { $0.lowercasedASCII == $1.lowercasedASCII }
    }
}

extension UInt8 {
    @inline(__always) var lowercasedASCII: UInt8 { (65...90).contains(self) ? self | 0x20 : self }

    /// Whether it may be in a token (RFC 9110 §5.6.2).
    var isTokenByte: Bool {
        switch self {
        case 48...57, 65...90, 97...122: true
        case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
        default: false
        }
    }
}
