import HTTPTypes

/// A content coding that responses may have (RFC 9110 §8.4.1).
enum ContentCoding: String, Sendable {
    case gzip
    /// The zlib format, not bare DEFLATE.
    case deflate
}

/// What a request's `Accept-Encoding` says (RFC 9110 §12.5.3). Weights are in thousandths; a malformed element counts as absent.
struct AcceptedCodings: Equatable {
    private var gzip: Int?
    private var deflate: Int?
    private var identity: Int?
    private var others: Int?

    /// A list longer than 1,024 bytes is no list.
    init(_ headers: HTTPFields) {
        var size = 0
        for field in headers where field.name == .acceptEncoding {
            size += field.value.utf8.count
            guard size <= 1024 else {
                self = AcceptedCodings([:])
                return
            }
            for element in field.value.utf8.split(separator: UInt8(ascii: ",")) { add(element) }
        }
    }

    private mutating func add(_ element: Substring.UTF8View) {
        let parts = element.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first?.trimmingOptionalSpace, let weight = parts.count < 2 ? 1000 : AcceptedCodings.weight(parts[1]) else {
            return
        }
        if name.equalsIgnoringCase("gzip") || name.equalsIgnoringCase("x-gzip") {
            gzip = max(gzip ?? 0, weight)
        } else if name.equalsIgnoringCase("deflate") {
            deflate = max(deflate ?? 0, weight)
        } else if name.equalsIgnoringCase("identity") {
            identity = max(identity ?? 0, weight)
        } else if name.equalsIgnoringCase("*") {
            others = max(others ?? 0, weight)
        }
    }

    /// `q=` and 0 to 1 with at most three digits after the point.
    private static func weight(_ parameter: Substring.UTF8View) -> Int? {
        let bytes = Array(parameter.trimmingOptionalSpace)
        guard (3...7).contains(bytes.count), bytes[0] | 0x20 == UInt8(ascii: "q"), bytes[1] == UInt8(ascii: "=") else { return nil }
        guard bytes[2] == UInt8(ascii: "0") || bytes[2] == UInt8(ascii: "1") else { return nil }
        var (weight, scale) = (Int(bytes[2] - 48) * 1000, 100)
        if bytes.count > 3 {
            guard bytes[3] == UInt8(ascii: ".") else { return nil }
            for byte in bytes[4...] {
                guard (48...57).contains(byte) else { return nil }
                weight += Int(byte - 48) * scale
                scale /= 10
            }
        }
        return weight <= 1000 ? weight : nil
    }

    /// Whether the bare response is ruled out: by `identity;q=0`, or by `*;q=0` without a word about identity.
    var refusesIdentity: Bool { (identity ?? others) == 0 }

    /// The coding to use: the heavier, gzip of equals; nil where neither is wanted, or identity is wanted more.
    var choice: ContentCoding? {
        let (gzip, deflate) = (gzip ?? others ?? 0, deflate ?? others ?? 0)
        guard max(gzip, deflate) > 0, max(gzip, deflate) >= identity ?? 0 else { return nil }
        return gzip >= deflate ? .gzip : .deflate
    }
}
