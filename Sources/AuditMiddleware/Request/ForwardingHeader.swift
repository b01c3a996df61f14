import HTTPTypes

/// The header in which proxies tell whom they forward for.
public struct ForwardingHeader: Sendable, Hashable {
    let name: HTTPField.Name

    /// `Forwarded` (RFC 7239).
    public static let forwarded = ForwardingHeader(name: .forwarded)
    /// `X-Forwarded-For`.
    public static let xForwardedFor = ForwardingHeader(name: .xForwardedFor)
}

/// Whom one proxy says that it forwarded for.
enum ForwardedNode: Sendable, Hashable {
    case address(ClientAddress)
    /// A node that keeps its address to itself: `unknown`, `_hidden`, no `for` at all.
    case unidentified
    /// No node: nothing to its left means anything.
    case malformed

    /// Parses an entry of `X-Forwarded-For`, or the node of a `for` (RFC 7239 §6): an address, IPv6 in brackets when a port follows.
    ///
    /// - Parameter strict: whether only the forms of RFC 7239 pass, in which IPv6 always has brackets.
    init(_ text: Span<UInt8>, strict: Bool) {
        guard !text.isEmpty, text.count <= 128 else {
            self = .malformed
            return
        }
        let bytes = (0..<text.count).map { text[$0] }
        var (host, port): (ArraySlice<UInt8>, ArraySlice<UInt8>?) = (bytes[...], nil)
        var isBracketed = false
        if bytes[0] == UInt8(ascii: "["), let end = bytes.firstIndex(of: UInt8(ascii: "]")) {
            host = bytes[1..<end]
            isBracketed = true
            if end + 1 < bytes.count {
                guard bytes[end + 1] == UInt8(ascii: ":") else {
                    self = .malformed
                    return
                }
                port = bytes[(end + 2)...]
            }
        } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")), strict || !bytes[(colon + 1)...].contains(UInt8(ascii: ":")) {
            host = bytes[..<colon]
            port = bytes[(colon + 1)...]
        }
        var number: UInt16?
        if let port {
            number = Self.port(port)
            guard number != nil || strict && Self.isObfuscated(port) else {
                self = .malformed
                return
            }
        }
        if !isBracketed, Self.isUnknown(host) || Self.isObfuscated(host) {
            self = .unidentified
        } else if let address = ClientAddress(String(decoding: host, as: UTF8.self)),
            // In brackets IPv6 alone, without them IPv4 or, leniently, a bare IPv6.
            host.contains(UInt8(ascii: ":")) ? isBracketed || !strict : !isBracketed
        {
            self = .address(ClientAddress(high: address.high, low: address.low, port: number))
        } else {
            self = .malformed
        }
    }

    /// Exactly one to five digits up to 65535.
    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard (1...5).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt16(exactly: digits.reduce(0) { $0 * 10 + Int($1 - 48) })
    }

    private static func isUnknown(_ name: ArraySlice<UInt8>) -> Bool {
        name.count == 7 && name.elementsEqual("unknown".utf8) { $0 | 0x20 == $1 }
    }

    /// `_` and one or more letters, digits, `.`, `_`, `-`.
    private static func isObfuscated(_ name: ArraySlice<UInt8>) -> Bool {
        name.count > 1 && name.first == UInt8(ascii: "_")
            && name.dropFirst().allSatisfy { c in
                switch c {
                case 48...57, 65...90, 97...122, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}

extension HTTPField.Name {
    static let forwarded = HTTPField.Name("Forwarded") ?? .userAgent
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For") ?? .userAgent
}
