import Crypto

/// Who is counted, in seventeen bytes, however long what names them is; an account or a key as a digest, so that none stands in memory.
struct RateLimitSubject: Hashable, Sendable {
    private let kind: UInt8
    private let high: UInt64, low: UInt64

    private init(kind: UInt8, high: UInt64, low: UInt64) { (self.kind, self.high, self.low) = (kind, high, low) }

    /// A client's network; all clients without an address are one.
    init(_ client: ClientAddress?) {
        if let network = client?.network {
            self.init(kind: 1, high: network.high, low: network.low)
        } else {
            self.init(kind: 0, high: 0, low: 0)
        }
    }

    /// What `text` names, byte by byte; kinds from 2 on.
    init(kind: UInt8, _ text: some Sequence<UInt8>) {
        var hash = SHA256()
        hash.update(data: Array(text))
        let digest = hash.finalize()
        (high, low) = digest.withUnsafeBytes { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.kind = kind
    }

    /// Several together.
    init(_ parts: [RateLimitSubject]) { self.init(kind: 6, parts.flatMap(\.bytes)) }

    var bytes: [UInt8] {
        [kind] + withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
    }
}
