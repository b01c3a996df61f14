/// The identity of an event: a UUID of version 7 (RFC 9562 §5.7) whose time is the event's, to the microsecond.
///
/// The 48 leading bits are Unix milliseconds, `rand_a` the fraction of the millisecond in 1/4096 (RFC 9562 §6.2, method 3), `rand_b` 62 bits
/// of entropy. So `time` is a function of the id, and ids sort as their events happened.
public struct EventID: Sendable, Hashable, Comparable {
    /// The first and last eight bytes, big-endian.
    public let high: UInt64, low: UInt64

    /// An id from its 128 bits; nil unless version 7 and the RFC 9562 variant.
    public init?(high: UInt64, low: UInt64) {
        guard high >> 12 & 0xf == 7, low >> 62 == 0b10 else { return nil }
        (self.high, self.low) = (high, low)
    }

    /// The id of an event at `time` with 62 bits of `entropy` (its two leading bits are ignored).
    ///
    /// - Precondition: none; a time before 1970 is taken as 1970, which `EventHeader.validate` refuses before it gets here.
    public init(time: Timestamp, entropy: UInt64) {
        let micros = UInt64(max(0, time.microseconds))
        let fraction = ((micros % 1000) << 12) / 1000
        high = (micros / 1000) << 16 | 7 << 12 | fraction
        low = entropy & 0x3fff_ffff_ffff_ffff | 1 << 63
    }

    /// A new id at `time` with random entropy.
    public init(time: Timestamp) {
        var generator = RandomPool()
        self.init(time: time, entropy: generator.next())
    }

    /// The event's time, exact to the microsecond for ids made here.
    public var time: Timestamp {
        let micros = ((high & 0xfff) * 1000 + 4095) >> 12
        return Timestamp(microseconds: Int64((high >> 16) * 1000 + min(micros, 999)))
    }

    public static func < (a: EventID, b: EventID) -> Bool { a.high != b.high ? a.high < b.high : a.low < b.low }
}

extension EventID: CustomStringConvertible, LosslessStringConvertible {
    /// The 8-4-4-4-12 form in lower case (RFC 9562 §4).
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var out = 0
            for nibble in 0..<32 {
                if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                    buffer[out] = UInt8(ascii: "-")
                    out += 1
                }
                let word = nibble < 16 ? high : low
                let value = UInt8(word >> (60 - UInt64(nibble % 16) * 4) & 0xf)
                buffer[out] = value < 10 ? 48 + value : 87 + value
                out += 1
            }
            return 36
        }
    }

    /// Parses the 8-4-4-4-12 form in either case; nil for another form, version or variant.
    public init?(_ text: String) {
        var words: [UInt64] = [0, 0]
        var nibbles = 0
        guard text.utf8.count == 36 else { return nil }
        for (offset, c) in text.utf8.enumerated() {
            if offset == 8 || offset == 13 || offset == 18 || offset == 23 {
                guard c == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch c {
            case 48...57: value = c - 48
            case 97...102: value = c - 87
            case 65...70: value = c - 55
            default: return nil
            }
            words[nibbles / 16] = words[nibbles / 16] << 4 | UInt64(value)
            nibbles += 1
        }
        self.init(high: words[0], low: words[1])
    }

    /// The sixteen bytes, big-endian, as PostgreSQL's binary `uuid`.
    public var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - UInt64($0 % 8) * 8)) }
    }
}
