/// A URL that is posted to: its host is known exactly as the client will read it, so that the address that was looked at is the one that is used.
public struct HTTPTarget: Sendable, Hashable {
    public let url: String
    public let host: String
    public let port: Int
    public let isSecure: Bool

    /// Nil for anything but `https` or `http`, a host of lower-case letters, digits, `.` and `-` (or an IPv6 address in brackets), an optional
    /// port, and a path; user information, blanks, fragments and other characters than printable ASCII are not accepted.
    public init?(_ url: String) {
        guard url.utf8.count <= 2048, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !"\\\"<>^`{|}#".utf8.contains($0) }) else {
            return nil
        }
        isSecure = url.hasPrefix("https://")
        guard isSecure || url.hasPrefix("http://") else { return nil }
        let authority = url.dropFirst(isSecure ? 8 : 7).prefix { $0 != "/" && $0 != "?" }
        var host = authority
        var port = isSecure ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else { return nil }
            host = authority[..<colon]
            port = number
        }
        let isLiteral = host.hasPrefix("[") && host.hasSuffix("]")
        let name = isLiteral ? host.dropFirst().dropLast() : host
        guard !name.isEmpty, name.utf8.count <= 253 else { return nil }
        let isKnown = name.utf8.allSatisfy { c in
            (48...57).contains(c) || (97...122).contains(c) || c == UInt8(ascii: ".") || c == UInt8(ascii: isLiteral ? ":" : "-")
        }
        guard isKnown else { return nil }
        (self.url, self.host, self.port) = (url, String(name), port)
    }

    /// For people: the path may be a secret.
    public var origin: String { "\(isSecure ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// Another path under this URL.
    func appending(_ path: String) -> HTTPTarget? {
        HTTPTarget((url.hasSuffix("/") ? String(url.dropLast()) : url) + path)
    }
}

/// What is posted.
struct HTTPMessage: Sendable {
    var target: HTTPTarget
    var headers: [(name: String, value: String)]
    var body: [UInt8]
}
