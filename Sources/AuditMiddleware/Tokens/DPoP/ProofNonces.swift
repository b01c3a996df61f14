public import AuditEvents
public import Crypto

/// Nonces that a server gives for proofs (RFC 9449 §8), without keeping any: each is the keyed hash of its span of time.
///
/// The present and the previous one are good. Instances that share the key accept each other's.
public struct ProofNonces: Sendable {
    private let key: SymmetricKey
    private let spanSeconds: Int64

    /// - Parameter spanSeconds: how often the nonce changes.
    public init(key: SymmetricKey = SymmetricKey(size: .bits256), spanSeconds: Int64 = 180) {
        self.key = key
        self.spanSeconds = max(spanSeconds, 1)
    }

    /// The nonce to give out at `time`.
    public func nonce(at time: Timestamp) -> String { nonce(span(time)) }

    /// Whether `nonce` is good at `time`, and whether it is the present one.
    func judge(_ nonce: String, at time: Timestamp) -> (isGood: Bool, isPresent: Bool) {
        let span = span(time)
        if isSame(nonce, self.nonce(span)) { return (true, true) }
        return (isSame(nonce, self.nonce(span - 1)), false)
    }

    private func span(_ time: Timestamp) -> Int64 { time.microseconds / 1_000_000 / spanSeconds }

    private func nonce(_ span: Int64) -> String {
        let mac = HMAC<SHA256>.authenticationCode(for: Array("dpop nonce \(span)".utf8), using: key)
        return String(decoding: Base64URL.encode(Array(mac).prefix(16)), as: UTF8.self)
    }

    private func isSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
