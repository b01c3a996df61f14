import AuditEvents
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Synchronization

/// What an event tells of a request, each part bounded.
enum RequestFacts {
    /// The method as RFC 9110 and RFC 5789 name them; `_OTHER` for any other token, so that a client cannot choose what fills the column.
    static func method(_ method: HTTPRequest.Method) -> String {
        switch method {
        case .get, .post, .put, .delete, .head, .options, .patch, .trace, .connect: method.rawValue
        default: "_OTHER"
        }
    }

    /// At most `limit` bytes of `text`, cut between scalars.
    static func bounded(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }

    /// The path up to 1024 bytes, without the segments that hold a secret: those that the route's template names so (`/reset/{token}`), and,
    /// where no route matched, long ones behind a segment that does (`/token/…`).
    static func path(_ path: String, route: String?) -> String {
        let bounded = bounded(path, to: 1024)
        let secrets: [Int: String]
        if let route {
            secrets = secretParameters(of: route)
        } else {
            secrets = hasLongSegment(bounded) ? segmentsBehindSecretNames(bounded) : [:]
        }
        guard !secrets.isEmpty else { return bounded }
        var segments = bounded.split(separator: "/", omittingEmptySubsequences: false)
        for (index, kind) in secrets where segments.indices.contains(index) && !segments[index].isEmpty {
            segments[index] = "[redacted:\(kind)]"
        }
        return segments.joined(separator: "/")
    }

    /// The places of a template's parameters that promise a secret, and the kinds.
    private static func secretParameters(of route: String) -> [Int: String] {
        if let known = templates.withLock({ $0[route] }) { return known }
        var secrets: [Int: String] = [:]
        for (index, segment) in route.split(separator: "/", omittingEmptySubsequences: false).enumerated()
        where segment.hasPrefix("{") && segment.hasSuffix("}") {
            secrets[index] = secretKind(segment.dropFirst().dropLast())
        }
        // A router has no more templates than its program wrote down.
        templates.withLock { if $0.count < 10_000 { $0[route] = secrets } }
        return secrets
    }

    private static let templates = Mutex<[String: [Int: String]]>([:])

    private static func segmentsBehindSecretNames(_ path: String) -> [Int: String] {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        var secrets: [Int: String] = [:]
        for index in segments.indices.dropFirst() where segments[index].utf8.count >= 16 {
            secrets[index] = secretKind(segments[index - 1])
        }
        return secrets
    }

    private static func secretKind(_ name: Substring) -> String? {
        Redaction.secretKind(ofField: String(name)) ?? secretActs[name.lowercased()]
    }

    private static func hasLongSegment(_ path: String) -> Bool {
        var length = 0
        for c in path.utf8 {
            length = c == UInt8(ascii: "/") ? 0 : length + 1
            if length == 16 { return true }
        }
        return false
    }

    /// Names of acts whose links carry a secret.
    private static let secretActs = [
        "reset": "token", "password-reset": "token", "reset-password": "token", "verify": "token", "confirm": "token", "activate": "token",
        "invite": "token", "magic": "token", "unsubscribe": "token", "code": "code",
    ]

    /// The names in a query, each once, in their order and as they were sent; at most 32.
    ///
    /// Values never. A part without `=` may be a value that was put there by mistake, as may an unlikely name: both become `*`.
    static func queryKeys(_ query: String) -> [String] {
        var keys: [String] = []
        for part in query.utf8.split(separator: UInt8(ascii: "&"), maxSplits: 64) {
            guard keys.count < 32 else { break }
            let name = part.firstIndex(of: UInt8(ascii: "=")).map { part[..<$0] }
            let key = name.flatMap { isLikelyName($0) ? String(decoding: $0, as: UTF8.self) : nil } ?? "*"
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    private static func isLikelyName(_ name: Substring.UTF8View) -> Bool {
        guard (1...40).contains(name.count) else { return false }
        return name.allSatisfy { c in
            switch c {
            case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"),
                UInt8(ascii: "%"):
                true
            default: false
            }
        }
    }

    /// The route's template from Hummingbird's endpoint path; nil where no route matched.
    static func route(_ endpointPath: String?) -> String? {
        guard let endpointPath, endpointPath.utf8.first == UInt8(ascii: "/") || endpointPath.isEmpty else { return nil }
        return endpointPath.isEmpty ? "/" : endpointPath
    }
}
