/// Scheme, host and port of a site (RFC 6454 §4), in lower case and without a default port: what `Origin`, `Referer` and `Host` are compared by.
struct SiteOrigin: Sendable, Hashable {
    var scheme: String
    /// `host` or `host:port`.
    var authority: String

    /// An origin's serialization, as in `Origin`: nothing but scheme, host and port. Nil for `null` and everything else.
    init?(_ text: String) { self.init(text, mayHavePath: false) }

    /// The origin of a URL, as in `Referer`.
    init?(ofURL url: String) { self.init(url, mayHavePath: true) }

    /// What a page of `host` (the `Host` field) has for its origin.
    init?(scheme: String, host: String) { self.init("\(scheme)://\(host)", mayHavePath: false) }

    private init?(_ text: String, mayHavePath: Bool) {
        guard text.utf8.count <= (mayHavePath ? 8192 : 512) else { return nil }
        let bytes = text.utf8.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        let scheme = bytes.starts(with: "https://".utf8) ? "https" : bytes.starts(with: "http://".utf8) ? "http" : nil
        guard let scheme else { return nil }
        let rest = bytes.dropFirst(scheme.utf8.count + 3)
        var authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard mayHavePath || authority.count == rest.count else { return nil }
        // Hosts in an origin are ASCII; user information is in none.
        let isPlain = authority.allSatisfy { c in
            switch c {
            case 48...57, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["),
                UInt8(ascii: "]"):
                true
            default: false
            }
        }
        guard isPlain, !authority.isEmpty, authority.first != UInt8(ascii: ":") else { return nil }
        let port = Array((scheme == "https" ? ":443" : ":80").utf8)
        let host = authority.dropLast(port.count)
        // The end of an address in brackets is no port.
        let isBare = authority.first != UInt8(ascii: "[") || host.last == UInt8(ascii: "]")
        if isBare, !host.isEmpty, authority.suffix(port.count).elementsEqual(port) { authority = host }
        self.scheme = scheme
        self.authority = String(decoding: authority, as: UTF8.self)
    }
}
