import AuditEvents

/// The identity of an alert: a UUID of version 8 (RFC 9562 §5.8) made by SHA-256 from rule, tenant, group and the first event that the alert
/// held when it opened. It stays the same for the alert's life, also when a late event is put before that first one, and no other alert can
/// get it: an event that is in an alert never leaves it, but for a merge, which ends the absorbed alert.
public struct AlertID: Sendable, Hashable, Comparable {
    /// The first and last eight bytes, big-endian.
    public let high: UInt64, low: UInt64

    /// An id read back from a store.
    public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    init(rule: String, tenant: String, group: [(field: String, value: String)], first: EventID) {
        var digest = StableDigest("cardea alert 1")
        digest.add(rule)
        digest.add(tenant)
        for (field, value) in group {
            digest.add(field)
            digest.add(value)
        }
        digest.add(first.bytes)
        let words = digest.words()
        high = words.high & ~0xf000 | 0x8000
        low = words.low & 0x3fff_ffff_ffff_ffff | 1 << 63
    }

    public static func < (a: AlertID, b: AlertID) -> Bool { a.high != b.high ? a.high < b.high : a.low < b.low }

    /// The sixteen bytes, big-endian, as PostgreSQL's binary `uuid`.
    public var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - UInt64($0 % 8) * 8)) }
    }
}

extension AlertID: CustomStringConvertible, LosslessStringConvertible {
    /// The 8-4-4-4-12 form in lower case (RFC 9562 §4).
    public var description: String {
        let hex = Array(StableDigest.hex(high, low).utf8)
        var text: [UInt8] = []
        for (offset, digit) in hex.enumerated() {
            if [8, 12, 16, 20].contains(offset) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Parses the 8-4-4-4-12 form in either case.
    public init?(_ text: String) {
        var digits: [UInt8] = []
        guard text.utf8.count == 36 else { return nil }
        for (offset, c) in text.utf8.enumerated() {
            if [8, 13, 18, 23].contains(offset) {
                guard c == UInt8(ascii: "-") else { return nil }
            } else {
                guard (48...57).contains(c) || (97...102).contains(c | 0x20) else { return nil }
                digits.append(c)
            }
        }
        guard let high = UInt64(String(decoding: digits[..<16], as: UTF8.self), radix: 16),
            let low = UInt64(String(decoding: digits[16...], as: UTF8.self), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}
