/// Random secrets (of sessions, tokens, keys, codes) and their comparison.
enum Secret {
    /// `count` random bytes of the system's generator as strict base64url: 32 give 43 characters.
    static func make(bytes count: Int = 32) -> String {
        String(decoding: Base64URL.encode(bytes(count)), as: UTF8.self)
    }

    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        while bytes.count < count { withUnsafeBytes(of: generator.next() as UInt64) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }

    /// Whether `text` is what `make` gives for that many bytes.
    static func isWellFormed(_ text: some StringProtocol, bytes count: Int = 32) -> Bool {
        text.utf8.count == (count * 4 + 2) / 3 && Base64URL.decode(Array(text.utf8))?.count == count
    }

    /// Compares in a time that depends on the lengths alone.
    static func equal(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
