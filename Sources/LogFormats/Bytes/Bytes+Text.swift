extension ArraySlice<UInt8> {
    /// These bytes as text that any store can hold and any reader can see: valid UTF-8 as it is, other bytes as `\xHH`, NUL as `\u0000`.
    ///
    /// Control characters other than NUL stay data; whoever prints them escapes them.
    var text: String {
        var isPlain = true
        for byte in self where byte == 0 || byte >= 0x80 {
            isPlain = false
            break
        }
        if isPlain { return String(decoding: self, as: UTF8.self) }
        if !contains(0), let valid = String(validating: self, as: UTF8.self) { return valid }
        return visibleText
    }

    private var visibleText: String {
        var out: [UInt8] = []
        out.reserveCapacity(count + 16)
        var position = startIndex
        while position < endIndex {
            let byte = self[position]
            if byte == 0 {
                out.append(contentsOf: #"\u0000"#.utf8)
                position += 1
            } else if byte < 0x80 {
                out.append(byte)
                position += 1
            } else if let length = sequenceLength(at: position) {
                out.append(contentsOf: self[position..<position + length])
                position += length
            } else {
                out.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "x"), Self.hexDigit(byte >> 4), Self.hexDigit(byte & 0xf)])
                position += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The length of the well-formed multi-byte sequence at `position` (RFC 3629 §4), nil where there is none.
    private func sequenceLength(at position: Int) -> Int? {
        let length: Int
        switch self[position] {
        case 0xc2...0xdf: length = 2
        case 0xe0...0xef: length = 3
        case 0xf0...0xf4: length = 4
        default: return nil
        }
        guard position + length <= endIndex,
            String(validating: self[position..<position + length], as: UTF8.self) != nil
        else { return nil }
        return length
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    /// These bytes with the escapes of Apache and nginx undone: `\"`, `\\`, `\xHH`, `\n`, `\r`, `\t`, `\b`, `\v`, `\f`. Others stay as they are.
    var unescaped: Bytes {
        guard contains(UInt8(ascii: "\\")) else { return self }
        var out: [UInt8] = []
        out.reserveCapacity(count)
        var position = startIndex
        while position < endIndex {
            let byte = self[position]
            position += 1
            guard byte == UInt8(ascii: "\\"), position < endIndex else {
                out.append(byte)
                continue
            }
            switch self[position] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(self[position])
            case UInt8(ascii: "n"): out.append(0x0a)
            case UInt8(ascii: "r"): out.append(0x0d)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "v"): out.append(0x0b)
            case UInt8(ascii: "f"): out.append(0x0c)
            case UInt8(ascii: "x"):
                guard position + 2 < endIndex, let high = Self.hexValue(self[position + 1]), let low = Self.hexValue(self[position + 2])
                else {
                    out.append(byte)
                    continue
                }
                out.append(high << 4 | low)
                position += 2
            default:
                out.append(byte)
                continue
            }
            position += 1
        }
        return out[...]
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 97...102: byte - 87
        case 65...70: byte - 55
        default: nil
        }
    }
}
