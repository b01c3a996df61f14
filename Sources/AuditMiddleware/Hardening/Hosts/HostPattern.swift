/// One entry of a list of hosts: a name, an IPv6 literal in brackets, `*.` before a name, or `*`.
enum HostPattern: Sendable, Hashable {
    case any
    /// In lower case, without the root's dot.
    case name([UInt8])
    /// `.example.com` of `*.example.com`: any number of labels before it, but at least one.
    case suffix([UInt8])
    case address(ClientAddress)

    init(_ text: String) throws(HardeningError) {
        if text == "*" {
            self = .any
            return
        }
        let isWildcard = text.utf8.starts(with: "*.".utf8)
        let name = Array(text.utf8.dropFirst(isWildcard ? 2 : 0)).map(\.lowercasedASCII)
        guard let parts = Authority(name.span), parts.port == nil, name.last != UInt8(ascii: ":") else {
            throw HardeningError(.invalidHost, text)
        }
        if parts.isIPv6 {
            guard !isWildcard, let address = Authority.address(name.span, from: 1, to: parts.hostLength - 1) else {
                throw HardeningError(.invalidHost, text)
            }
            self = .address(address)
        } else {
            let name = Array(name[..<parts.hostLength])
            self = isWildcard ? .suffix([UInt8(ascii: ".")] + name) : .name(name)
        }
    }

    func matches(_ bytes: Span<UInt8>, _ parts: Authority) -> Bool {
        switch self {
        case .any: return true
        case .name(let name):
            return !parts.isIPv6 && parts.hostLength == name.count && HostPattern.equal(bytes, from: 0, name)
        case .suffix(let suffix):
            return !parts.isIPv6 && parts.hostLength > suffix.count
                && HostPattern.equal(bytes, from: parts.hostLength - suffix.count, suffix)
        case .address(let address):
            return parts.isIPv6 && Authority.address(bytes, from: 1, to: parts.hostLength - 1) == address
        }
    }

    /// Whether this is `www.` and the host.
    func isWWW(of bytes: Span<UInt8>, _ parts: Authority) -> Bool {
        guard case .name(let name) = self, !parts.isIPv6, name.count == parts.hostLength + 4, name.starts(with: "www.".utf8) else {
            return false
        }
        for place in 0..<parts.hostLength where bytes[place].lowercasedASCII != name[place + 4] { return false }
        return true
    }

    private static func equal(_ bytes: Span<UInt8>, from start: Int, _ text: [UInt8]) -> Bool {
        for place in 0..<text.count where bytes[start + place].lowercasedASCII != text[place] { return false }
        return true
    }
}
