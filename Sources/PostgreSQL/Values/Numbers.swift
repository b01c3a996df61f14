extension Bool: PostgresEncodable, PostgresDecodable {
    public static var oid: UInt32 { TypeOID.bool }
    public static var arrayOID: UInt32 { 1000 }

    public func encode(into buffer: inout [UInt8]) { buffer.append(self ? 1 : 0) }

    public static func encodeArray(_ elements: [Bool], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { $0 ? UInt8(1) : 0 }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        guard oid == TypeOID.bool else { throw TypeOID.mismatch(oid, as: Bool.self) }
        self = try binary.bigEndian(UInt8.self) != 0
    }
}

extension FixedWidthInteger {
    /// Any of the server's integers, if it fits.
    fileprivate init(anyInteger binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        let wide: Int64 =
            switch oid {
            case TypeOID.int8: try binary.bigEndian(Int64.self)
            case TypeOID.int4: Int64(try binary.bigEndian(Int32.self))
            case TypeOID.int2: Int64(try binary.bigEndian(Int16.self))
            case TypeOID.oid: Int64(try binary.bigEndian(UInt32.self))
            default: throw TypeOID.mismatch(oid, as: Self.self)
            }
        guard let value = Self(exactly: wide) else { throw PostgresError(.decoding, "an integer does not fit \(Self.self)") }
        self = value
    }
}

extension Int16: PostgresEncodable, PostgresDecodable {
    public static var oid: UInt32 { TypeOID.int2 }
    public static var arrayOID: UInt32 { 1005 }

    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(self) }

    public static func encodeArray(_ elements: [Int16], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { $0 }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws { try self.init(anyInteger: binary, oid: oid) }
}

extension Int32: PostgresEncodable, PostgresDecodable {
    public static var oid: UInt32 { TypeOID.int4 }
    public static var arrayOID: UInt32 { 1007 }

    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(self) }

    public static func encodeArray(_ elements: [Int32], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { $0 }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws { try self.init(anyInteger: binary, oid: oid) }
}

extension Int64: PostgresEncodable, PostgresDecodable {
    public static var oid: UInt32 { TypeOID.int8 }
    public static var arrayOID: UInt32 { 1016 }

    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(self) }

    public static func encodeArray(_ elements: [Int64], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { $0 }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws { try self.init(anyInteger: binary, oid: oid) }
}

extension Int: PostgresEncodable, PostgresDecodable {
    public static var oid: UInt32 { TypeOID.int8 }
    public static var arrayOID: UInt32 { 1016 }

    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(Int64(self)) }

    public static func encodeArray(_ elements: [Int], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { Int64($0) }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws { try self.init(anyInteger: binary, oid: oid) }
}

extension Float: PostgresEncodable, PostgresDecodable {
    public static var oid: UInt32 { TypeOID.float4 }
    public static var arrayOID: UInt32 { 1021 }

    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(bitPattern) }

    public static func encodeArray(_ elements: [Float], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { $0.bitPattern }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        guard oid == TypeOID.float4 else { throw TypeOID.mismatch(oid, as: Float.self) }
        self.init(bitPattern: try binary.bigEndian(UInt32.self))
    }
}

extension Double: PostgresEncodable, PostgresDecodable {
    public static var oid: UInt32 { TypeOID.float8 }
    public static var arrayOID: UInt32 { 1022 }

    public func encode(into buffer: inout [UInt8]) { buffer.appendBigEndian(bitPattern) }

    public static func encodeArray(_ elements: [Double], into buffer: inout [UInt8]) throws {
        try encodeFixedWidth(elements, into: &buffer) { $0.bitPattern }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        switch oid {
        case TypeOID.float8: self.init(bitPattern: try binary.bigEndian(UInt64.self))
        case TypeOID.float4: self.init(Float(bitPattern: try binary.bigEndian(UInt32.self)))
        default: throw TypeOID.mismatch(oid, as: Double.self)
        }
    }
}
