/// A Swift value that can be sent to the server in PostgreSQL's binary format.
///
/// NULL is sent through `Optional`.
public protocol PostgresEncodable: Sendable {
    /// The identifier of the type in `pg_type`.
    static var oid: UInt32 { get }
    /// The identifier of the type's one-dimensional array, 0 where there is none.
    static var arrayOID: UInt32 { get }
    /// Appends the value's binary form, without its length. Throws `PostgresError` (`.usage`) for a value that PostgreSQL cannot hold.
    func encode(into buffer: inout [UInt8]) throws

    /// True for the nil of an `Optional`; nothing is encoded then.
    var isPostgresNull: Bool { get }
    /// Appends the binary form of a one-dimensional array. Types of fixed width write it in one pass.
    static func encodeArray(_ elements: [Self], into buffer: inout [UInt8]) throws
    /// Appends the binary form of a one-dimensional array, NULL for nil.
    static func encodeArray(nullable elements: [Self?], into buffer: inout [UInt8]) throws
}

extension PostgresEncodable {
    public var isPostgresNull: Bool { false }

    public static func encodeArray(_ elements: [Self], into buffer: inout [UInt8]) throws {
        let start = buffer.count
        try buffer.appendArrayHeader(of: oid, count: elements.count)
        var hasNull = false
        for element in elements {
            if element.isPostgresNull {
                hasNull = true
                buffer.appendBigEndian(Int32(-1))
                continue
            }
            try buffer.appendValue(element)
        }
        if hasNull { buffer.replaceBigEndian(at: start + 4, with: 1) }
    }

    public static func encodeArray(nullable elements: [Self?], into buffer: inout [UInt8]) throws {
        let start = buffer.count
        try buffer.appendArrayHeader(of: oid, count: elements.count)
        var hasNull = false
        for element in elements {
            guard let element, !element.isPostgresNull else {
                hasNull = true
                buffer.appendBigEndian(Int32(-1))
                continue
            }
            try buffer.appendValue(element)
        }
        if hasNull { buffer.replaceBigEndian(at: start + 4, with: 1) }
    }

    /// `encodeArray` for types whose binary form is one integer.
    static func encodeFixedWidth<Word: FixedWidthInteger>(
        _ elements: [Self], into buffer: inout [UInt8], _ word: (Self) throws -> Word
    ) throws {
        try buffer.appendArrayHeader(of: oid, count: elements.count)
        let width = MemoryLayout<Word>.size
        var offset = buffer.count
        buffer += [UInt8](repeating: 0, count: elements.count * (4 + width))
        try buffer.withUnsafeMutableBytes { bytes in
            for element in elements {
                bytes.storeBytes(of: Int32(width).bigEndian, toByteOffset: offset, as: Int32.self)
                bytes.storeBytes(of: try word(element).bigEndian, toByteOffset: offset + 4, as: Word.self)
                offset += 4 + width
            }
        }
    }
}

extension [UInt8] {
    /// The header of an array: dimensions, null flag (set afterwards), element type, length, lower bound (`array_send` of the server).
    mutating func appendArrayHeader(of element: UInt32, count: Int) throws {
        guard let length = Int32(exactly: count) else { throw PostgresError(.usage, "an array of \(count) elements is too long") }
        appendBigEndian(Int32(count == 0 ? 0 : 1))
        appendBigEndian(Int32(0))
        appendBigEndian(element)
        guard count > 0 else { return }
        appendBigEndian(length)
        appendBigEndian(Int32(1))
    }

    /// A value that is not NULL, after its length.
    @inlinable
    package mutating func appendValue<Value: PostgresEncodable>(_ value: Value) throws {
        let at = count
        appendBigEndian(Int32(0))
        try value.encode(into: &self)
        guard let length = Int32(exactly: count - at - 4) else {
            throw PostgresError(.usage, "a value of \(count - at - 4) bytes is longer than PostgreSQL takes")
        }
        replaceBigEndian(at: at, with: length)
    }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    public static var oid: UInt32 { Wrapped.oid }
    public static var arrayOID: UInt32 { Wrapped.arrayOID }
    public var isPostgresNull: Bool { self?.isPostgresNull ?? true }

    public func encode(into buffer: inout [UInt8]) throws {
        try self?.encode(into: &buffer)
    }

    // The loop is the wrapped type's, which the compiler has specialised.
    public static func encodeArray(_ elements: [Wrapped?], into buffer: inout [UInt8]) throws {
        try Wrapped.encodeArray(nullable: elements, into: &buffer)
    }
}

extension Array: PostgresEncodable where Element: PostgresEncodable {
    public static var oid: UInt32 { Element.arrayOID }
    public static var arrayOID: UInt32 { 0 }

    public func encode(into buffer: inout [UInt8]) throws {
        guard Element.arrayOID != 0 else { throw PostgresError(.usage, "arrays of \(Element.self) are not supported") }
        try Element.encodeArray(self, into: &buffer)
    }
}
