/// Big-endian integers, the alphabet of PostgreSQL's binary format.
extension [UInt8] {
    @inlinable
    package mutating func appendBigEndian<Word: FixedWidthInteger>(_ word: Word) {
        Swift.withUnsafeBytes(of: word.bigEndian) { append(contentsOf: $0) }
    }

    @inlinable
    package mutating func replaceBigEndian(at offset: Int, with word: Int32) {
        withUnsafeMutableBytes { $0.storeBytes(of: word.bigEndian, toByteOffset: offset, as: Int32.self) }
    }
}

extension UnsafeRawBufferPointer {
    /// The only integer of a value, which must have exactly its width.
    func bigEndian<Word: FixedWidthInteger>(_: Word.Type) throws -> Word {
        guard count == MemoryLayout<Word>.size else {
            throw PostgresError(.decoding, "a value of \(count) bytes where \(MemoryLayout<Word>.size) were expected")
        }
        return Word(bigEndian: loadUnaligned(as: Word.self))
    }
}

/// Type identifiers of `pg_type` that never change.
enum TypeOID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let char: UInt32 = 18
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let xml: UInt32 = 142
    static let cidr: UInt32 = 650
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let unknown: UInt32 = 705
    static let inet: UInt32 = 869
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let void: UInt32 = 2278
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802
    static let xid8: UInt32 = 5069
    /// The first identifier of a type that is not built in.
    static let firstUserDefined: UInt32 = 16384

    static func mismatch(_ oid: UInt32, as type: Any.Type) -> PostgresError {
        PostgresError(.decoding, "a value of type oid \(oid) cannot be read as \(type)")
    }
}
