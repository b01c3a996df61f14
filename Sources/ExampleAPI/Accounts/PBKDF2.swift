import Crypto

/// PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2).
enum PBKDF2 {
    /// `length` bytes derived from `password`; each 32 of them cost `iterations` HMACs.
    static func derive(password: [UInt8], salt: [UInt8], iterations: Int, length: Int) -> [UInt8] {
        var key = password.count > 64 ? Array(SHA256.hash(data: password)) : password
        key.append(contentsOf: repeatElement(0, count: 64 - key.count))
        // The states after the two padded keys are the same in every HMAC (RFC 2104 §4): copied, they halve the work.
        var inner = SHA256()
        inner.update(data: key.map { $0 ^ 0x36 })
        var outer = SHA256()
        outer.update(data: key.map { $0 ^ 0x5c })

        func hmac(_ message: some Sequence<UInt8>) -> [UInt8] {
            var (inner, outer) = (inner, outer)
            inner.update(data: Array(message))
            outer.update(data: Array(inner.finalize()))
            return Array(outer.finalize())
        }

        var derived: [UInt8] = []
        var block: UInt32 = 0
        while derived.count < length {
            block += 1
            var link = hmac(salt + withUnsafeBytes(of: block.bigEndian) { Array($0) })
            var sum = link
            for _ in 1..<max(iterations, 1) {
                var (inner, outer) = (inner, outer)
                link.withUnsafeBytes { inner.update(bufferPointer: $0) }
                inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
                outer.finalize().withUnsafeBytes { digest in
                    for i in 0..<32 {
                        link[i] = digest[i]
                        sum[i] ^= digest[i]
                    }
                }
            }
            derived.append(contentsOf: sum)
        }
        return Array(derived.prefix(length))
    }
}
