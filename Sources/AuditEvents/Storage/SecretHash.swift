import Crypto

/// The SHA-256 of a secret: all that is kept of a session's id or a refresh token.
///
/// Such secrets are random and of 256 bits, so that neither salt nor stretching would add anything.
public struct SecretHash: Sendable, Hashable {
    /// 32 bytes.
    public let bytes: [UInt8]

    public init(of secret: some StringProtocol) { bytes = Array(SHA256.hash(data: Array(secret.utf8))) }

    /// A hash that was stored; nil for anything but 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }
}
