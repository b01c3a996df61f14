/// A network of addresses in CIDR notation (RFC 4632, RFC 4291 §2.3).
public struct NetworkRange: Sendable, Hashable {
    private let high: UInt64, low: UInt64
    /// The length of the prefix in the sixteen bytes: that of IPv4 plus 96.
    private let length: Int

    /// Whether `address` is in the network. An IPv4 address is in no IPv6 network.
    public func contains(_ address: ClientAddress) -> Bool {
        address.high & Self.mask(length) == high && address.low & Self.mask(length - 64) == low && (length >= 96 || !address.isIPv4)
    }

    /// The first `length` bits of a word.
    private static func mask(_ length: Int) -> UInt64 { length <= 0 ? 0 : length >= 64 ? .max : ~(.max >> UInt64(length)) }
}

extension NetworkRange: LosslessStringConvertible {
    /// Parses `192.0.2.0/24`, `2001:db8::/32` or a single address; `::ffff:192.0.2.0/120` is `192.0.2.0/24`.
    ///
    /// Nil for anything else, and for a prefix with bits beyond its length (`10.1.2.3/8`): who wrote it meant something else.
    public init?(_ text: String) {
        guard !text.utf8.contains(UInt8(ascii: "%")) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let address = ClientAddress(String(first)) else { return nil }
        switch parts.count {
        case 1: length = 128
        case 2:
            let digits = parts[1].utf8
            guard (1...3).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }), digits.count == 1 || digits.first != 48,
                let number = Int(parts[1])
            else { return nil }
            let isDotted = !first.utf8.contains(UInt8(ascii: ":"))
            length = isDotted ? number + 96 : number
            // A mapped network shorter than /96 is neither of IPv4 nor meant as IPv6.
            guard length <= 128, !address.isIPv4 || length >= 96 else { return nil }
        default: return nil
        }
        (high, low) = (address.high, address.low)
        guard high & Self.mask(length) == high, low & Self.mask(length - 64) == low else { return nil }
    }

    public var description: String {
        let address = ClientAddress(high: high, low: low)
        return "\(address)/\(address.isIPv4 ? length - 96 : length)"
    }

    /// This machine: 127.0.0.0/8 and ::1.
    public static let loopback: [NetworkRange] = ["127.0.0.0/8", "::1"].compactMap(NetworkRange.init)
    /// Networks that no route of the Internet leads to: RFC 1918, RFC 6598, RFC 4193, link-local.
    public static let privateUse: [NetworkRange] = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10",
    ].compactMap(NetworkRange.init)
}
