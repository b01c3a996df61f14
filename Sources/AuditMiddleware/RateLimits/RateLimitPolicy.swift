/// How much of something one client may have: `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers.
public struct RateLimitPolicy: Sendable, Hashable {
    /// A token of lower-case letters, digits, `-` and `_`, at most 64; other characters become `_`. It names the limit in a shared store, too.
    public let name: String
    /// Requests in a window.
    public let limit: Int
    public let windowSeconds: Int
    /// How many keys are remembered in memory; beyond it one is forgotten, of those with something left the one seen longest ago.
    public let capacity: Int

    public init(name: String, limit: Int, windowSeconds: Int, capacity: Int = 65_536) {
        self.name = Self.token(name)
        self.limit = max(1, limit)
        self.windowSeconds = min(max(1, windowSeconds), 86_400)
        self.capacity = max(1, capacity)
    }

    static func token(_ name: String) -> String {
        String(
            decoding: name.utf8.prefix(64).map { c in
                switch c {
                case 48...57, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): c
                case 65...90: c + 32
                default: UInt8(ascii: "_")
                }
            }, as: UTF8.self)
    }
}
