import AuditEvents

/// Turns the times of a log into moments: local ones by the log's zone, those without a year by the lines before them.
struct LogClock: Sendable {
    /// A date and time without zone; `year` is nil in a classic syslog.
    struct Fields: Sendable {
        var year: Int?
        var month = 1, day = 1, hour = 0, minute = 0, second = 0, microsecond = 0
    }

    private let zone: LogTimeZone
    private let now: Timestamp
    private let isYearFixed: Bool
    private var year: Int
    private var lastMonth: Int?
    private var last: Timestamp?
    /// The offsets of the quarter of an hour asked for last: no zone changes within one.
    private var cached: (quarter: Int64, earlier: Int, later: Int)?

    init(options: LogParser.Options) {
        zone = options.timeZone
        now = options.now
        isYearFixed = options.year != nil
        year = options.year ?? options.now.civil.year
    }

    /// The moment of local fields; nil where there is no such date or time.
    mutating func moment(_ fields: Fields) -> Timestamp? {
        guard let year = fields.year else { return momentInferringYear(fields) }
        return moment(fields, year: year)
    }

    private mutating func moment(_ fields: Fields, year: Int) -> Timestamp? {
        guard
            let local = Timestamp(
                year: year, month: fields.month, day: fields.day, hour: fields.hour, minute: fields.minute, second: fields.second,
                microsecond: fields.microsecond)
        else { return nil }
        if let offset = zone.fixedOffset { return local.advanced(bySeconds: -Int64(offset)) }
        let seconds = local.microseconds / 1_000_000
        let quarter = seconds / 900
        if cached?.quarter != quarter {
            let offsets = zone.offsets(atLocalSeconds: seconds)
            cached = (quarter, offsets.earlier, offsets.later)
        }
        guard let cached else { return nil }
        let earlier = local.advanced(bySeconds: -Int64(cached.earlier))
        // An hour shown twice: the second time once the log has passed the first.
        let result =
            if let last, cached.earlier != cached.later, earlier < last.advanced(bySeconds: -600) {
                local.advanced(bySeconds: -Int64(cached.later))
            } else {
                earlier
            }
        last = result
        return result
    }

    /// A log runs forward: a month that falls back by more than half a year is the next year's; December after January is a straggler of the
    /// year before. The first year is the given one, or the latest that does not put the line more than a day ahead of now.
    private mutating func momentInferringYear(_ fields: Fields) -> Timestamp? {
        var candidate = year
        var isStraggler = false
        if let lastMonth {
            if fields.month < lastMonth - 6 { candidate += 1 }
            if lastMonth == 1, fields.month == 12 {
                candidate -= 1
                isStraggler = true
            }
        }
        let tomorrow = now.advanced(bySeconds: 86_400)
        var result = moment(fields, year: candidate)
        if !isYearFixed {
            if let moment = result, moment > tomorrow {
                candidate -= 1
                isStraggler = false
                result = self.moment(fields, year: candidate)
            }
            // 29 February without a leap year: the latest leap year that had one.
            if result == nil, fields.month == 2, fields.day == 29 {
                for _ in 0..<8 where result == nil || result.map({ $0 > tomorrow }) == true {
                    candidate -= 1
                    result = moment(fields, year: candidate)
                }
                isStraggler = false
            }
        }
        if result != nil, !isStraggler {
            year = candidate
            lastMonth = fields.month
        }
        return result
    }
}
