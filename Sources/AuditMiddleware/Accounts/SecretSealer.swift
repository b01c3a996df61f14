import Crypto

/// Seals secrets that must be read again, for the database: AES-256-GCM under a key of the configuration, bound to what they are and whose.
public struct SecretSealer: Sendable {
    private let keys: [(sealing: SymmetricKey, hashing: SymmetricKey)]

    /// - Parameters:
    ///   - key: at least 32 bytes that are kept apart from the database.
    ///   - former: keys that still open what was sealed under them, the newest first.
    /// - Returns: nil where a key is shorter.
    public init?(key: [UInt8], former: [[UInt8]] = []) {
        guard ([key] + former).allSatisfy({ $0.count >= 32 }) else { return nil }
        keys = ([key] + former).map { key in
            func derived(_ use: String) -> SymmetricKey {
                HKDF<SHA256>.deriveKey(
                    inputKeyMaterial: SymmetricKey(data: key), info: Array("cardea/sealer/\(use)".utf8), outputByteCount: 32)
            }
            return (derived("seal"), derived("hash"))
        }
    }

    /// - Parameters:
    ///   - purpose: what it is, e.g. `totp`.
    ///   - owner: whose it is; it opens for nobody else.
    func seal(_ secret: [UInt8], purpose: String, owner: String) -> [UInt8]? {
        let box = try? AES.GCM.seal(secret, using: keys[0].sealing, authenticating: Self.context(purpose, owner))
        return box?.combined.map { [1] + Array($0) }
    }

    /// Nil for what was not sealed so.
    func open(_ sealed: [UInt8], purpose: String, owner: String) -> [UInt8]? {
        guard sealed.first == 1, let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst()) else { return nil }
        for key in keys {
            if let secret = try? AES.GCM.open(box, using: key.sealing, authenticating: Self.context(purpose, owner)) {
                return Array(secret)
            }
        }
        return nil
    }

    /// The keyed hashes that a secret may have been kept as: that under the present key first.
    func hashes(_ secret: [UInt8], purpose: String, owner: String) -> [[UInt8]] {
        keys.map { key in
            Array(HMAC<SHA256>.authenticationCode(for: Self.context(purpose, owner) + secret, using: key.hashing))
        }
    }

    /// Lengths first, so that no two contexts run together.
    private static func context(_ purpose: String, _ owner: String) -> [UInt8] {
        Array("\(purpose.utf8.count)/\(owner.utf8.count)/\(purpose)\(owner)".utf8)
    }
}
