/// base64url without padding (RFC 7515 §2, RFC 4648 §5), strictly: one text for one sequence of bytes.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, c) in alphabet.enumerated() { values[Int(c)] = UInt8(value) }
        return values
    }()

    /// The bytes of `text`; nil where it has padding, white space, another character, a length that none has, or unused bits that are not zero.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        if let bytes = text.withContiguousStorageIfAvailable({ decode($0) }) { return bytes }
        return Array(text).withUnsafeBufferPointer { decode($0) }
    }

    private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        let count = text.count
        guard count % 4 != 1 else { return nil }
        let size = count * 3 / 4
        var isGood = true
        let bytes = values.withUnsafeBufferPointer { values in
            [UInt8](unsafeUninitializedCapacity: size) { out, written in
                // A character outside the alphabet has the value 0xff: gathered here, so that the loop has no exit.
                var seen: UInt8 = 0
                var (i, o) = (0, 0)
                while i + 4 <= count {
                    let (a, b) = (values[Int(text[i])], values[Int(text[i + 1])])
                    let (c, d) = (values[Int(text[i + 2])], values[Int(text[i + 3])])
                    seen |= a | b | c | d
                    out[o] = a << 2 | b >> 4
                    out[o + 1] = b << 4 | c >> 2
                    out[o + 2] = c << 6 | d
                    i += 4
                    o += 3
                }
                if count - i >= 2 {
                    let (a, b) = (values[Int(text[i])], values[Int(text[i + 1])])
                    seen |= a | b
                    out[o] = a << 2 | b >> 4
                    o += 1
                    var unused = b & 0x0f
                    if count - i == 3 {
                        let c = values[Int(text[i + 2])]
                        seen |= c
                        out[o] = b << 4 | c >> 2
                        o += 1
                        unused = c & 0x03
                    }
                    if unused != 0 { isGood = false }
                }
                if seen & 0xc0 != 0 { isGood = false }
                written = o
            }
        }
        return isGood ? bytes : nil
    }

    static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        var bits: UInt32 = 0
        var held = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            held += 8
            while held >= 6 {
                held -= 6
                text.append(alphabet[Int(bits >> UInt32(held) & 0x3f)])
            }
            bits &= (1 << UInt32(held)) - 1
        }
        if held > 0 { text.append(alphabet[Int(bits << UInt32(6 - held) & 0x3f)]) }
        return text
    }
}
