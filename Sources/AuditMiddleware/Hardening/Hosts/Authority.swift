/// The parts of a `Host` field: `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2), as places in its bytes.
///
/// Stricter than the grammar where nobody honest goes: names are labels of letters, digits, `-` and `_` (RFC 1123, and what people call their
/// containers), so percent-encoding, user information and Unicode are refused; an internationalised name comes as `xn--`.
struct Authority {
    /// How many bytes the host has; of an IPv6 literal with its brackets, of a name without the dot of its root.
    let hostLength: Int
    /// Whether the host is an IPv6 literal.
    let isIPv6: Bool
    /// Nil where there is none, or an empty one.
    let port: UInt16?

    init?(_ bytes: Span<UInt8>) {
        let count = bytes.count
        guard count > 0, count <= 262 else { return nil }
        var index = 0
        var host: Int
        if bytes[0] == UInt8(ascii: "[") {
            index = 1
            while index < count, bytes[index] != UInt8(ascii: "]") {
                switch bytes[index] {
                case 48...57, 65...70, 97...102, UInt8(ascii: ":"), UInt8(ascii: "."): index += 1
                default: return nil
                }
            }
            guard index < count, Authority.address(bytes, from: 1, to: index) != nil else { return nil }
            index += 1
            (host, isIPv6) = (index, true)
        } else {
            var label = 0
            name: while index < count {
                switch bytes[index] {
                case 48...57, 65...90, 97...122, UInt8(ascii: "_"): break
                case UInt8(ascii: "-"): guard label > 0 else { return nil }
                case UInt8(ascii: "."):
                    guard label > 0, bytes[index - 1] != UInt8(ascii: "-") else { return nil }
                    label = -1
                case UInt8(ascii: ":"): break name
                default: return nil
                }
                label += 1
                guard label <= 63 else { return nil }
                index += 1
            }
            host = index
            if label == 0, host > 0 { host -= 1 }
            guard (1...253).contains(host), bytes[host - 1] != UInt8(ascii: "-") else { return nil }
            isIPv6 = false
        }
        hostLength = host

        guard index < count else {
            port = nil
            return
        }
        guard bytes[index] == UInt8(ascii: ":"), count - index <= 6 else { return nil }
        var number = 0
        for place in index + 1..<count {
            guard (48...57).contains(bytes[place]) else { return nil }
            number = number * 10 + Int(bytes[place] - 48)
        }
        guard number <= 65_535 else { return nil }
        port = index + 1 < count ? UInt16(number) : nil
    }

    /// The IPv6 address between two places.
    static func address(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> ClientAddress? {
        guard end - start <= 45 else { return nil }
        var text = ""
        for place in start..<end { text.unicodeScalars.append(Unicode.Scalar(bytes[place])) }
        guard text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        return ClientAddress(text)
    }
}

extension Authority {
    /// The authority of a URI with another scheme, of an origin-form target; what no URI has raw is percent-encoded, so that nothing in the
    /// target can end the field or move the host.
    static func location(secure: Bool, host: some Sequence<UInt8>, port: UInt16?, target: String?) -> String {
        var bytes = Array((secure ? "https://" : "http://").utf8)
        for byte in host { bytes.append(byte.lowercasedASCII) }
        if let port { bytes.append(contentsOf: ":\(port)".utf8) }
        guard let target, target.utf8.first == UInt8(ascii: "/") else { return String(decoding: bytes, as: UTF8.self) + "/" }
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in target.utf8 {
            switch byte {
            case 0x21, 0x24...0x3b, 0x3d, 0x3f...0x5b, 0x5d, 0x5f, 0x61...0x7a, 0x7c, 0x7e: bytes.append(byte)
            default: bytes.append(contentsOf: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
