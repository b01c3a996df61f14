import Crypto

/// A hash of the tree: SHA-256, of leaves and of inner nodes each with a first byte of their own (RFC 9162, 2.1.1).
public struct MerkleHash: Sendable, Hashable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Nil for anything but 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (place, byte) in bytes.enumerated() { words[place >> 3] = words[place >> 3] << 8 | UInt64(byte) }
        self.words = (words[0], words[1], words[2], words[3])
    }

    private init(_ digest: SHA256.Digest) {
        words = digest.withUnsafeBytes { bytes in
            func word(_ place: Int) -> UInt64 { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self)) }
            return (word(0), word(1), word(2), word(3))
        }
    }

    /// The hash of a leaf's data.
    public static func leaf(_ data: some Sequence<UInt8>) -> MerkleHash {
        var hash = SHA256()
        hash.update(data: [0])
        hash.update(data: Array(data))
        return MerkleHash(hash.finalize())
    }

    /// The hash of two subtrees.
    public static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
        // Without an array: a tree has as many nodes as leaves.
        withUnsafeTemporaryAllocation(byteCount: 65, alignment: 8) { bytes in
            bytes[0] = 1
            for (place, word) in [left.words.0, left.words.1, left.words.2, left.words.3].enumerated() {
                bytes.storeBytes(of: word.bigEndian, toByteOffset: 1 + 8 * place, as: UInt64.self)
            }
            for (place, word) in [right.words.0, right.words.1, right.words.2, right.words.3].enumerated() {
                bytes.storeBytes(of: word.bigEndian, toByteOffset: 33 + 8 * place, as: UInt64.self)
            }
            var hash = SHA256()
            hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
            return MerkleHash(hash.finalize())
        }
    }

    /// The root of a tree without leaves.
    public static let empty = MerkleHash(SHA256.hash(data: [UInt8]()))

    public func append(to bytes: inout [UInt8]) {
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
        }
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    public static func == (a: MerkleHash, b: MerkleHash) -> Bool { a.words == b.words }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

extension MerkleHash: CustomStringConvertible {
    /// Base64, as checkpoints and proofs have it.
    public var description: String { Base64.encode(bytes) }

    public init?(base64: some StringProtocol) {
        guard let bytes = Base64.decode(base64) else { return nil }
        self.init(bytes)
    }
}
