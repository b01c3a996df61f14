/// Which addresses are connected to for a delivery. To be asked for the resolved address that the connection then uses, not for a name.
public struct DestinationPolicy: Sendable, Hashable {
    /// Whether addresses that are not of the public Internet are allowed.
    public var allowPrivate: Bool

    public init(allowPrivate: Bool = false) { self.allowPrivate = allowPrivate }

    /// Whether an address may be connected to: 4 bytes of IPv4 or 16 of IPv6, in network order. No other length may.
    public func allows(_ address: [UInt8]) -> Bool {
        guard address.count == 4 || address.count == 16 else { return false }
        return allowPrivate || DestinationPolicy.isPublic(address)
    }

    /// Whether the address is globally reachable by the IANA registries of special purpose addresses (RFC 6890).
    static func isPublic(_ address: [UInt8]) -> Bool {
        if address.count == 4 { return isPublic4(address[0], address[1], address[2]) }
        let words = stride(from: 0, to: 16, by: 2).map { UInt16(address[$0]) << 8 | UInt16(address[$0 + 1]) }
        // An IPv4 address in another form is judged as the IPv4 address: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
        if words[0..<5].allSatisfy({ $0 == 0 }), words[5] == 0xffff { return isPublic(Array(address[12...])) }
        if words[0] == 0x0064, words[1] == 0xff9b {
            return words[2..<6].allSatisfy { $0 == 0 } && isPublic(Array(address[12...]))
        }
        if words[0] == 0x2002 { return isPublic(Array(address[2..<6])) }
        // Nothing outside 2000::/3 is global unicast: that leaves out ::, ::1, fc00::/7, fe80::/10, fec0::/10, ff00::/8.
        guard words[0] & 0xe000 == 0x2000 else { return false }
        // 2001::/23 for protocols (Teredo among them), documentation.
        if words[0] == 0x2001, words[1] < 0x0200 || words[1] == 0x0db8 { return false }
        return !(words[0] == 0x3fff && words[1] < 0x1000)
    }

    private static func isPublic4(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> Bool {
        switch (a, b, c) {
        case (0, _, _), (10, _, _), (127, _, _), (224..., _, _): false
        case (100, 64...127, _), (169, 254, _), (172, 16...31, _), (192, 168, _), (198, 18...19, _): false
        case (192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 51, 100), (203, 0, 113): false
        default: true
        }
    }
}
