import Glibc
public import NIOCore

/// The network address of a client, IPv4 or IPv6.
///
/// An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4 address itself, and a zone is dropped, so that one client has one address.
/// Whose it is for a request, `ClientAddressTrust` says.
public struct ClientAddress: Sendable, Hashable {
    /// The sixteen bytes, big-endian; IPv4 as `::ffff:a.b.c.d`.
    let high: UInt64, low: UInt64
    /// The client's port, where known; part of no comparison of clients.
    public let port: UInt16?

    init(high: UInt64, low: UInt64, port: UInt16? = nil) { (self.high, self.low, self.port) = (high, low, port) }

    /// Whether it is an IPv4 address.
    public var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

    /// The network whose members count as one client: the address of IPv4 (/32), the /64 of IPv6, for a customer is given no less than a /64.
    public var network: ClientAddress { isIPv4 ? ClientAddress(high: high, low: low) : ClientAddress(high: high, low: 0) }
}

extension ClientAddress {
    /// The address of a socket's peer; nil for a Unix socket.
    public init?(_ address: SocketAddress) {
        // The layout of `sockaddr_in` and `sockaddr_in6`: family, port, (flow label,) address, all but the family in network order.
        let parsed: ClientAddress? = address.withSockAddr { pointer, size in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
            switch address {
            case .v4 where size >= 8: return ClientAddress(v4: UnsafeRawBufferPointer(rebasing: bytes[4..<8]), port: Self.port(bytes))
            case .v6 where size >= 24: return ClientAddress(v6: UnsafeRawBufferPointer(rebasing: bytes[8..<24]), port: Self.port(bytes))
            default: return nil
            }
        }
        guard let parsed else { return nil }
        self = parsed
    }

    private static func port(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
        UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }

    private init(v4 bytes: UnsafeRawBufferPointer, port: UInt16?) {
        self.init(high: 0, low: 0xffff_0000_0000 | UInt64(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))), port: port)
    }

    private init(v6 bytes: UnsafeRawBufferPointer, port: UInt16?) {
        self.init(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)), port: port)
    }
}

extension ClientAddress: LosslessStringConvertible {
    /// Parses dotted IPv4 or RFC 4291 IPv6 text, with a zone (dropped), without brackets or port; nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count <= 64, !text.utf8.contains(0), text.utf8.last != UInt8(ascii: "%") else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self = bytes.withUnsafeBytes { ClientAddress(v4: $0, port: nil) }
            return
        }
        let unzoned = text.utf8.firstIndex(of: UInt8(ascii: "%")).map { String(text[..<$0]) } ?? text
        guard inet_pton(AF_INET6, unzoned, &bytes) == 1 else { return nil }
        self = bytes.withUnsafeBytes { ClientAddress(v6: $0, port: nil) }
    }

    /// Dotted IPv4, or IPv6 in the form of RFC 5952.
    public var description: String {
        if isIPv4 { return dotted }
        return withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { address in
            String(unsafeUninitializedCapacity: Int(INET6_ADDRSTRLEN)) { buffer in
                buffer.withMemoryRebound(to: CChar.self) { text in
                    guard let start = text.baseAddress, inet_ntop(AF_INET6, address.baseAddress, start, socklen_t(text.count)) != nil else {
                        return 0
                    }
                    return strlen(start)
                }
            }
        }
    }

    private var dotted: String {
        String(unsafeUninitializedCapacity: 15) { buffer in
            var count = 0
            for shift in [UInt64(24), 16, 8, 0] {
                let byte = UInt8(truncatingIfNeeded: low >> shift)
                if byte >= 100 {
                    buffer[count] = 48 + byte / 100
                    count += 1
                }
                if byte >= 10 {
                    buffer[count] = 48 + byte / 10 % 10
                    count += 1
                }
                buffer[count] = 48 + byte % 10
                count += 1
                if shift > 0 {
                    buffer[count] = UInt8(ascii: ".")
                    count += 1
                }
            }
            return count
        }
    }

    public static func == (a: ClientAddress, b: ClientAddress) -> Bool { a.high == b.high && a.low == b.low }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(high)
        hasher.combine(low)
    }
}
