/// What is wrong with a request's target; the codes of the events.
enum TargetFlaw: String, Error {
    case tooLong = "target_too_long"
    /// Neither a path nor, with OPTIONS, `*`.
    case notAbsolute = "target_not_absolute"
    /// A byte outside of ASCII, which must be percent-encoded (RFC 3986 §2).
    case notASCII = "target_not_ascii"
    /// A control character, bare or encoded.
    case control = "target_control"
    case fragment = "target_fragment"
    /// A character that no path has bare: space, quotes, brackets.
    case illegalCharacter = "path_illegal_character"
    /// `//`, which servers and proxies take for different paths.
    case emptySegment = "path_empty_segment"
    /// `.` or `..`, bare or encoded.
    case dotSegment = "path_dot_segment"
    case encodedSlash = "path_encoded_slash"
    case encodedNUL = "path_encoded_nul"
    case backslash = "path_backslash"
    /// `;`, where routes and filters disagree on what the path is.
    case parameter = "path_parameter"
    /// `%` without two hex digits.
    case badEscape = "path_bad_escape"
    /// Encoded bytes that are not UTF-8: overlong forms, surrogates, ends missing.
    case badUTF8 = "path_bad_utf8"
    /// `%25` before what would be a trick if it were decoded again.
    case doubleEncoding = "path_double_encoding"
    /// A `_method` parameter in the query.
    case methodOverride = "method_override"

    /// Whether it is a mistake of clients; the others are tricks.
    var isMistake: Bool {
        switch self {
        case .tooLong, .notAbsolute, .notASCII, .fragment, .illegalCharacter, .emptySegment, .badEscape: true
        default: false
        }
    }
}

/// Examines the path and query of a request in one pass, without decoding them.
struct TargetExamination {
    private var segment = 0
    private var isDots = true
    /// Continuation bytes that must still come, and the bounds of the next one.
    private var missing = 0
    private var bounds: ClosedRange<UInt8> = 0x80...0xbf

    /// - Parameter parameters: whether `;` may be in a path.
    static func examine(_ target: Span<UInt8>, limit: Int, parameters: Bool) throws(TargetFlaw) {
        guard target.count <= limit else { throw .tooLong }
        guard target.count > 0, target[0] == UInt8(ascii: "/") else { throw .notAbsolute }
        var examination = TargetExamination()
        var index = 1
        while index < target.count, target[index] != UInt8(ascii: "?") {
            index += try examination.step(target, at: index, parameters: parameters)
        }
        try examination.endSegment(isLast: true)
        if index < target.count { try query(target, from: index + 1) }
    }

    private mutating func step(_ target: Span<UInt8>, at index: Int, parameters: Bool) throws(TargetFlaw) -> Int {
        let byte = target[index]
        switch byte {
        case UInt8(ascii: "/"):
            try endSegment(isLast: false)
            return 1
        case UInt8(ascii: "%"):
            guard index + 2 < target.count, let high = TargetExamination.digit(target[index + 1]),
                let low = TargetExamination.digit(target[index + 2])
            else { throw .badEscape }
            try decoded(high << 4 | low, before: target, index + 3)
            return 3
        case UInt8(ascii: "\\"): throw .backslash
        case UInt8(ascii: "#"): throw .fragment
        case UInt8(ascii: ";") where !parameters: throw .parameter
        case 0..<0x20, 0x7f: throw .control
        case 0x80...: throw .notASCII
        case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "^"), UInt8(ascii: "`"),
            UInt8(ascii: "{"), UInt8(ascii: "}"):
            throw .illegalCharacter
        default:
            if missing > 0 { throw .badUTF8 }
            note(byte)
            return 1
        }
    }

    private mutating func note(_ byte: UInt8) {
        segment += 1
        if byte != UInt8(ascii: ".") { isDots = false }
    }

    private mutating func decoded(_ byte: UInt8, before target: Span<UInt8>, _ next: Int) throws(TargetFlaw) {
        if missing > 0 {
            guard bounds.contains(byte) else { throw .badUTF8 }
            (missing, bounds) = (missing - 1, 0x80...0xbf)
            return note(byte)
        }
        switch byte {
        case 0: throw .encodedNUL
        case 1..<0x20, 0x7f: throw .control
        case UInt8(ascii: "/"): throw .encodedSlash
        case UInt8(ascii: "\\"): throw .backslash
        case UInt8(ascii: "%"):
            if next + 1 < target.count, let high = TargetExamination.digit(target[next]),
                let low = TargetExamination.digit(target[next + 1]),
                [0x00, 0x25, 0x2e, 0x2f, 0x5c].contains(high << 4 | low)
            {
                throw .doubleEncoding
            }
        case 0..<0x80: break
        // The well-formed sequences of Unicode, table 3-7.
        case 0xc2...0xdf: (missing, bounds) = (1, 0x80...0xbf)
        case 0xe0: (missing, bounds) = (2, 0xa0...0xbf)
        case 0xed: (missing, bounds) = (2, 0x80...0x9f)
        case 0xe1...0xef: (missing, bounds) = (2, 0x80...0xbf)
        case 0xf0: (missing, bounds) = (3, 0x90...0xbf)
        case 0xf1...0xf3: (missing, bounds) = (3, 0x80...0xbf)
        case 0xf4: (missing, bounds) = (3, 0x80...0x8f)
        default: throw .badUTF8
        }
        note(byte)
    }

    private mutating func endSegment(isLast: Bool) throws(TargetFlaw) {
        if missing > 0 { throw .badUTF8 }
        if segment == 0, !isLast { throw .emptySegment }
        if isDots, segment == 1 || segment == 2 { throw .dotSegment }
        (segment, isDots) = (0, true)
    }

    /// A query may hold whatever is encoded; what it may not is bare control characters, a fragment, and `_method` for a key.
    private static func query(_ target: Span<UInt8>, from start: Int) throws(TargetFlaw) {
        var isKey = true
        for index in start..<target.count {
            switch target[index] {
            case 0..<0x21, 0x7f: throw .control
            case 0x80...: throw .notASCII
            case UInt8(ascii: "#"): throw .fragment
            default: break
            }
            if isKey, isMethodKey(target, index) { throw .methodOverride }
            isKey = target[index] == UInt8(ascii: "&")
        }
    }

    /// Whether the key that begins here is `_method`, each of its letters bare or encoded.
    private static func isMethodKey(_ target: Span<UInt8>, _ start: Int) -> Bool {
        guard target[start] == UInt8(ascii: "_") || target[start] == UInt8(ascii: "%") else { return false }
        var index = start
        for letter in "_method".utf8 {
            guard index < target.count else { return false }
            if target[index] == UInt8(ascii: "%"), index + 2 < target.count, let high = digit(target[index + 1]),
                let low = digit(target[index + 2])
            {
                guard high << 4 | low == letter else { return false }
                index += 3
            } else {
                guard target[index].lowercasedASCII == letter else { return false }
                index += 1
            }
        }
        return index == target.count || target[index] == UInt8(ascii: "=") || target[index] == UInt8(ascii: "&")
    }

    @inline(__always) private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
