/// Where addresses are, by a file in MaxMind's format (MaxMind DB File Format Specification 2.0): GeoLite2, DB-IP, IPinfo and others.
public struct GeoDatabase: GeoLookup {
    /// The largest file that is read; it is held in memory.
    public static let maximumBytes = 512 << 20

    private let bytes: [UInt8]
    private let nodes: Int
    private let recordBits: Int
    /// Where the data section begins.
    private let data: Int
    /// The node at which IPv4 begins, in a tree of IPv6 at 96 zero bits.
    private let four: Int
    private let isSix: Bool

    /// - Throws: `GeoDatabaseError` where the bytes are no such file, or one of another major version.
    public init(_ bytes: [UInt8]) throws(GeoDatabaseError) {
        let marker: [UInt8] = [0xab, 0xcd, 0xef] + Array("MaxMind.com".utf8)
        // The metadata is in the last 128 KiB.
        var start = bytes.count - marker.count
        let least = max(0, bytes.count - (128 << 10))
        while start >= least, !bytes[start...].starts(with: marker) { start -= 1 }
        guard start >= least else { throw GeoDatabaseError("it is no file in MaxMind's format") }
        var reader = Reader(bytes: bytes, base: start + marker.count, offset: start + marker.count)
        var numbers: [String: UInt64] = [:]
        guard let members = reader.mapSize() else { throw GeoDatabaseError("its metadata cannot be read") }
        for _ in 0..<members {
            guard let key = reader.text(), let value = reader.value() else { throw GeoDatabaseError("its metadata cannot be read") }
            if case .number(let number) = value { numbers[key] = number }
        }
        guard numbers["binary_format_major_version"] == 2 else { throw GeoDatabaseError("its format is not version 2") }
        guard let nodes = numbers["node_count"].flatMap({ Int(exactly: $0) }), let size = numbers["record_size"],
            [24, 28, 32].contains(size), let version = numbers["ip_version"], version == 4 || version == 6
        else { throw GeoDatabaseError("its metadata is not of this format") }
        let (tree, overflow) = nodes.multipliedReportingOverflow(by: Int(size) / 4)
        guard nodes > 0, !overflow, tree <= start - 16 else { throw GeoDatabaseError("it is shorter than its metadata says") }
        self.bytes = bytes
        self.nodes = nodes
        recordBits = Int(size)
        data = tree + 16
        isSix = version == 6
        var four = 0
        if version == 6 {
            for _ in 0..<96 where four < nodes { four = Self.record(bytes, Int(size), four, isRight: false) }
        }
        self.four = four
    }

    public func answer(for address: [UInt8]) -> GeoAnswer? {
        guard let address = AddressRange.bytes(of: address), address.count == 4 || isSix else { return nil }
        var node = address.count == 4 ? four : 0
        for byte in address {
            for bit in 0..<8 where node < nodes {
                node = Self.record(bytes, recordBits, node, isRight: byte & (0x80 >> UInt8(bit)) != 0)
            }
        }
        guard node > nodes else { return nil }
        var reader = Reader(bytes: bytes, base: data, offset: data + node - nodes - 16)
        return reader.answer()
    }

    /// One of a node's two records.
    private static func record(_ bytes: [UInt8], _ bits: Int, _ node: Int, isRight: Bool) -> Int {
        let start = node * bits / 4
        guard start >= 0, start + bits / 4 <= bytes.count else { return Int.max }
        func number(_ from: Int, _ count: Int) -> Int { bytes[from..<from + count].reduce(0) { $0 << 8 | Int($1) } }
        switch bits {
        case 24: return number(start + (isRight ? 3 : 0), 3)
        case 28:
            let middle = Int(bytes[start + 3])
            return isRight ? (middle & 0x0f) << 24 | number(start + 4, 3) : (middle >> 4) << 24 | number(start, 3)
        default: return number(start + (isRight ? 4 : 0), 4)
        }
    }
}

/// Why a file of addresses cannot be used.
public struct GeoDatabaseError: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// Reads the data section: nothing in it may lead outside the file, nor for long.
private struct Reader {
    enum Value {
        case text(String)
        case number(UInt64)
        case double(Double)
        case other
    }

