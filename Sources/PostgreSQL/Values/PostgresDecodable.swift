/// A Swift value that can be read from PostgreSQL's binary format.
public protocol PostgresDecodable: Sendable {
    /// Reads a value that is not NULL. `oid` is the type that the server sent. The memory is valid during the call only.
    /// Throws `PostgresError` (`.decoding`) for another type or a value that Swift's type cannot hold.
    init(binary: UnsafeRawBufferPointer, oid: UInt32) throws
    /// What NULL becomes: nil for an `Optional`, an error for all else.
    static func decodeNull() throws -> Self
    /// Reads a one-dimensional array.
    static func decodeArray(binary: UnsafeRawBufferPointer) throws -> [Self]
}

extension PostgresDecodable {
    public static func decodeNull() throws -> Self {
        throw PostgresError(.decoding, "NULL cannot be read as \(Self.self)")
    }

    public static func decodeArray(binary: UnsafeRawBufferPointer) throws -> [Self] {
        var reader = ArrayReader(binary: binary)
        let count = try reader.header()
        var elements: [Self] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            if let element = try reader.next() {
                elements.append(try Self(binary: element, oid: reader.element))
            } else {
                elements.append(try decodeNull())
            }
        }
        return elements
    }
}

/// Walks through the binary form of an array (`array_send` of the server).
private struct ArrayReader {
    let binary: UnsafeRawBufferPointer
    var offset = 0
    var element: UInt32 = 0

    init(binary: UnsafeRawBufferPointer) {
        self.binary = binary
    }

    mutating func header() throws -> Int {
        let dimensions = try word()
        _ = try word()
        element = UInt32(bitPattern: try word())
        guard dimensions != 0 else { return 0 }
        guard dimensions == 1 else { throw PostgresError(.decoding, "an array of \(dimensions) dimensions where one was expected") }
        let count = Int(try word())
        _ = try word()
        guard count >= 0, count * 4 <= binary.count - offset else { throw truncated }
        return count
    }

    mutating func next() throws -> UnsafeRawBufferPointer? {
        let length = Int(try word())
        guard length >= 0 else { return nil }
        guard length <= binary.count - offset else { throw truncated }
        defer { offset += length }
        return UnsafeRawBufferPointer(rebasing: binary[offset..<offset + length])
    }

    private mutating func word() throws -> Int32 {
        guard binary.count - offset >= 4 else { throw truncated }
        defer { offset += 4 }
        return Int32(bigEndian: binary.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }

    private var truncated: PostgresError { PostgresError(.decoding, "the value is not an array") }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        self = .some(try Wrapped(binary: binary, oid: oid))
    }

    public static func decodeNull() throws -> Self { nil }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        self = try Element.decodeArray(binary: binary)
    }
}
