public import AuditEvents

/// A time as people write it on a command line: RFC 3339, a date, a date and time without zone (UTC), `now`, or a span back from now (`90m`, `7d`).
public enum TimeExpression {
    /// The moment meant, or nil where the text is none of these.
    ///
    /// - Parameters:
    ///   - endOfDay: whether a bare date means its last microsecond instead of its first: the end of a range includes its day.
    ///   - zone: whose clocks a date, and a time without a zone, is read from.
    public static func parse(_ text: String, now: Timestamp, endOfDay: Bool = false, zone: LocalZone = .utc) -> Timestamp? {
        let bytes = Array(text.utf8)
        if text == "now" { return now }
        if let time = Timestamp(text) { return time }
        if let time = Timestamp(rfc3339: bytes, assumingUTC: true) { return zone.moment(of: time) }
        if bytes.count == 16, let time = Timestamp(rfc3339: bytes + Array(":00Z".utf8)) { return zone.moment(of: time) }
        if bytes.count == 10, let day = Timestamp(rfc3339: bytes + Array("T00:00:00Z".utf8)) {
            // A day has 23, 24 or 25 hours: it ends where the next one begins.
            return endOfDay
                ? Timestamp(microseconds: zone.moment(of: day.advanced(bySeconds: 86_400)).microseconds - 1) : zone.moment(of: day)
        }
        guard let unit = bytes.last, bytes.first != UInt8(ascii: "+"), let count = Int64(text.dropLast()), (0..<1_000_000).contains(count)
        else { return nil }
        let seconds: Int64
        switch unit {
        case UInt8(ascii: "s"): seconds = 1
        case UInt8(ascii: "m"): seconds = 60
        case UInt8(ascii: "h"): seconds = 3600
        case UInt8(ascii: "d"): seconds = 86_400
        case UInt8(ascii: "w"): seconds = 604_800
        default: return nil
        }
        return now.advanced(bySeconds: -count * seconds)
    }
}
