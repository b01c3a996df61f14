import Glibc
public import NIOCore
import NIOPosix

/// Finds the addresses of a name, and lets through only those that may be connected to. Whoever connects uses what this gives and asks for the
/// name no second time, which could then be another address.
public struct DestinationResolver: Sendable {
    public var policy: DestinationPolicy

    public init(_ policy: DestinationPolicy) { self.policy = policy }

    /// The addresses of a name, or of an address written out, in the system's order; never empty.
    ///
    /// - Parameter host: a name, an IPv4 address, or an IPv6 address with or without brackets.
    /// - Throws: `DeliveryAttempt`: `.unreachable` where there is none, `.refused` where none may be connected to.
    public func addresses(of host: String, port: Int) async throws(DeliveryAttempt) -> [SocketAddress] {
        let name = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        let found: [SocketAddress]
        do {
            found = try await NIOThreadPool.singleton.runIfActive { DestinationResolver.lookup(name, port: port) }
        } catch { throw DeliveryAttempt(.unreachable, "\(name) could not be looked up") }
        guard !found.isEmpty else { throw DeliveryAttempt(.unreachable, "\(name) has no address") }
        let allowed = found.filter { policy.allows(DestinationResolver.bytes($0)) }
        guard !allowed.isEmpty else {
            throw DeliveryAttempt(
                .refused,
                "\(name) is at \(found[0].ipAddress ?? "no address"), which is no address of the Internet; allow_private: true allows it")
        }
        return allowed
    }

    private static func lookup(_ host: String, port: Int) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        return sequence(first: list) { $0?.pointee.ai_next }.prefix { $0 != nil }.compactMap { entry in
            guard let info = entry?.pointee, let address = info.ai_addr else { return nil }
            switch info.ai_family {
            case AF_INET: return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { SocketAddress($0.pointee) }
            case AF_INET6: return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { SocketAddress($0.pointee) }
            default: return nil
            }
        }
    }

    /// In network order.
    private static func bytes(_ address: SocketAddress) -> [UInt8] {
        switch address {
        case .v4(let address): withUnsafeBytes(of: address.address.sin_addr) { Array($0) }
        case .v6(let address): withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
        case .unixDomainSocket: []
        }
    }
}
