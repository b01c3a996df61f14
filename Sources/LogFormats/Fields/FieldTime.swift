import AuditEvents

/// How a field writes its time.
enum FieldTime: Sendable, Hashable {
    /// RFC 3339, the same without a zone, an access log's form, or seconds to nanoseconds since 1970, told apart by their size.
    case automatic
    /// Units since 1970: so many to a second.
    case unix(perSecond: Int64)
    /// A pattern of `strptime`: `%Y %m %d %H %M %S %f %b %y %z %%`.
    case pattern(String)

    /// The form of a name in a mapping: `auto`, `rfc3339`, `unix`, `unix_ms`, `unix_us`, `unix_ns`, or a pattern with `%`.
    init?(name: String) {
        switch name {
        case "auto", "rfc3339", "iso8601": self = .automatic
        case "unix", "unix_s": self = .unix(perSecond: 1)
        case "unix_ms": self = .unix(perSecond: 1000)
        case "unix_us": self = .unix(perSecond: 1_000_000)
        case "unix_ns": self = .unix(perSecond: 1_000_000_000)
        default:
            guard name.contains("%"), name.utf8.count <= 64 else { return nil }
            self = .pattern(name)
        }
    }

    func moment(_ value: JSONValue, clock: inout LogClock) -> Timestamp? {
        switch self {
        case .pattern(let pattern):
            guard case .string(let text) = value else { return nil }
            return Self.moment(Array(text.utf8.prefix(128))[...], pattern: Array(pattern.utf8)[...], clock: &clock)
        case .unix(let perSecond): return Self.number(value).flatMap { Self.moment(unix: $0, perSecond: perSecond) }
        case .automatic:
            if let number = Self.number(value) { return Self.moment(unix: number, perSecond: Self.unit(number)) }
            guard case .string(let text) = value else { return nil }
            return Self.moment(Array(text.utf8.prefix(64))[...], clock: &clock)
        }
    }

    /// A number, whole and decimals apart, so that no microsecond is rounded.
    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .int(let integer): return Double(integer)
        case .double(let double): return double
        case .string(let text):
            guard let first = text.utf8.first, (48...57).contains(first), text.utf8.count >= 9,
                text.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") })
            else { return nil }
            return Double(text)
        default: return nil
        }
    }

    /// Seconds reach to the year 5138, milliseconds begin in 1973: nobody's log lies in both.
    private static func unit(_ number: Double) -> Int64 {
        switch number.magnitude {
        case ..<1e11: 1
        case ..<1e14: 1000
        case ..<1e17: 1_000_000
        default: 1_000_000_000
        }
    }

    private static func moment(unix number: Double, perSecond: Int64) -> Timestamp? {
        let microseconds = perSecond <= 1_000_000 ? number * Double(1_000_000 / perSecond) : number / Double(perSecond / 1_000_000)
        guard microseconds.isFinite, microseconds >= 0, microseconds < 253_402_300_800_000_000 else { return nil }
        return Timestamp(microseconds: Int64(microseconds.rounded(.down)))
    }

    /// RFC 3339; the same with a zone's name behind (`UTC`, `GMT`; others are the log's) or none; an access log's form.
    static func moment(_ bytes: Bytes, clock: inout LogClock) -> Timestamp? {
        if let time = bytes.accessTime { return time }
        guard let (fields, zone) = calendar(bytes) else { return nil }
        if zone.isEmpty { return clock.moment(fields) }
        if zone.equals("UTC") || zone.equals("GMT") { return fields.utc }
        if zone.first == UInt8(ascii: "+") || zone.first == UInt8(ascii: "-") { return moment(fields, offset: zone.text) }
        guard zone.count <= 5, zone.allSatisfy({ (65...90).contains($0) }) else { return nil }
        return clock.moment(fields)
    }

    private static func moment(_ fields: LogClock.Fields, offset: String) -> Timestamp? {
        guard let utc = fields.utc, let offset = LogTimeZone(offset)?.fixedOffset else { return nil }
        return utc.advanced(bySeconds: -Int64(offset))
    }

    /// Date and time as RFC 3339 has them, with `T` or a space between, and what stands behind.
    private static func calendar(_ bytes: Bytes) -> (fields: LogClock.Fields, zone: Bytes)? {
        guard bytes.count >= 19, let year = bytes.prefix(4).decimal else { return nil }
        var fields = LogClock.Fields()
        fields.year = year
        var rest = bytes.dropFirst(4)
        guard rest.consume("-"), let month = rest.takeNumber(limit: 2) else { return nil }
        guard rest.consume("-"), let day = rest.takeNumber(limit: 2) else { return nil }
        guard rest.consume("T") || rest.consume(" "), rest.takeTime(into: &fields) else { return nil }
        (fields.month, fields.day) = (month, day)
        return (fields, rest.trimmed)
    }

    private static func moment(_ bytes: Bytes, pattern: Bytes, clock: inout LogClock) -> Timestamp? {
        var (rest, pattern) = (bytes, pattern)
        var fields = LogClock.Fields()
        var offset: Int?
        while let wanted = pattern.popFirst() {
            guard wanted == UInt8(ascii: "%"), let code = pattern.popFirst() else {
                guard rest.popFirst() == wanted else { return nil }
                continue
            }
            if code == UInt8(ascii: "e") { rest.skipSpaces() }
            switch code {
            case UInt8(ascii: "Y"):
                guard let year = rest.prefix(4).decimal else { return nil }
                fields.year = year
                rest = rest.dropFirst(4)
            case UInt8(ascii: "y"):
                guard let year = rest.takeNumber(limit: 2) else { return nil }
                fields.year = year < 70 ? 2000 + year : 1900 + year
            case UInt8(ascii: "b"):
                guard let month = rest.takeMonth() else { return nil }
                fields.month = month
            case UInt8(ascii: "f"):
                var fraction: Bytes = [UInt8(ascii: ".")] + rest
                fields.microsecond = fraction.takeFraction()
                guard fraction.count <= rest.count else { return nil }
                rest = rest.suffix(fraction.count)
            case UInt8(ascii: "z"):
                if rest.consume("Z") {
                    offset = 0
                } else {
                    let text = rest.prefix { $0 == 43 || $0 == 45 || $0 == 58 || (48...57).contains($0) }
                    guard !text.isEmpty, let zone = LogTimeZone(text.text)?.fixedOffset else { return nil }
                    offset = zone
                    rest = rest.dropFirst(text.count)
                }
            case UInt8(ascii: "%"): guard rest.consume("%") else { return nil }
            default:
                guard let number = rest.takeNumber(limit: 2) else { return nil }
                switch code {
                case UInt8(ascii: "m"): fields.month = number
                case UInt8(ascii: "d"), UInt8(ascii: "e"): fields.day = number
                case UInt8(ascii: "H"): fields.hour = number
                case UInt8(ascii: "M"): fields.minute = number
                case UInt8(ascii: "S"): fields.second = number
                default: return nil
                }
            }
        }
        guard rest.isEmpty else { return nil }
        guard let offset else { return clock.moment(fields) }
        return fields.utc?.advanced(bySeconds: -Int64(offset))
    }
}

extension LogClock.Fields {
    /// The moment, were these fields in UTC; nil without a year.
    var utc: Timestamp? {
        guard let year else { return nil }
        return Timestamp(year: year, month: month, day: day, hour: hour, minute: minute, second: second, microsecond: microsecond)
    }
}
