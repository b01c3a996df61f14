/// A valid W3C Trace Context `traceparent`: whose trace a request belongs to.
public struct TraceParent: Sendable, Hashable {
    /// 32 lower-case hex digits, not all zero.
    public let traceID: String
    /// The caller's span: 16 lower-case hex digits, not all zero.
    public let parentID: String
    /// Bit 0: the caller may have recorded the trace.
    public let flags: UInt8

    /// Parses the header's value; nil for everything that the specification calls invalid (Trace Context §3.2): upper case, zero ids, version
    /// `ff`, another length in version `00`, and in a higher version anything but a dash after the flags.
    public init?(_ header: String) {
        let text = Array(header.utf8)
        guard text.count >= 55, text.count <= 512, text[2] == Self.dash, text[35] == Self.dash, text[52] == Self.dash,
            let version = Self.byte(text[0..<2]), version != 0xff, let flags = Self.byte(text[53..<55]),
            version == 0 ? text.count == 55 : text.count == 55 || text[55] == Self.dash,
            Self.isNonzeroHex(text[3..<35]), Self.isNonzeroHex(text[36..<52])
        else { return nil }
        traceID = String(decoding: text[3..<35], as: UTF8.self)
        parentID = String(decoding: text[36..<52], as: UTF8.self)
        self.flags = flags
    }

    private static let dash = UInt8(ascii: "-")

    private static func digit(_ c: UInt8) -> UInt8? {
        switch c {
        case 48...57: c - 48
        case 97...102: c - 87
        default: nil
        }
    }

    private static func byte(_ text: ArraySlice<UInt8>) -> UInt8? {
        guard let first = text.first.flatMap(digit), let last = text.last.flatMap(digit) else { return nil }
        return first << 4 | last
    }

    private static func isNonzeroHex(_ text: ArraySlice<UInt8>) -> Bool {
        text.allSatisfy { digit($0) != nil } && text.contains { $0 != 48 }
    }
}
