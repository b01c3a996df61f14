/// A moment in UTC with microsecond resolution, as microseconds since 1970-01-01T00:00:00Z (leap seconds not counted).
///
/// Its text form is RFC 3339 with exactly six decimals and `Z`. Storable moments run from year 1 to year 9999.
public struct Timestamp: Sendable, Hashable, Comparable {
    public var microseconds: Int64

    @inlinable
    public init(microseconds: Int64) { self.microseconds = microseconds }

    @inlinable
    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

    /// The moment `seconds` later (earlier when negative).
    public func advanced(bySeconds seconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds + seconds * 1_000_000) }

    /// Microseconds from `other` to this moment.
    public func microseconds(since other: Timestamp) -> Int64 { microseconds - other.microseconds }

    /// 1970-01-01T00:00:00Z, the earliest moment an event may carry: a UUIDv7 cannot name an earlier one.
    public static let epoch = Timestamp(microseconds: 0)
    /// 9999-12-31T23:59:59.999999Z.
    public static let maximum = Timestamp(microseconds: 253_402_300_799_999_999)
    /// The moments that RFC 3339 can write: the years 0 to 9999.
    static let written = Timestamp(microseconds: -62_167_219_200_000_000)...maximum
    /// 0001-01-01T00:00:00Z.
    public static let minimum = Timestamp(microseconds: -62_135_596_800_000_000)
}

extension Timestamp {
    /// The calendar fields of this moment in the proleptic Gregorian calendar, UTC.
    public var civil: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, microsecond: Int) {
        let day = microseconds.flooredQuotient(86_400_000_000)
        let rest = Int(microseconds - day * 86_400_000_000)
        let (y, m, d) = Timestamp.civil(fromDay: Int(day))
        return (y, m, d, rest / 3_600_000_000, rest / 60_000_000 % 60, rest / 1_000_000 % 60, rest % 1_000_000)
    }

    /// The moment of a civil date and time, or nil where a field is out of range (second 60 is folded into the next minute, RFC 3339 §5.7).
    ///
    /// - Parameter offsetSeconds: the local offset east of UTC that the fields are in.
    public init?(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0, offsetSeconds: Int = 0
    ) {
        guard (0...9999).contains(year), (1...12).contains(month), day >= 1, day <= Timestamp.days(in: month, of: year),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second), (0...999_999).contains(microsecond),
            abs(offsetSeconds) <= 86_400
        else { return nil }
        let days = Timestamp.day(year, month, day)
        let seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offsetSeconds)
        self.init(microseconds: seconds * 1_000_000 + Int64(microsecond))
        // An offset can lead out of the years that four digits name.
        guard Timestamp.written.contains(self) else { return nil }
    }

    static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms").
    static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func civil(fromDay day: Int) -> (Int, Int, Int) {
        let z = day + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let q = self / divisor
        return self % divisor < 0 ? q - 1 : q
    }
}
