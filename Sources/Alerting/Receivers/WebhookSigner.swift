import Crypto
import FoundationEssentials

/// Signs by Standard Webhooks 1.0.0, the symmetric scheme `v1` (HMAC-SHA256).
public struct WebhookSigner: Sendable {
    private let keys: [SymmetricKey]

    /// - Parameter secrets: `whsec_` and base64 of 24 to 64 bytes each; several while one is being replaced, the newest first.
    ///   Nil for none or for one that is not of this form.
    public init?(secrets: [String]) {
        var keys: [SymmetricKey] = []
        for secret in secrets {
            guard secret.utf8.starts(with: "whsec_".utf8), let key = Data(base64Encoded: String(secret.dropFirst(6))),
                (24...64).contains(key.count)
            else { return nil }
            keys.append(SymmetricKey(data: key))
        }
        guard !keys.isEmpty else { return nil }
        self.keys = keys
    }

    /// The headers of one attempt, or nil for an id that holds anything but ASCII letters, digits, `_` and `-`: a dot would let two messages
    /// have one signature.
    /// - Parameters:
    ///   - id: the same for every attempt.
    ///   - time: the attempt's, in seconds since 1970.
    public func headers(id: String, time: Int64, body: [UInt8]) -> [(name: String, value: String)]? {
        let isPlain = id.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95 || byte == 45
        }
        guard !id.isEmpty, isPlain else { return nil }
        let content = Array("\(id).\(time).".utf8) + body
        let signatures = keys.map { "v1," + Data(HMAC<SHA256>.authenticationCode(for: content, using: $0)).base64EncodedString() }
        return [("webhook-id", id), ("webhook-timestamp", String(time)), ("webhook-signature", signatures.joined(separator: " "))]
    }
}

extension WebhookSigner: CustomStringConvertible, CustomReflectable {
    /// Without the keys.
    public var description: String { "WebhookSigner(\(keys.count) keys)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
