import HTTPTypes

/// A cookie that only this host can set and read: `__Host-`, Secure, HttpOnly, SameSite, Path=/, without Domain (RFC 6265bis §4.1.3.2).
public struct HostCookie: Sendable, Hashable {
    public struct SameSite: Sendable, Hashable {
        let value: String
        /// Sent with top-level navigation from elsewhere, not with other requests from there.
        public static let lax = SameSite(value: "Lax")
        /// Never sent with a request that another site caused, links included.
        public static let strict = SameSite(value: "Strict")
    }

    /// The whole name, with its prefix.
    public let name: String
    public let sameSite: SameSite
    /// Whether it goes over plain HTTP too.
    public let isPlain: Bool

    /// - Parameter name: what stands after `__Host-`; characters that no cookie's name may have become `_`.
    public init(_ name: String, sameSite: SameSite = .lax) {
        self.init(name: "__Host-" + Self.token(name), sameSite: sameSite, isPlain: false)
    }

    /// For development over plain HTTP on loopback, where browsers take no `__Host-` cookie: no prefix, not Secure. Never for anything else, since
    /// whoever controls the network or a sibling domain can set it.
    public static func plain(_ name: String, sameSite: SameSite = .lax) -> HostCookie {
        HostCookie(name: token(name), sameSite: sameSite, isPlain: true)
    }

    private init(name: String, sameSite: SameSite, isPlain: Bool) { (self.name, self.sameSite, self.isPlain) = (name, sameSite, isPlain) }

    private static func token(_ name: String) -> String {
        String(
            decoding: name.utf8.prefix(64).map { c in
                switch c {
                case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): c
                default: UInt8(ascii: "_")
                }
            }, as: UTF8.self)
    }

    /// The value of `Set-Cookie`. `value` must be of characters that need no quoting.
    /// - Parameter maximumAgeSeconds: nil for a cookie that ends with the browser.
    func field(_ value: String, maximumAgeSeconds: Int64?) -> String {
        var field = "\(name)=\(value); Path=/"
        if let maximumAgeSeconds { field += "; Max-Age=\(maximumAgeSeconds)" }
        if !isPlain { field += "; Secure" }
        return field + "; HttpOnly; SameSite=\(sameSite.value)"
    }

    /// The value of `Set-Cookie` that makes a browser forget it.
    var cleared: String { field("", maximumAgeSeconds: 0) }
}

extension HostCookie {
    /// What a request's `Cookie` fields say of one name.
    enum Reading: Sendable, Hashable {
        case absent
        case value(String)
        /// The name comes more than once: which one is meant, a neighbour of the domain may have decided.
        case ambiguous
        /// More than is looked at.
        case oversized
    }

    static let maximumBytes = 16 * 1024
    static let maximumCount = 256

    /// Reads the `Cookie` fields strictly (RFC 6265 §4.2.1): pairs between `;`, names compared byte by byte, nothing decoded or unquoted.
    func read(_ headers: HTTPFields) -> Reading {
        var (bytes, count) = (0, 0)
        var found: String?
        for field in headers where field.name == .cookie {
            let text = field.value.utf8
            bytes += text.count
            guard bytes <= Self.maximumBytes else { return .oversized }
            for part in text.split(separator: UInt8(ascii: ";")) {
                count += 1
                guard count <= Self.maximumCount else { return .oversized }
                let pair = part.trimmed
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), pair[..<equals].trimmed.elementsEqual(name.utf8) else {
                    continue
                }
                guard found == nil else { return .ambiguous }
                found = String(decoding: pair[pair.index(after: equals)...].trimmed, as: UTF8.self)
            }
        }
        return found.map { .value($0) } ?? .absent
    }
}

extension Substring.UTF8View {
    /// Without the spaces and tabs around it.
    fileprivate var trimmed: Substring.UTF8View {
        var view = self
        while let first = view.first, first == 0x20 || first == 0x09 { view.removeFirst() }
        while let last = view.last, last == 0x20 || last == 0x09 { view.removeLast() }
        return view
    }
}
