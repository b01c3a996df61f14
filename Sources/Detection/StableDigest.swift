import Crypto

/// Digests that are the same in every process, over parts that cannot run into each other.
struct StableDigest {
    private var hash = SHA256()

    init(_ purpose: StaticString) { purpose.withUTF8Buffer { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) } }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        let part = Array(bytes)
        let count = UInt64(part.count).bigEndian
        withUnsafeBytes(of: count) { hash.update(bufferPointer: $0) }
        part.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    mutating func add(_ text: String) { add(text.utf8) }

    /// The first 128 bits.
    consuming func words() -> (high: UInt64, low: UInt64) {
        var words: [UInt64] = [0, 0]
        for (offset, byte) in hash.finalize().prefix(16).enumerated() { words[offset / 8] = words[offset / 8] << 8 | UInt64(byte) }
        return (words[0], words[1])
    }

    static func fingerprint(of parts: [[UInt8]]) -> String {
        var digest = StableDigest("cardea rules 1")
        for part in parts { digest.add(part) }
        return hex(digest.words().high)
    }

    static func hex(_ word: UInt64) -> String {
        let text = String(word, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }

    /// A value's 64 bits: counted, never shown. A secure hash, so that nobody can make two values count as one.
    static func value(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { buffer in
            var hash = SHA256()
            hash.update(bufferPointer: buffer)
            return hash.finalize().withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        }
    }
}
