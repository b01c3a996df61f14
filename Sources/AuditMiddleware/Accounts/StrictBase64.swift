/// base64 (RFC 4648 §4), strictly: one text for one sequence of bytes.
enum StrictBase64 {
    /// The bytes of `text`; nil where it has white space, another character, or unused bits that are not zero.
    /// - Parameter padded: whether it must be padded (RFC 7617), or must not be (PHC strings).
    static func decode(_ text: some Collection<UInt8>, padded: Bool) -> [UInt8]? {
        var text = Array(text)
        if padded {
            guard text.count.isMultiple(of: 4) else { return nil }
            let end = text.suffix(2).count { $0 == UInt8(ascii: "=") }
            text.removeLast(end)
        }
        for (place, c) in text.enumerated() {
            switch c {
            case UInt8(ascii: "+"): text[place] = UInt8(ascii: "-")
            case UInt8(ascii: "/"): text[place] = UInt8(ascii: "_")
            case UInt8(ascii: "-"), UInt8(ascii: "_"): return nil
            default: break
            }
        }
        return Base64URL.decode(text)
    }

    /// Without padding.
    static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(
            decoding: Base64URL.encode(bytes).map { c in
                switch c {
                case UInt8(ascii: "-"): UInt8(ascii: "+")
                case UInt8(ascii: "_"): UInt8(ascii: "/")
                default: c
                }
            }, as: UTF8.self)
    }
}
