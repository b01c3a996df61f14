import AuditEvents
import Crypto

/// The text of an API key: `prefix_id_secret`, where the secret ends with a checksum.
///
/// `shop_0f9c…(16 hex digits)_…(64 hex digits and 8 of the checksum)`. The checksum (the first 32 bits of a SHA-256 of all before it) keeps
/// nobody out who means harm; it tells typing errors and chance finds from keys without asking anybody.
struct APIKey: Sendable {
    let prefix: String
    let id: String
    private let secret: String

    /// A new key.
    init(prefix: String) {
        self.prefix = prefix
        id = Hexadecimal.encode(Secret.bytes(8))
        secret = Hexadecimal.encode(Secret.bytes(32))
    }

    /// From its text; nil for what cannot be one of that prefix.
    init?(_ text: String, prefix: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == prefix.utf8.count + 90, bytes.starts(with: Array((prefix + "_").utf8)) else { return nil }
        let rest = bytes.dropFirst(prefix.utf8.count + 1)
        let (id, secret, check) = (rest.prefix(16), rest.dropFirst(17).prefix(64), rest.suffix(8))
        guard rest.dropFirst(16).first == UInt8(ascii: "_"), Hexadecimal.decode(id) != nil, Hexadecimal.decode(secret) != nil,
            Array(check) == Self.checksum(bytes.dropLast(8))
        else { return nil }
        self.prefix = prefix
        self.id = String(decoding: id, as: UTF8.self)
        self.secret = String(decoding: secret, as: UTF8.self)
    }

    /// What the owner is shown, once.
    var text: String {
        let start = "\(name)_\(secret)"
        return start + Self.checksum(of: start)
    }

    /// What names the key in the open: `prefix_id`.
    var name: String { "\(prefix)_\(id)" }

    /// What is kept of the secret.
    var hash: [UInt8] { Array(SHA256.hash(data: Array(secret.utf8))) }

    /// Whether it can be a prefix: 1 to 16 lower-case letters and digits.
    static func isPrefix(_ text: String) -> Bool {
        (1...16).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
    }

    /// The checksum of all before it, as text.
    static func checksum(of start: String) -> String { String(decoding: checksum(Array(start.utf8)[...]), as: UTF8.self) }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        Array(Hexadecimal.encode(Array(SHA256.hash(data: Array(bytes)).prefix(4))).utf8)
    }
}
