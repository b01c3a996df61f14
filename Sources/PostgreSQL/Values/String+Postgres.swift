import Glibc

extension String: PostgresEncodable, PostgresDecodable {
    public static var oid: UInt32 { TypeOID.text }
    public static var arrayOID: UInt32 { 1009 }

    /// Throws `PostgresError` (`.usage`) for a string with a NUL (U+0000), which PostgreSQL's `text` cannot hold.
    public func encode(into buffer: inout [UInt8]) throws {
        try buffer.appendText(self)
    }

    /// Reads `text`, `varchar`, `bpchar`, `name`, `"char"`, `json`, `jsonb`, `xml`, `unknown`, `void`, and types that are not
    /// built in and whose binary form is text, such as enums.
    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        switch oid {
        case TypeOID.text, TypeOID.varchar, TypeOID.bpchar, TypeOID.name, TypeOID.char, TypeOID.json, TypeOID.xml, TypeOID.unknown,
            TypeOID.void:
            self = String(decoding: binary, as: UTF8.self)
        case TypeOID.jsonb:
            self = try PostgresJSON(binary: binary, oid: oid).text
        case TypeOID.firstUserDefined...:
            guard let text = String(validating: binary, as: UTF8.self), !binary.contains(0) else {
                throw TypeOID.mismatch(oid, as: String.self)
            }
            self = text
        default:
            throw TypeOID.mismatch(oid, as: String.self)
        }
    }
}

extension [UInt8] {
    /// The bytes of a string, which may hold no NUL: the server refuses it, and C interfaces would cut it off there.
    mutating func appendText(_ text: String) throws {
        var text = text
        try text.withUTF8 { bytes in
            if let base = bytes.baseAddress, memchr(base, 0, bytes.count) != nil {
                throw PostgresError(.usage, "a string with a NUL character (U+0000) cannot be stored as text")
            }
            append(contentsOf: bytes)
        }
    }
}

/// A document of type `json` or `jsonb`, as its text. It is sent as `jsonb`.
public struct PostgresJSON: Sendable, Hashable, PostgresEncodable, PostgresDecodable, CustomStringConvertible {
    public var text: String

    public init(text: String) {
        self.text = text
    }

    public static var oid: UInt32 { TypeOID.jsonb }
    public static var arrayOID: UInt32 { 3807 }
    public var description: String { text }

    public func encode(into buffer: inout [UInt8]) throws {
        buffer.append(1)  // the version of jsonb's binary form
        try buffer.appendText(text)
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        switch oid {
        case TypeOID.json:
            text = String(decoding: binary, as: UTF8.self)
        case TypeOID.jsonb:
            guard binary.first == 1 else { throw PostgresError(.decoding, "an unknown version of jsonb's binary form") }
            text = String(decoding: UnsafeRawBufferPointer(rebasing: binary.dropFirst()), as: UTF8.self)
        default:
            throw TypeOID.mismatch(oid, as: PostgresJSON.self)
        }
    }
}

/// The UTF-8 of a JSON document, sent as `jsonb`. For documents that are at hand as bytes; the server judges them.
public struct PostgresJSONBytes: Sendable, Hashable, PostgresEncodable {
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public static var oid: UInt32 { TypeOID.jsonb }
    public static var arrayOID: UInt32 { PostgresJSON.arrayOID }

    public func encode(into buffer: inout [UInt8]) {
        buffer.append(1)  // the version of jsonb's binary form
        buffer.append(contentsOf: bytes)
    }
}

/// A value of type `bytea`.
public struct PostgresBytes: Sendable, Hashable, PostgresEncodable, PostgresDecodable {
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public static var oid: UInt32 { TypeOID.bytea }
    public static var arrayOID: UInt32 { 1001 }

    public func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: bytes) }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        guard oid == TypeOID.bytea else { throw TypeOID.mismatch(oid, as: PostgresBytes.self) }
        bytes = [UInt8](binary)
    }
}
