/// An origin as browsers serialise it (RFC 6454 §6.2): scheme, host and, unless it is the scheme's own, port.
struct WebOrigin: Sendable, Hashable {
    let scheme: String
    let host: String
    let port: UInt16?

    /// Nil for anything that a browser does not send: upper case, a path, a default port, user information, `null`, Unicode.
    init?(_ text: String) {
        let bytes = text.utf8.span
        guard bytes.count <= 300, let start = WebOrigin.schemeEnd(bytes), bytes.count > start + 3 else { return nil }
        let rest = text.utf8.dropFirst(start + 3)
        guard !rest.contains(where: { (65...90).contains($0) }), rest.last != UInt8(ascii: ":") else { return nil }
        let authority = Array(rest)
        guard let parts = Authority(authority.span), authority.count == parts.hostLength || authority[parts.hostLength] == UInt8(ascii: ":")
        else { return nil }
        scheme = String(decoding: text.utf8.prefix(start), as: UTF8.self)
        host = String(decoding: authority[..<parts.hostLength], as: UTF8.self)
        port = parts.port
        if let port, port == WebOrigin.defaultPort(scheme) || authority[parts.hostLength + 1] == UInt8(ascii: "0") { return nil }
    }

    private static func schemeEnd(_ bytes: Span<UInt8>) -> Int? {
        var index = 0
        while index < bytes.count, bytes[index] != UInt8(ascii: ":") {
            switch bytes[index] {
            case 97...122: break
            case 48...57 where index > 0, UInt8(ascii: "+") where index > 0, UInt8(ascii: "-") where index > 0,
                UInt8(ascii: ".") where index > 0:
                break
            default: return nil
            }
            index += 1
        }
        guard index > 0, index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "/"), bytes[index + 2] == UInt8(ascii: "/") else {
            return nil
        }
        return index
    }

    private static func defaultPort(_ scheme: String) -> UInt16? { scheme == "https" ? 443 : scheme == "http" ? 80 : nil }

    /// Whether others on the way can speak in its name: `http`, but to the machine itself.
    var isInsecure: Bool {
        scheme == "http" && !(host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" || WebOrigin.isLoopback(host))
    }

    private static func isLoopback(_ host: String) -> Bool {
        host.hasPrefix("127.") && (ClientAddress(host)?.isIPv4 ?? false)
    }
}

/// Which origins an entry of a list stands for: one, those of all subdomains (`https://*.example.com`), or of any port (`http://localhost:*`).
struct OriginPattern: Sendable {
    let origin: WebOrigin
    let anySubdomain: Bool
    let anyPort: Bool

    init(_ text: String) throws(HardeningError) {
        var plain = text
        anyPort = text.hasSuffix(":*")
        if anyPort { plain.removeLast(2) }
        anySubdomain = plain.utf8.count < 300 && plain.contains("://*.")
        if anySubdomain, let range = plain.firstRange(of: "*.") { plain.removeSubrange(range) }
        guard let origin = WebOrigin(plain), !(anyPort && origin.port != nil) else { throw HardeningError(.invalidOrigin, text) }
        // Below `*.com` is everybody; an address has no subdomains.
        let lastLabel = origin.host.split(separator: ".").last ?? ""
        if anySubdomain, !origin.host.contains(".") || origin.host.hasPrefix("[") || lastLabel.utf8.allSatisfy({ (48...57).contains($0) }) {
            throw HardeningError(.invalidOrigin, text)
        }
        self.origin = origin
    }

    /// Whether it is the text of one origin, to be compared as it stands.
    var isExact: Bool { !anySubdomain && !anyPort }

    func matches(_ other: WebOrigin) -> Bool {
        guard other.scheme == origin.scheme, anyPort || other.port == origin.port else { return false }
        return anySubdomain
            ? other.host.utf8.count > origin.host.utf8.count + 1 && other.host.hasSuffix("." + origin.host) : other.host == origin.host
    }
}
