import AuditEvents

/// The second factor of accounts: what is kept of it, and how a code is judged.
struct SecondFactor: Sendable {
    enum Finding: Sendable {
        case code(counter: Int64)
        case recoveryCode([UInt8])
        /// With the reason for the event.
        case refused(String)
    }

    let sealer: SecretSealer

    /// What is to be kept, with fresh recovery codes, which are shown once.
    func make(_ secret: OneTimeCodeSecret, usedCounter: Int64, owner: String) -> (stored: StoredSecondFactor, recoveryCodes: [String])? {
        guard let sealed = sealer.seal(secret.bytes, purpose: "totp", owner: owner) else { return nil }
        // 80 bits each: as long as nobody can try them without the key, and long enough should somebody have it.
        let codes = (0..<10).map { _ in Base32.encode(Secret.bytes(10)) }
        let stored = StoredSecondFactor(
            sealed: sealed, lastCounter: usedCounter,
            recoveryCodes: codes.compactMap { sealer.hashes(Array($0.utf8), purpose: "recovery", owner: owner).first })
        return (stored, codes.map(Self.grouped))
    }

    /// Judges a code that was typed. Nothing is used up yet.
    func judge(_ code: String, _ factor: StoredSecondFactor, owner: String, at seconds: Int64) -> Finding {
        guard code.utf8.count <= 64 else { return .refused("bad_code") }
        let typed = code.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "-") }
        if typed.count == 16 {
            let folded = typed.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? $0 & 0xdf : $0 }
            let known = factor.recoveryCodes
            for hash in sealer.hashes(folded, purpose: "recovery", owner: owner) where known.contains(where: { Secret.equal($0, hash) }) {
                return .recoveryCode(hash)
            }
            return .refused("bad_recovery_code")
        }
        guard let secret = secret(factor, owner: owner) else { return .refused("unreadable_factor") }
        let text = String(decoding: typed, as: UTF8.self)
        guard let counter = secret.counter(of: text, at: seconds, after: -1) else { return .refused("bad_code") }
        return counter > factor.lastCounter ? .code(counter: counter) : .refused("code_reused")
    }

    func secret(_ factor: StoredSecondFactor, owner: String) -> OneTimeCodeSecret? {
        sealer.open(factor.sealed, purpose: "totp", owner: owner).flatMap(OneTimeCodeSecret.init(bytes:))
    }

    /// `ABCD-EFGH-IJKL-MNOP`.
    private static func grouped(_ code: String) -> String {
        let bytes = Array(code.utf8)
        return stride(from: 0, to: bytes.count, by: 4)
            .map { String(decoding: bytes[$0..<min($0 + 4, bytes.count)], as: UTF8.self) }.joined(separator: "-")
    }
}
