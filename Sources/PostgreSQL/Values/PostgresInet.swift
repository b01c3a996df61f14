import Glibc

/// An address or network of type `inet` in its text form, such as `192.0.2.7`, `2001:db8::1` or `10.0.0.0/8`.
public struct PostgresInet: Sendable, Hashable, PostgresEncodable, PostgresDecodable, CustomStringConvertible {
    public var text: String

    /// The text is looked at when it is sent; see `isValid`.
    public init(_ text: String) {
        self.text = text
    }

    public var description: String { text }
    public var isValid: Bool { (try? parse()) != nil }

    public static var oid: UInt32 { TypeOID.inet }
    public static var arrayOID: UInt32 { 1041 }

    // `PGSQL_AF_INET` and `PGSQL_AF_INET6` of the server's `inet.h`.
    private static let version4: UInt8 = 2
    private static let version6: UInt8 = 3

    /// The parts of the binary form; of `address` the first `length` bytes.
    private func parse() throws -> (family: UInt8, bits: UInt8, length: UInt8, address: (UInt64, UInt64)) {
        var text = text
        let parsed = text.withUTF8 { utf8 -> (family: UInt8, bits: UInt8, length: UInt8, address: (UInt64, UInt64))? in
            let end = utf8.firstIndex(of: UInt8(ascii: "/")) ?? utf8.count
            guard end < Int(INET6_ADDRSTRLEN), !utf8[..<end].contains(0) else { return nil }
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: end + 1) { host in
                _ = host.initialize(fromContentsOf: utf8[..<end])
                host.initializeElement(at: end, to: 0)
                guard let name = UnsafeRawPointer(host.baseAddress)?.assumingMemoryBound(to: CChar.self) else { return nil }
                var address: (UInt64, UInt64) = (0, 0)
                let version: UInt8
                if inet_pton(AF_INET, name, &address) == 1 {
                    version = Self.version4
                } else if inet_pton(AF_INET6, name, &address) == 1 {
                    version = Self.version6
                } else {
                    return nil
                }
                let length: UInt8 = version == Self.version4 ? 4 : 16
                guard end < utf8.count else { return (version, length * 8, length, address) }
                guard let bits = UInt8(String(decoding: utf8[(end + 1)...], as: UTF8.self)), bits <= length * 8 else { return nil }
                return (version, bits, length, address)
            }
        }
        guard let parsed else { throw PostgresError(.usage, "a text that is no internet address cannot be sent as inet") }
        return parsed
    }

    /// Throws `PostgresError` (`.usage`) where the text is no address.
    public func encode(into buffer: inout [UInt8]) throws {
        let (family, bits, length, address) = try parse()
        buffer.append(family)
        buffer.append(bits)
        buffer.append(0)
        buffer.append(length)
        withUnsafeBytes(of: address) { buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0.prefix(Int(length)))) }
    }

    public init(binary: UnsafeRawBufferPointer, oid: UInt32) throws {
        guard oid == TypeOID.inet || oid == TypeOID.cidr else { throw TypeOID.mismatch(oid, as: Self.self) }
        guard binary.count >= 4, binary.count == 4 + Int(binary[3]), let address = binary.baseAddress.map({ $0 + 4 }) else {
            throw PostgresError(.decoding, "a malformed inet")
        }
        let length: Int
        let family: Int32
        switch (binary[0], binary[3]) {
        case (Self.version4, 4): (length, family) = (4, AF_INET)
        case (Self.version6, 16): (length, family) = (16, AF_INET6)
        default: throw PostgresError(.decoding, "an unknown family of inet")
        }
        let host = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer -> String? in
            inet_ntop(family, address, buffer.baseAddress, socklen_t(buffer.count)).map { String(cString: $0) }
        }
        guard let host else { throw PostgresError(.decoding, "a malformed inet") }
        let bits = Int(binary[1])
        text = bits == length * 8 && oid == TypeOID.inet ? host : "\(host)/\(bits)"
    }
}
