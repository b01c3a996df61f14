import Crypto

/// Digests that are the same in every process, over parts that cannot run into each other.
struct StableDigest {
    private var bytes: [UInt8]

    init(_ purpose: StaticString) {
        bytes = purpose.withUTF8Buffer { Array($0) }
        bytes.reserveCapacity(128)
    }

    mutating func add(_ part: some Collection<UInt8>) {
        withUnsafeBytes(of: UInt64(part.count).bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: part)
    }

    mutating func add(_ text: String) { add(text.utf8) }

    /// The first 128 bits of the parts' SHA-256.
    func words() -> (high: UInt64, low: UInt64) {
        SHA256.hash(data: bytes).withUnsafeBytes { digest in
            (
                UInt64(bigEndian: digest.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    static func fingerprint(of parts: [[UInt8]]) -> String {
        var digest = StableDigest("cardea rules 1")
        for part in parts { digest.add(part) }
        return hex(digest.words().high)
    }

    static func hex(_ words: UInt64...) -> String {
        String(unsafeUninitializedCapacity: 16 * words.count) { buffer in
            for (place, word) in words.enumerated() {
                for nibble in 0..<16 {
                    let value = UInt8(truncatingIfNeeded: word >> (60 - 4 * UInt64(nibble)) & 0xf)
                    buffer[16 * place + nibble] = value < 10 ? 48 + value : 87 + value
                }
            }
            return 16 * words.count
        }
    }

    /// A value's 64 bits: counted, never shown. A secure hash, so that nobody can make two values count as one.
    static func value(_ bytes: [UInt8]) -> UInt64 {
        SHA256.hash(data: bytes).withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }
}
