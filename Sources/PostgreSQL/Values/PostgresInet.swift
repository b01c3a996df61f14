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

    private func parse() throws -> (family: UInt8, bits: UInt8, address: [UInt8]) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let host = String(parts[0])
        for (family, version, length) in [(AF_INET, Self.version4, 4), (AF_INET6, Self.version6, 16)] {
            var address = [UInt8](repeating: 0, count: length)
            guard !host.utf8.contains(0), inet_pton(family, host, &address) == 1 else { continue }
            guard parts.count == 2 else { return (version, UInt8(length * 8), address) }
            guard let bits = UInt8(parts[1]), Int(bits) <= length * 8 else { break }
            return (version, bits, address)
        }
        throw PostgresError(.usage, "a text that is no internet address cannot be sent as inet")
    }

    /// Throws `PostgresError` (`.usage`) where the text is no address.
    public func encode(into buffer: inout [UInt8]) throws {
        let (family, bits, address) = try parse()
        buffer += [family, bits, 0, UInt8(address.count)]
        buffer += address
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
