import Crypto

/// The SHA-256 of a credential, under which it is remembered: the credential itself never is.
struct TokenDigest: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    init(_ token: some StringProtocol) {
        let digest = token.utf8.withContiguousStorageIfAvailable { SHA256.hash(data: $0) } ?? SHA256.hash(data: Array(token.utf8))
        words = digest.withUnsafeBytes {
            (
                $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            )
        }
    }

    static func == (a: TokenDigest, b: TokenDigest) -> Bool { a.words == b.words }
    /// One word is as good as four: nobody can choose it.
    func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
