public import HTTPTypes

/// Whose word is taken for a client's address: exactly one of these, for there is no setting that is right everywhere.
///
/// A header that anybody can send says nothing by itself. What a model cannot make out falls back to the last address that is certain, never to
/// a client's claim, and `details.forwarding_refused` of the request's event says why: `malformed`, `unidentified` (`unknown`, `_hidden`),
/// `too_few_hops`, `too_many_hops`, `repeated_header`.
public struct ClientAddressTrust: Sendable {
    private enum Model: Sendable {
        case peer
        case hops(Int, ForwardingHeader)
        case proxies([NetworkRange], ForwardingHeader)
        case header(HTTPField.Name)
    }

    private let model: Model

    /// The peer of the connection: for a server that clients reach directly.
    public static let peer = ClientAddressTrust(model: .peer)

    /// The address that the outermost of `count` proxies wrote: the `count`th from the right over all lines of the header.
    ///
    /// For proxies whose number is fixed and whose addresses are not, where nobody reaches the server around them. It is wrong from the moment
    /// that a proxy is added or taken away.
    /// - Parameter count: 1 to 32.
    public static func trustedHops(_ count: Int, header: ForwardingHeader = .xForwardedFor) -> ClientAddressTrust {
        ClientAddressTrust(model: .hops(min(max(count, 1), mostHops), header))
    }

    /// The first address from the right that is not a proxy's own, asked only when the peer is a proxy.
    ///
    /// A peer without an address (a Unix socket) counts as a proxy. Where all are proxies, the leftmost is the client.
    /// - Parameter networks: the proxies' own; never a network with clients in it.
    public static func trustedProxies(_ networks: [NetworkRange], header: ForwardingHeader) -> ClientAddressTrust {
        ClientAddressTrust(model: .proxies(networks, header))
    }

    /// The one address in a header that the proxy in front overwrites on every request, as `CF-Connecting-IP` or nginx's `X-Real-IP`.
    public static func header(_ name: HTTPField.Name) -> ClientAddressTrust { ClientAddressTrust(model: .header(name)) }

    /// The entries that are looked at from the right.
    private static let mostHops = 32

    var isPeer: Bool { if case .peer = model { true } else { false } }

    /// What a model makes of one request.
    struct Resolution: Sendable, Hashable {
        var address: ClientAddress?
        /// Why a header was not believed.
        var refusal: String?
    }

    func resolve(peer: ClientAddress?, headers: HTTPFields) -> Resolution {
        switch model {
        case .peer: Resolution(address: peer)
        case .hops(let count, let header): Self.hop(count, header, peer, headers)
        case .proxies(let networks, let header): Self.firstStranger(networks, header, peer, headers)
        case .header(let name): Self.single(name, peer, headers)
        }
    }

    private static func hop(_ count: Int, _ header: ForwardingHeader, _ peer: ClientAddress?, _ headers: HTTPFields) -> Resolution {
        var seen = 0
        var found: Resolution?
        walk(header, headers) { node in
            seen += 1
            if case .malformed = node { found = Resolution(address: peer, refusal: "malformed") }
            guard seen == count, found == nil else { return found == nil }
            switch node {
            case .address(let address): found = Resolution(address: address)
            case .unidentified: found = Resolution(address: peer, refusal: "unidentified")
            case .malformed: break
            }
            return false
        }
        return found ?? Resolution(address: peer, refusal: seen > 0 ? "too_few_hops" : nil)
    }

    private static func firstStranger(
        _ networks: [NetworkRange], _ header: ForwardingHeader, _ peer: ClientAddress?, _ headers: HTTPFields
    ) -> Resolution {
        func isProxy(_ address: ClientAddress) -> Bool { networks.contains { $0.contains(address) } }
        if let peer, !isProxy(peer) { return Resolution(address: peer) }
        // The last whose address somebody trusted has seen.
        var certain = Resolution(address: peer)
        var seen = 0
        walk(header, headers) { node in
            seen += 1
            switch node {
            case .address(let address):
                guard seen <= mostHops else {
                    certain.refusal = "too_many_hops"
                    return false
                }
                certain.address = address
                return isProxy(address)
            case .unidentified: certain.refusal = "unidentified"
            case .malformed: certain.refusal = "malformed"
            }
            return false
        }
        return certain
    }

    private static func single(_ name: HTTPField.Name, _ peer: ClientAddress?, _ headers: HTTPFields) -> Resolution {
        var value: String?
        for field in headers where field.name == name {
            guard value == nil else { return Resolution(address: peer, refusal: "repeated_header") }
            value = field.value
        }
        guard let value else { return Resolution(address: peer) }
        guard case .address(let address) = ForwardedNode(value.utf8.span, strict: false) else {
            return Resolution(address: peer, refusal: "malformed")
        }
        return Resolution(address: address)
    }

    /// Hands out the nodes of all lines, joined in their order (RFC 9110 §5.3), from the right, until `visit` has had enough.
    ///
    /// Nothing left of where it stops is even parsed: what a client put there costs nothing. Of `Forwarded` a whole line is read at a time, and one
    /// that is not well-formed is one malformed node.
    private static func walk(_ header: ForwardingHeader, _ headers: HTTPFields, _ visit: (ForwardedNode) -> Bool) {
        for field in headers.reversed() where field.name == header.name {
            if header == .forwarded {
                for node in (ForwardedField.nodes(field.value) ?? [.malformed]).reversed() {
                    guard visit(node) else { return }
                }
            } else {
                guard walk(field.value, visit) else { return }
            }
        }
    }

    private static func walk(_ line: String, _ visit: (ForwardedNode) -> Bool) -> Bool {
        let bytes = line.utf8.span
        var end = bytes.count
        while end > 0 {
            var start = end
            while start > 0, bytes[start - 1] != UInt8(ascii: ",") { start -= 1 }
            var (from, to) = (start, end)
            while from < to, bytes[from] == 0x20 || bytes[from] == 0x09 { from += 1 }
            while to > from, bytes[to - 1] == 0x20 || bytes[to - 1] == 0x09 { to -= 1 }
            if from < to, !visit(ForwardedNode(bytes.extracting(from..<to), strict: false)) { return false }
            end = start - 1
        }
        return true
    }
}
