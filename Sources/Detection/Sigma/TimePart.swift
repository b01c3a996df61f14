/// A part of a date as Sigma's time modifiers name it (modifiers appendix 2.1.0, "Time Modifiers").
enum TimePart: String, Sendable, Hashable {
    case minute, hour, day, week, month, year

    /// The values that it can have. ISO 8601 counts up to 53 weeks, one more than the appendix.
    var range: ClosedRange<Int> {
        switch self {
        case .minute: 0...59
        case .hour: 0...23
        case .day: 1...31
        case .week: 1...53
        case .month: 1...12
        case .year: 0...9999
        }
    }

    /// The part of a text that begins `YYYY-MM-DD` and may go on `THH:MM`; no time zone is converted.
    func value(of text: [UInt8]) -> Int? {
        func number(_ start: Int, _ count: Int) -> Int? {
            guard text.count >= start + count else { return nil }
            var value = 0
            for c in text[start..<(start + count)] {
                guard (48...57).contains(c) else { return nil }
                value = value * 10 + Int(c) - 48
            }
            return value
        }
        func separated(_ place: Int, _ marks: String) -> Bool { text.count > place && marks.utf8.contains(text[place]) }
        guard let year = number(0, 4), separated(4, "-"), let month = number(5, 2), separated(7, "-"), let day = number(8, 2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        switch self {
        case .year: return year
        case .month: return month
        case .day: return day
        case .week: return TimePart.week(year, month, day)
        case .hour: return separated(10, "Tt ") ? number(11, 2) : nil
        case .minute: return separated(10, "Tt ") && separated(13, ":") ? number(14, 2) : nil
        }
    }

    /// The ISO 8601 week: the one of the date's Thursday, counted from that Thursday's first of January.
    private static func week(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let date = days(year, month, day)
        let weekday = ((date + 3) % 7 + 7) % 7  // Monday is 0; day 0 was a Thursday.
        let thursday = date - weekday + 3
        var own = year
        if thursday < days(year, 1, 1) { own -= 1 } else if thursday >= days(year + 1, 1, 1) { own += 1 }
        return (thursday - days(own, 1, 1)) / 7 + 1
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let leapDays = { (year: Int) in year / 4 - year / 100 + year / 400 }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month - 1] + (month > 2 && isLeap ? 1 : 0)
        return (year - 1970) * 365 + leapDays(year - 1) - leapDays(1969) + before + day - 1
    }
}
