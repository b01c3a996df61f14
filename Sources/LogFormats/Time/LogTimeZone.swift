import Foundation

/// The zone of times that a log writes without one.
public struct LogTimeZone: Sendable, Hashable {
    private enum Kind: Sendable, Hashable {
        case fixed(seconds: Int)
        case named(TimeZone)
    }

    private let kind: Kind

    public static let utc = LogTimeZone(offsetSeconds: 0)

    /// A fixed offset east of UTC.
    public init(offsetSeconds: Int) { kind = .fixed(seconds: offsetSeconds) }

    /// A zone by its text: `UTC`, `Z`, an offset (`+02:00`, `-0530`, `+9`), or a name of the IANA database (`Europe/Berlin`).
    public init?(_ text: String) {
        if ["utc", "gmt", "z"].contains(text.lowercased()) {
            self = .utc
        } else if let sign = text.utf8.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            guard let seconds = Self.offset(Array(text.utf8.dropFirst())[...]) else { return nil }
            kind = .fixed(seconds: sign == UInt8(ascii: "-") ? -seconds : seconds)
        } else {
            guard let zone = TimeZone(identifier: text) else { return nil }
            kind = .named(zone)
        }
    }

    private static func offset(_ text: Bytes) -> Int? {
        let digits = text.filter { $0 != UInt8(ascii: ":") }[...]
        guard text.count - digits.count <= 1, let value = digits.decimal else { return nil }
        let (hours, minutes) = digits.count <= 2 ? (value, 0) : (value / 100, value % 100)
        guard digits.count <= 4, hours <= 14, minutes <= 59 else { return nil }
        return hours * 3600 + minutes * 60
    }

    /// The offset where it never changes.
    var fixedOffset: Int? { if case .fixed(let seconds) = kind { seconds } else { nil } }

    /// The offset east of UTC at a moment, in seconds.
    func offset(atUnixSeconds seconds: Int64) -> Int {
        switch kind {
        case .fixed(let offset): offset
        case .named(let zone): zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
        }
    }

    /// The offsets that the wall clock may mean at `local` (seconds since 1970 as if it were UTC): the earlier moment's and the later one's.
    ///
    /// They differ in the hour that a clock set back shows twice. In the gap of a clock set forward the offset before it is given, so that 02:30
    /// is 03:30.
    func offsets(atLocalSeconds local: Int64) -> (earlier: Int, later: Int) {
        let before = offset(atUnixSeconds: local - 86_400)
        let after = offset(atUnixSeconds: local + 86_400)
        guard before != after else { return (before, before) }
        let isBefore = offset(atUnixSeconds: local - Int64(before)) == before
        let isAfter = offset(atUnixSeconds: local - Int64(after)) == after
        switch (isBefore, isAfter) {
        case (true, true): return (max(before, after), min(before, after))
        case (false, true): return (after, after)
        default: return (before, before)
        }
    }
}
