import Crypto

/// Tokens that only a page which was served to a session can know: a nonce and its HMAC-SHA-256 with the session's handle.
///
/// Every one is different, so that compression of a page tells nothing of it; all of a session are good as long as it is.
public struct CrossSiteTokens: Sendable {
    private let key: SymmetricKey

    /// - Parameter key: at least 16 random bytes, the same at all instances.
    public init(key: [UInt8]) {
        self.key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: key), info: Array("cardea/csrf".utf8), outputByteCount: 32)
    }

    /// A token for the request's session; nil where it has none.
    public func make(for context: some AuditedRequestContext) -> String? {
        context.principal?.cookieSession.map { make(for: $0) }
    }

    func make(for handle: String) -> String {
        let nonce = Secret.bytes(16)
        return String(decoding: Base64URL.encode(nonce + mac(nonce, handle)), as: UTF8.self)
    }

    func isValid(_ token: String, for handle: String) -> Bool {
        guard token.utf8.count == 64, let bytes = Base64URL.decode(Array(token.utf8)) else { return false }
        return Secret.equal(bytes[16...], mac(Array(bytes[..<16]), handle))
    }

    private func mac(_ nonce: [UInt8], _ handle: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: nonce + Array(handle.utf8), using: key))
    }
}
