/// Why a text is not the JSON that is accepted here.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    public var reason: String
    /// The byte at which it was seen, from 0.
    public var offset: Int
    public var description: String { "\(reason) at byte \(offset)" }
}

extension JSONValue {
    /// Parses one JSON text (RFC 8259), strictly: no duplicate names, no lone surrogates, no invalid UTF-8, nothing after the value.
    ///
    /// An integer beyond ±2^53 becomes a string of its digits, so that nothing is rounded.
    /// - Parameters:
    ///   - maximumDepth: how deep arrays and objects may nest.
    ///   - keepsLargeIntegers: false for a document whose types count, as a request's do: such an integer is then the nearest double.
    /// - Throws: `JSONError` with the reason and the byte.
    public init(parsing bytes: some Sequence<UInt8>, maximumDepth: Int = 64, keepsLargeIntegers: Bool = true) throws(JSONError) {
        var parser = JSONParser(bytes: Array(bytes), maximumDepth: maximumDepth, keepsLargeIntegers: keepsLargeIntegers)
        self = try parser.document()
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let maximumDepth: Int
    let keepsLargeIntegers: Bool
    var offset = 0

    init(bytes: [UInt8], maximumDepth: Int, keepsLargeIntegers: Bool) {
        (self.bytes, self.maximumDepth, self.keepsLargeIntegers) = (bytes, maximumDepth, keepsLargeIntegers)
    }

    func failure(_ reason: String) -> JSONError { JSONError(reason: reason, offset: offset) }

    var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func skipSpace() {
        while let c = current, c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09 { offset += 1 }
    }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw failure("something follows the value") }
        return value
    }

    mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        skipSpace()
        guard depth <= maximumDepth else { throw failure("nested deeper than \(maximumDepth)") }
        switch current {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-")?, (48...57)?: return try number()
        case nil: throw failure("the text ends early")
        default: throw failure("no value starts here")
        }
    }

    mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let count = text.utf8CodeUnitCount
        guard offset + count <= bytes.count,
            bytes[offset..<offset + count].elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: count))
        else { throw failure("no value starts here") }
        offset += count
        return value
    }

    mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        var members: [JSONObject.Member] = []
        var starts: [Int] = []
        offset += 1
        skipSpace()
        if current == UInt8(ascii: "}") {
            offset += 1
            return JSONObject()
        }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("a member's name is expected") }
            let start = offset
            let key = try string()
            skipSpace()
            guard current == UInt8(ascii: ":") else { throw failure("':' is expected") }
            offset += 1
            members.append(JSONObject.Member(key: key, value: try value(depth: depth + 1)))
            starts.append(start)
            skipSpace()
            switch current {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "}"):
                offset += 1
                let (object, duplicate) = JSONObject.distinct(members)
                if let duplicate { throw JSONError(reason: "a member's name stands twice", offset: starts[duplicate]) }
                return object
            default: throw failure("',' or '}' is expected")
            }
        }
    }

    mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        offset += 1
        skipSpace()
        if current == UInt8(ascii: "]") {
            offset += 1
            return elements
        }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            switch current {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "]"):
                offset += 1
                return elements
            default: throw failure("',' or ']' is expected")
            }
        }
    }

    mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        if current == UInt8(ascii: "-") { offset += 1 }
        let firstDigit = offset
        try digits()
        if bytes[firstDigit] == 48, offset > firstDigit + 1 { throw failure("a number starts with 0") }
        var integral = true
        if current == UInt8(ascii: ".") {
            integral = false
            offset += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            integral = false
            offset += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if integral {
            guard let number = Int64(text), number.magnitude <= 1 << 53 else {
                if keepsLargeIntegers { return .string(text) }
                guard let double = Double(text), double.isFinite else { throw failure("a number is out of range") }
                return .double(double)
            }
            return text == "-0" ? .double(-0.0) : .int(number)
        }
        guard let number = Double(text), number.isFinite else { throw failure("a number is out of range") }
        return .double(number)
    }

    mutating func digits() throws(JSONError) {
        let start = offset
        while let c = current, c >= 48, c <= 57 { offset += 1 }
        guard offset > start else { throw failure("a digit is expected") }
    }

    mutating func string() throws(JSONError) -> String {
        offset += 1
        let start = offset
        while let c = current, c != UInt8(ascii: "\""), c != UInt8(ascii: "\\"), c >= 0x20 { offset += 1 }
        if current == UInt8(ascii: "\"") {
            guard let text = String(validating: bytes[start..<offset], as: UTF8.self) else { throw failure("invalid UTF-8") }
            offset += 1
            return text
        }
        var out = Array(bytes[start..<offset])
        while true {
            guard let c = current else { throw failure("a string is not closed") }
            offset += 1
            switch c {
            case UInt8(ascii: "\""):
                guard let text = String(validating: out, as: UTF8.self) else { throw failure("invalid UTF-8") }
                return text
            case UInt8(ascii: "\\"): try escape(into: &out)
            case ..<0x20: throw failure("a control character in a string")
            default: out.append(c)
            }
        }
    }

    mutating func escape(into out: inout [UInt8]) throws(JSONError) {
        guard let c = current else { throw failure("a string is not closed") }
        offset += 1
        switch c {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(c)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0c)
        case UInt8(ascii: "n"): out.append(0x0a)
        case UInt8(ascii: "r"): out.append(0x0d)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try hex4()
            var scalar = UInt32(unit)
            if unit >> 10 == 0x36 {
                guard current == UInt8(ascii: "\\"), offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "u") else {
                    throw failure("a lone surrogate")
                }
                offset += 2
                let low = try hex4()
                guard low >> 10 == 0x37 else { throw failure("a lone surrogate") }
                scalar = 0x10000 + (UInt32(unit & 0x3ff) << 10 | UInt32(low & 0x3ff))
            }
            guard let character = Unicode.Scalar(scalar) else { throw failure("a lone surrogate") }
            out.append(contentsOf: UTF8.encode(character).map { Array($0) } ?? [])
        default: throw failure("an unknown escape")
        }
    }

    mutating func hex4() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let c = current else { throw failure("a string is not closed") }
            let digit: UInt8
            switch c {
            case 48...57: digit = c - 48
            case 97...102: digit = c - 87
            case 65...70: digit = c - 55
            default: throw failure("four hex digits are expected")
            }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }
}
