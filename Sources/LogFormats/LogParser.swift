public import AuditEvents

/// Parses the lines of one log, one after the other.
///
/// Formats are detected line by line unless one is named; the format of the last line is tried first. The parser keeps what a line can only
/// mean together with those before it (the year of a syslog, the login attempt that several lines of sshd tell of), in bounded memory. Use a new
/// parser for each file.
public struct LogParser: Sendable {
    /// What a log does not say of itself.
    public struct Options: Sendable {
        /// The year of a classic syslog's first line; nil infers it from `now`.
        public var year: Int?
        /// The zone of times that carry none.
        public var timeZone: LogTimeZone
        /// The current time: decides the inferred year, and what lies in the future.
        public var now: Timestamp

        public init(year: Int? = nil, timeZone: LogTimeZone = .utc, now: Timestamp) {
            self.year = year
            self.timeZone = timeZone
            self.now = now
        }
    }

    /// The format of the last line that had one.
    public private(set) var currentFormat: LogFormat?

    private var parsers: [(format: LogFormat, parser: any LineFormat)]
    private var current = 0
    private var clock: LogClock
    private let latest: Timestamp

    /// How far ahead of `now` a time may lie, in seconds.
    public static let futureTolerance: Int64 = 600

    /// - Parameter format: the format of every line; nil detects it for each.
    public init(format: LogFormat? = nil, options: Options) {
        let formats = format.map { [$0] } ?? LogFormat.all.filter(\.isDetected)
        parsers = formats.map { ($0, $0.makeParser()) }
        clock = LogClock(options: options)
        latest = options.now.advanced(bySeconds: Self.futureTolerance)
    }

    /// Parses a line as the splitter gives it. Of an overlong line the beginning is parsed, so that nobody hides a request behind its length.
    public mutating func parse(_ line: LineSplitter.Line) -> LogLine {
        switch line {
        case .line(let bytes): return parse(bytes)
        case .tooLong(let prefix, let limit):
            guard currentFormat?.name != LogFormat.sshd.name, case .record(var record) = parse(prefix), record.type == .httpRequest else {
                return .rejected(reason: "the line is longer than \(limit) bytes")
            }
            record.body.details["truncated"] = true
            return .record(record)
        }
    }

    /// Parses a line, with or without its line end.
    public mutating func parse(_ line: [UInt8]) -> LogLine { parse(line[...]) }

    /// Parses a line, with or without its line end.
    public mutating func parse(_ line: ArraySlice<UInt8>) -> LogLine {
        var line = line
        while let last = line.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { line.removeLast() }
        _ = line.consume("\u{FEFF}")
        guard let first = line.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) else {
            return .skipped(reason: "blank line")
        }
        if first == UInt8(ascii: "#") { return .skipped(reason: "comment") }
        if let result = parse(line, with: current) { return result }
        for candidate in parsers.indices where candidate != current {
            if let result = parse(line, with: candidate) { return result }
        }
        return .rejected(reason: parsers.count == 1 ? "not a line of the format \(parsers[0].format)" : "no known format")
    }

    private mutating func parse(_ line: Bytes, with candidate: Int) -> LogLine? {
        guard let result = parsers[candidate].parser.parse(line, clock: &clock) else { return nil }
        if candidate != current || currentFormat == nil {
            current = candidate
            currentFormat = parsers[candidate].format
        }
        guard case .record(let record) = result else { return result }
        if record.time < .epoch { return .rejected(reason: "the time \(record.time) is before 1970") }
        if record.time > latest { return .rejected(reason: "the time \(record.time) is in the future") }
        return result
    }
}
