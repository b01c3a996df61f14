/// The fields of an `application/x-www-form-urlencoded` body or of a query, in their order, strictly and within bounds.
struct FormFields: Sendable {
    enum Failure: Error, Sendable {
        case tooLarge
        /// A percent sign without two hex digits, or bytes that are not UTF-8.
        case malformed
    }

    private let fields: [(name: [UInt8], value: String)]

    init(_ bytes: some Collection<UInt8>, maximumBytes: Int = 16 * 1024, maximumCount: Int = 64) throws(Failure) {
        guard bytes.count <= maximumBytes else { throw .tooLarge }
        var fields: [(name: [UInt8], value: String)] = []
        for part in bytes.split(separator: UInt8(ascii: "&")) {
            guard fields.count < maximumCount else { throw .tooLarge }
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let name = try Self.decoded(part[..<(equals ?? part.endIndex)])
            let value = try Self.decoded(equals.map { part[part.index(after: $0)...] } ?? part[part.endIndex...])
            guard let text = String(validating: value, as: UTF8.self) else { throw .malformed }
            fields.append((name, text))
        }
        self.fields = fields
    }

    /// Whether some name comes twice (RFC 6749 §3.1 and §3.2 forbid it).
    var hasRepeatedName: Bool {
        var names: Set<[UInt8]> = []
        return fields.contains { !names.insert($0.name).inserted }
    }

    /// The one value under `name`; nil where there is none or more than one.
    subscript(name: String) -> String? {
        let matching = fields.filter { $0.name.elementsEqual(name.utf8) }
        return matching.count == 1 ? matching[0].value : nil
    }

    private static func decoded(_ text: some Collection<UInt8>) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let c = rest.next() {
            switch c {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hex), let low = rest.next().flatMap(hex) else { throw .malformed }
                bytes.append(high << 4 | low)
            default: bytes.append(c)
            }
        }
        return bytes
    }

    private static func hex(_ c: UInt8) -> UInt8? {
        switch c {
        case 48...57: c - 48
        case 65...70: c - 55
        case 97...102: c - 87
        default: nil
        }
    }

    /// `fields` in the form's encoding; everything but unreserved characters (RFC 3986 §2.3) is escaped.
    static func encode(_ fields: [(String, String)]) -> String {
        fields.map { "\(escaped($0.0))=\(escaped($0.1))" }.joined(separator: "&")
    }

    static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for c in text.utf8 {
            switch c {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): bytes.append(c)
            default: bytes += [UInt8(ascii: "%"), digits[Int(c >> 4)], digits[Int(c & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
