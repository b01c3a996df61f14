/// The JSON Canonicalization Scheme, RFC 8785: one byte string a value.
public enum CanonicalJSON {
    /// The canonical UTF-8 of `value`.
    ///
    /// Integers beyond ±2^53 are written as strings, for RFC 8785 numbers are IEEE doubles and would round them; a NUL in a string or name is
    /// written visibly as the text `\u0000`, for PostgreSQL stores none; a number that is not finite becomes null.
    public static func encode(_ value: JSONValue) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(256)
        append(value, to: &out)
        return out
    }

    /// Appends the canonical UTF-8 of `value` to `out`.
    public static func append(_ value: JSONValue, to out: inout [UInt8]) {
        switch value {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let flag): out.append(contentsOf: flag ? "true".utf8 : "false".utf8)
        case .int(let number): append(number, to: &out)
        case .double(let number): append(number, to: &out)
        case .string(let text): append(text, to: &out)
        case .array(let elements):
            out.append(UInt8(ascii: "["))
            for (offset, element) in elements.enumerated() {
                if offset > 0 { out.append(UInt8(ascii: ",")) }
                append(element, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let object): append(object, to: &out)
        }
    }

    static func append(_ object: JSONObject, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        for (offset, member) in object.members.enumerated() {
            if offset > 0 { out.append(UInt8(ascii: ",")) }
            append(member.key, to: &out)
            out.append(UInt8(ascii: ":"))
            append(member.value, to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    static func append(_ number: Int64, to out: inout [UInt8]) {
        if number.magnitude > 1 << 53 {
            append(String(number), to: &out)
        } else {
            out.append(contentsOf: String(number).utf8)
        }
    }

    /// RFC 8785 §3.2.2.2: the two-character escapes, `\u00xx` in lower case for other controls, everything else as it is.
    static func append(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var (start, offset) = (0, 0)
            while offset < bytes.count {
                let byte = bytes[offset]
                defer { offset += 1 }
                guard byte < 0x20 || byte == 0x22 || byte == 0x5c else { continue }
                out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<offset]))
                start = offset + 1
                switch byte {
                case 0x00: out.append(contentsOf: #"\\u0000"#.utf8)
                case 0x08: out.append(contentsOf: #"\b"#.utf8)
                case 0x09: out.append(contentsOf: #"\t"#.utf8)
                case 0x0a: out.append(contentsOf: #"\n"#.utf8)
                case 0x0c: out.append(contentsOf: #"\f"#.utf8)
                case 0x0d: out.append(contentsOf: #"\r"#.utf8)
                case 0x22: out.append(contentsOf: #"\""#.utf8)
                case 0x5c: out.append(contentsOf: #"\\"#.utf8)
                default:
                    let digits = Array("0123456789abcdef".utf8)
                    out.append(contentsOf: #"\u00"#.utf8)
                    out.append(digits[Int(byte >> 4)])
                    out.append(digits[Int(byte & 15)])
                }
            }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
        }
        out.append(UInt8(ascii: "\""))
    }

    /// ECMAScript `Number::toString` (ECMA-262 §6.1.6.1.20), as RFC 8785 §3.2.2.3 asks, from Swift's shortest round-trip digits.
    static func append(_ number: Double, to out: inout [UInt8]) {
        guard number.isFinite else { return out.append(contentsOf: "null".utf8) }
        if number == 0 { return out.append(UInt8(ascii: "0")) }
        if number < 0 { out.append(UInt8(ascii: "-")) }
        var digits: [UInt8] = []
        var pointPosition = 0  // digits before the decimal point, as written
        var exponent = 0
        var (sawPoint, inExponent, exponentNegative) = (false, false, false)
        for c in number.magnitude.description.utf8 {
            switch c {
            case UInt8(ascii: "."): sawPoint = true
            case UInt8(ascii: "e"): inExponent = true
            case UInt8(ascii: "-"): exponentNegative = true
            case UInt8(ascii: "+"): break
            default:
                if inExponent {
                    exponent = exponent * 10 + Int(c - 48)
                } else {
                    digits.append(c)
                    if !sawPoint { pointPosition += 1 }
                }
            }
        }
        pointPosition += exponentNegative ? -exponent : exponent
        let leading = digits.prefix { $0 == 48 }.count
        digits.removeFirst(leading)
        pointPosition -= leading
        while digits.last == 48 { digits.removeLast() }
        let k = digits.count
        let n = pointPosition
        func zeros(_ count: Int) { out.append(contentsOf: repeatElement(48, count: count)) }
        if k <= n, n <= 21 {
            out.append(contentsOf: digits)
            zeros(n - k)
        } else if 0 < n, n <= 21 {
            out.append(contentsOf: digits[..<n])
            out.append(UInt8(ascii: "."))
            out.append(contentsOf: digits[n...])
        } else if -6 < n, n <= 0 {
            out.append(contentsOf: "0.".utf8)
            zeros(-n)
            out.append(contentsOf: digits)
        } else {
            out.append(digits[0])
            if k > 1 {
                out.append(UInt8(ascii: "."))
                out.append(contentsOf: digits[1...])
            }
            out.append(UInt8(ascii: "e"))
            out.append(n > 0 ? UInt8(ascii: "+") : UInt8(ascii: "-"))
            out.append(contentsOf: String(abs(n - 1)).utf8)
        }
    }
}
