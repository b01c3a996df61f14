/// The 16 bytes of a `uuid` (RFC 9562), ordered as the server orders them.
public struct PostgresUUID: Sendable, Hashable, Comparable, PostgresEncodable, PostgresDecodable {
    /// The first eight bytes, big-endian.
    public var high: UInt64
    /// The last eight bytes, big-endian.
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Nil unless there are exactly 16 bytes.
    public init?(bytes: some Sequence<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0
        for byte in bytes {
            if count < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
            count += 1
        }
        guard count == 16 else { return nil }
        self.init(high: high, low: low)
    }

    /// The form of RFC 9562, section 4: 32 hexadecimal digits, hyphens anywhere between them.
    public init?(_ text: String) {
        var digits = 0
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in text.utf8 where byte != UInt8(ascii: "-") {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            guard digits < 32 else { return nil }
            if digits < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
            digits += 1
        }
        guard digits == 32 else { return nil }
        self.init(high: high, low: low)
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        encode(into: &bytes)
        return bytes
    }

    public static var oid: UInt32 { TypeOID.uuid }
    public static var arrayOID: UInt32 { 2951 }

    public static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    public func encode(into buffer: inout [UInt8]) {
        buffer.appendBigEndian(high)
        buffer.appendBigEndian(low)
    }

    public static func encodeArray(_ elements: [Self], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { UInt128($0.high) << 64 | UInt128($0.low) }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        guard oid == TypeOID.uuid else { throw TypeOID.mismatch(oid, as: Self.self) }
        guard binary.count == 16 else { throw PostgresError(.decoding, "a uuid of \(binary.count) bytes") }
        high = UInt64(bigEndian: binary.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: binary.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
}

extension PostgresUUID: CustomStringConvertible {
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