    let bytes: [UInt8]
    /// What pointers count from.
    let base: Int
    var offset: Int
    /// Values that may still be read, so that no file keeps a reader busy.
    var budget = 4096

    private mutating func byte() -> UInt8? {
        guard offset >= base, offset < bytes.count else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    private mutating func number(_ count: Int) -> UInt64? {
        guard count <= 8 else { return nil }
        var value: UInt64 = 0
        for _ in 0..<count {
            guard let next = byte() else { return nil }
            value = value << 8 | UInt64(next)
        }
        return value
    }

    /// A value's type and size; a pointer is followed, and `offset` set back behind it by `back`.
    private mutating func control(_ back: inout Int?) -> (type: Int, size: Int)? {
        budget -= 1
        guard budget > 0, let first = byte() else { return nil }
        var type = Int(first >> 5)
        if type == 1 {
            // A pointer never points at a pointer.
            guard back == nil else { return nil }
            let extra = Int(first >> 3 & 3)
            guard let rest = number(extra + 1) else { return nil }
            let high = UInt64(first & 7)
            let target =
                switch extra {
                case 0: high << 8 | rest
                case 1: (high << 16 | rest) + 2048
                case 2: (high << 24 | rest) + 526_336
                default: rest
                }
            back = offset
            guard target <= UInt64(bytes.count) else { return nil }
            offset = base + Int(target)
            return control(&back)
        }
        if type == 0 {
            guard let more = byte() else { return nil }
            type = 7 + Int(more)
        }
        var size = Int(first & 31)
        switch size {
        case 29: size = 29 + Int(number(1) ?? 0)
        case 30: size = 285 + Int(number(2) ?? 0)
        case 31: size = 65_821 + Int(number(3) ?? 0)
        default: break
        }
        return (type, size)
    }

    /// The next value; what is in a map or list is passed over.
    mutating func value(depth: Int = 0) -> Value? {
        var back: Int?
        guard depth < 16, let (type, size) = control(&back) else { return nil }
        defer { if let back { offset = back } }
        switch type {
        case 2:
            guard size <= bytes.count - offset else { return nil }
            defer { offset += size }
            return .text(String(decoding: bytes[offset..<offset + size], as: UTF8.self))
        case 3:
            guard size == 8, let bits = number(8) else { return nil }
            return .double(Double(bitPattern: bits))
        case 5, 6, 9:
            guard let number = number(size) else { return nil }
            return .number(number)
        case 7, 11:
            for _ in 0..<(type == 7 ? 2 * size : size) where value(depth: depth + 1) == nil { return nil }
            return .other
        case 14: return .number(UInt64(size))
        case 15:
            guard size == 4, let bits = number(4) else { return nil }
            return .double(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
        default:
            guard size <= bytes.count - offset else { return nil }
            offset += size
            return .other
        }
    }

    mutating func text() -> String? {
        if case .text(let text)? = value() { text } else { nil }
    }

    /// The number of members of the map that stands here; the reader is then at the first.
    mutating func mapSize() -> Int? {
        var back: Int?
        guard let (type, size) = control(&back), type == 7, back == nil else { return nil }
        return size
    }

    mutating func answer() -> GeoAnswer? {
        var answer = GeoAnswer()
        members { key, reader in
            switch key {
            case "country", "country_code":
                if case .text(let code)? = reader.peek() { answer.country = code }
                reader.members { key, reader in
                    if key == "iso_code", case .text(let code)? = reader.peek() { answer.country = code }
                }
            case "location":
                reader.members { key, reader in
                    if key == "latitude", case .double(let degrees)? = reader.peek() { answer.latitude = degrees }
                    if key == "longitude", case .double(let degrees)? = reader.peek() { answer.longitude = degrees }
                }
            default: break
            }
        }
        return answer == GeoAnswer() ? nil : answer
    }

    /// The value that comes, left where it is.
    private func peek() -> Value? {
        var copy = self
        return copy.value()
    }

    /// Gives each member of the map that comes to `body`, with a reader that stands at its value; nothing for another value.
    private func members(_ body: (String, Reader) -> Void) {
        var reader = self
        var back: Int?
        guard let (type, size) = reader.control(&back), type == 7 else { return }
        for _ in 0..<size {
            guard let key = reader.text() else { return }
            body(key, reader)
            guard reader.value() != nil else { return }
        }
    }
}
