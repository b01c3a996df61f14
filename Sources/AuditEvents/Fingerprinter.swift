import Crypto

/// Turns secrets into fingerprints: equal secrets give equal text, and nothing leads back.
///
/// HMAC-SHA-256 under a key derived from the deployment's by purpose (HKDF, RFC 5869), cut to 128 bits, as `fp_` and 32 hex digits. Only text of
/// this shape passes the record's check of `session` and `token` fields.
public struct Fingerprinter: Sendable {
    public struct Purpose: Sendable, Hashable {
        let name: String
        /// The place among `all`.
        fileprivate let index: Int
        public static let token = Purpose(name: "token", index: 0)
        public static let session = Purpose(name: "session", index: 1)
        public static let tokenIdentifier = Purpose(name: "jti", index: 2)
        public static let importedLine = Purpose(name: "import", index: 3)
        /// What stands for an erased subject's values; the database makes them too (`audit.fingerprint`).
        public static let subject = Purpose(name: "subject", index: 4)
        fileprivate static let all = [token, session, tokenIdentifier, importedLine, subject]
    }

    /// A keyed hash of each purpose, to which nothing was given yet.
    private let hashes: [HMAC<SHA256>]

    /// - Parameter key: the deployment's key, at least 16 bytes of entropy.
    public init(key: [UInt8]) {
        let root = SymmetricKey(data: key)
        hashes = Purpose.all.map { purpose in
            HMAC(
                key: HKDF<SHA256>.deriveKey(
                    inputKeyMaterial: root, info: Array("cardea/fingerprint/\(purpose.name)".utf8), outputByteCount: 32))
        }
    }

    /// The fingerprint of `secret`, e.g. `fp_0f3c…`.
    public func fingerprint(_ secret: String, purpose: Purpose) -> String {
        var hash = hashes[purpose.index]
        var secret = secret
        secret.withUTF8 { hash.update(data: UnsafeRawBufferPointer($0)) }
        return hash.finalize().withUnsafeBytes { code in
            String(unsafeUninitializedCapacity: 35) { text in
                _ = text.initialize(fromContentsOf: "fp_".utf8)
                for (index, byte) in code.prefix(16).enumerated() {
                    text.initializeElement(at: 3 + 2 * index, to: Fingerprinter.digit(byte >> 4))
                    text.initializeElement(at: 4 + 2 * index, to: Fingerprinter.digit(byte & 15))
                }
                return 35
            }
        }
    }

    /// The 32 bytes of the keyed hash of `message`.
    public func mac(_ message: [UInt8], purpose: Purpose) -> [UInt8] {
        var hash = hashes[purpose.index]
        hash.update(data: message)
        return Array(hash.finalize())
    }

    private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }

    /// Whether `text` has the shape of a fingerprint.
    public static func isFingerprint(_ text: String) -> Bool {
        guard text.utf8.count == 35 else { return false }
        var text = text
        return text.withUTF8 { bytes in
            bytes[0] == UInt8(ascii: "f") && bytes[1] == UInt8(ascii: "p") && bytes[2] == UInt8(ascii: "_")
                && bytes[3...].allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        }
    }
}
