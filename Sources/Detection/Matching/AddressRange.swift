import Glibc

/// A range of IPv4 or IPv6 addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). An IPv4-mapped IPv6 address counts as its IPv4 address.
struct AddressRange: Sendable, Hashable {
    private let bytes: [UInt8]
    private let length: Int

    /// - Parameter text: `address/length`, or one address.
    init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, let bytes = AddressRange.bytes(of: Array(halves[0].utf8)) else { return nil }
        var length = bytes.count * 8
        if halves.count == 2 {
            guard let given = Int(halves[1]), given >= 0, given <= length else { return nil }
            length = given
        }
        (self.bytes, self.length) = (bytes, length)
    }

    func contains(_ address: [UInt8]) -> Bool {
        guard let other = AddressRange.bytes(of: address), other.count == bytes.count else { return false }
        for bit in stride(from: 0, to: length, by: 8) {
            let mask = UInt8(truncatingIfNeeded: 0xff00 >> min(8, length - bit))
            if (bytes[bit / 8] ^ other[bit / 8]) & mask != 0 { return false }
        }
        return true
    }

    static func bytes(of text: [UInt8]) -> [UInt8]? {
        guard !text.isEmpty, text.count < 64, !text.contains(0) else { return nil }
        let terminated = text.map { CChar(bitPattern: $0) } + [0]
        var four = in_addr()
        if inet_pton(AF_INET, terminated, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        var six = in6_addr()
        guard inet_pton(AF_INET6, terminated, &six) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: &six) { Array($0) }
        let isMapped = bytes[0..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        return isMapped ? Array(bytes[12...]) : bytes
    }
}
