extension PostgresConfiguration {
    /// The URL with its passwords as `****`, fit to be shown; only that it cannot be read, where libpq cannot read it.
    public var maskedURL: String { (try? ConnectionString(url))?.masking(url) ?? "(cannot be read)" }
}

extension ConnectionString {
    /// `text` with every password as `****`; in a URI it may stand percent-encoded, which is masked by its place.
    func masking(_ text: String) -> String {
        var masked = text
        if let scheme = masked.firstRange(of: "://"), let at = masked[scheme.upperBound...].lastIndex(of: "@"),
            let colon = masked[scheme.upperBound..<at].firstIndex(of: ":")
        {
            masked.replaceSubrange(masked.index(after: colon)..<at, with: "****")
        }
        for password in passwords { masked = Self.replacing(password, in: masked) }
        return masked
    }
}

extension PostgresConfiguration {
    /// The same server, another database. A URI and a keyword=value string end differently.
    public static func replacingDatabase(in url: String, with name: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return "\(url) dbname=\(name)" }
        let rest = url[scheme.upperBound...]
        let query = rest.firstIndex(of: "?") ?? rest.endIndex
        let authority = rest[..<query].prefix { $0 != "/" }
        return "\(url[..<scheme.upperBound])\(authority)/\(name)\(rest[query...])"
    }
}
