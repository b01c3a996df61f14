import Foundation

/// The hours of a week in a time zone: what `cardea: hours:` lets through.
///
/// ```yaml
/// hours: {zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: "07:00", to: "19:00", outside: true}
/// ```
public struct HourFilter: Sendable, Hashable {
    /// An IANA name, `UTC`, or an offset such as `+02:00`.
    public var zone: String
    /// From 0, Monday.
    public var days: Set<Int>
    /// Minutes of the day; the end is not in it. An end before the beginning is on the next day.
    public var from: Int, to: Int
    /// Whether the events outside these hours count; else those within them.
    public var outside: Bool
    private var timeZone: TimeZone

    /// Nil for a zone that is not known or a minute that no day has.
    public init?(zone: String, days: Set<Int>, from: Int, to: Int, outside: Bool) {
        guard let timeZone = Self.timeZone(zone), (0...1440).contains(from), (0...1440).contains(to),
            days.allSatisfy({ (0..<7).contains($0) })
        else { return nil }
        (self.zone, self.days, self.from, self.to, self.outside, self.timeZone) = (zone, days, from, to, outside, timeZone)
    }

    /// The same hours elsewhere; nil for a zone that is not known.
    public func inZone(_ zone: String) -> HourFilter? { HourFilter(zone: zone, days: days, from: from, to: to, outside: outside) }

    private static func timeZone(_ name: String) -> TimeZone? {
        let bytes = Array(name.utf8)
        if bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"), bytes[3] == UInt8(ascii: ":"),
            let hours = Int(name.dropFirst().prefix(2)), let minutes = Int(name.suffix(2)), hours <= 14, minutes < 60
        {
            let offset = (hours * 60 + minutes) * 60
            return TimeZone(secondsFromGMT: bytes[0] == UInt8(ascii: "-") ? -offset : offset)
        }
        return TimeZone(identifier: name)
    }

    /// The days in order, whatever the set's.
    var description: String { "\(zone) \(days.sorted()) \(from)-\(to) \(outside)" }

    static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// Minutes of `07:30`; nil for another text.
    static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.utf8.count) }), let hour = Int(parts[0]), let minute = Int(parts[1]),
            (0...24).contains(hour), (0..<60).contains(minute), hour < 24 || minute == 0
        else { return nil }
        return hour * 60 + minute
    }

    /// Whether an event at `time`, microseconds since 1970, counts.
    func admits(_ time: Int64) -> Bool {
        let seconds = time / 1_000_000 + Int64(timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time) / 1_000_000)))
        let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let minute = Int((seconds - day * 86_400) / 60)
        // The first day of 1970 was a Thursday.
        let weekday = Int(((day + 3) % 7 + 7) % 7)
        let isWithin =
            from <= to
            ? days.contains(weekday) && minute >= from && minute < to
            : days.contains(weekday) && minute >= from || days.contains((weekday + 6) % 7) && minute < to
        return isWithin != outside
    }
}

extension HourFilter {
    init(_ node: RuleNode) throws(RuleError) {
        let members = try node.requireMembers("hours")
        try members.refuseOthers(than: ["zone", "days", "from", "to", "outside"], in: "hours")
        var days = Set(0..<7)
        if let list = members["days"] {
            days = []
            for name in try list.requireTexts("days") {
                guard let day = Self.dayNames.firstIndex(of: name.lowercased()) else {
                    throw list.error(.value, "not a day", construct: name, advice: "days: \(Self.dayNames.joined(separator: ", "))")
                }
                days.insert(day)
            }
        }
        func minute(_ key: String) throws(RuleError) -> Int {
            let value = try members.require(key)
            guard let minutes = Self.minutes(try value.requireText(key)) else {
                throw value.error(.value, "not a time of day", advice: "write \"07:30\"")
            }
            return minutes
        }
        let zone = try members["zone"]?.requireText("zone") ?? "UTC"
        guard
            let filter = HourFilter(
                zone: zone, days: days, from: try minute("from"), to: try minute("to"),
                outside: members["outside"].map { $0.scalar == .bool(true) } ?? true)
        else {
            throw node.error(.value, "not a time zone", construct: zone, advice: "an IANA name such as Europe/Berlin, or +02:00")
        }
        self = filter
    }
}
