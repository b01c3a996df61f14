/// A moment, in microseconds since 1970-01-01T00:00:00Z, without leap seconds; `timestamptz` on the server.
public struct PostgresTimestamp: Sendable, Hashable, Comparable, PostgresEncodable, PostgresDecodable {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// 2000-01-01T00:00:00Z, from which the server counts.
    private static let serverEpoch: Int64 = 946_684_800_000_000

    public static var oid: UInt32 { TypeOID.timestamptz }
    public static var arrayOID: UInt32 { 1185 }

    public static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    private func serverValue() throws -> Int64 {
        let (value, overflow) = microseconds.subtractingReportingOverflow(Self.serverEpoch)
        // The two ends of the range mean the infinities.
        guard !overflow, value != .min, value != .max else {
            throw PostgresError(.usage, "a time of \(microseconds) µs since 1970 is beyond PostgreSQL's range")
        }
        return value
    }

    public func encode(into buffer: inout [UInt8]) throws { buffer.appendBigEndian(try serverValue()) }

    public static func encodeArray(_ elements: [Self], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { try $0.serverValue() }
    }

    /// Reads `timestamptz`, and `timestamp` as UTC. The infinities are refused.
    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        guard oid == TypeOID.timestamptz || oid == TypeOID.timestamp else { throw TypeOID.mismatch(oid, as: Self.self) }
        let value = try binary.bigEndian(Int64.self)
        let (microseconds, overflow) = value.addingReportingOverflow(Self.serverEpoch)
        guard !overflow, value != .min, value != .max else {
            throw PostgresError(.decoding, "an infinite or far time cannot be read as \(Self.self)")
        }
        self.microseconds = microseconds
    }
}

/// A transaction id that never wraps around, `xid8`.
public struct PostgresXID8: Sendable, Hashable, Comparable, PostgresEncodable, PostgresDecodable {
    public var value: UInt64

    public init(_ value: UInt64) {
        self.value = value
    }

    public static var oid: UInt32 { TypeOID.xid8 }
    public static var arrayOID: UInt32 { 271 }

    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }

    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(value) }

    public static func encodeArray(_ elements: [Self], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { $0.value }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        guard oid == TypeOID.xid8 else { throw TypeOID.mismatch(oid, as: Self.self) }
        value = try binary.bigEndian(UInt64.self)
    }
}
