import Crypto

/// Turns secrets into fingerprints: equal secrets give equal text, and nothing leads back.
///
/// HMAC-SHA-256 under a key derived from the deployment's by purpose (HKDF, RFC 5869), cut to 128 bits, as `fp_` and 32 hex digits. Only text of
/// this shape passes the record's check of `session` and `token` fields.
public struct Fingerprinter: Sendable {
    public struct Purpose: Sendable, Hashable {
        let name: String
        public static let token = Purpose(name: "token")
        public static let session = Purpose(name: "session")
        public static let tokenIdentifier = Purpose(name: "jti")
        public static let importedLine = Purpose(name: "import")
    }

    private let keys: [Purpose: SymmetricKey]

    /// - Parameter key: the deployment's key, at least 16 bytes of entropy.
    public init(key: [UInt8]) {
        let root = SymmetricKey(data: key)
        var keys: [Purpose: SymmetricKey] = [:]
        for purpose in [Purpose.token, .session, .tokenIdentifier, .importedLine] {
            keys[purpose] = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: root, info: Array("cardea/fingerprint/\(purpose.name)".utf8), outputByteCount: 32)
        }
        self.keys = keys
    }

    /// The fingerprint of `secret`, e.g. `fp_0f3c…`.
    public func fingerprint(_ secret: String, purpose: Purpose) -> String {
        guard let key = keys[purpose] else { return Self.text(of: EmptyCollection()) }
        let code =
            secret.utf8.withContiguousStorageIfAvailable { HMAC<SHA256>.authenticationCode(for: $0, using: key) }
            ?? HMAC<SHA256>.authenticationCode(for: Array(secret.utf8), using: key)
        return code.withUnsafeBytes { Self.text(of: $0) }
    }

    /// `fp_` and the first 16 bytes in hex.
    private static func text(of code: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: 35) { out in
            (out[0], out[1], out[2]) = (UInt8(ascii: "f"), UInt8(ascii: "p"), UInt8(ascii: "_"))
            var place = 3
            for byte in code.prefix(16) {
                out[place] = digit(byte >> 4)
                out[place + 1] = digit(byte & 15)
                place += 2
            }
            return place
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    /// The 32 bytes of the keyed hash of `message`.
    public func mac(_ message: [UInt8], purpose: Purpose) -> [UInt8] {
        guard let key = keys[purpose] else { return [] }
        return Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
    }

    /// Whether `text` has the shape of a fingerprint.
    public static func isFingerprint(_ text: String) -> Bool {
        let bytes = text.utf8
        return bytes.count == 35 && text.hasPrefix("fp_")
            && bytes.dropFirst(3).allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
