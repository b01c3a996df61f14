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

    private struct Candidate: Sendable {
        let format: LogFormat
        var text: (any LineFormat)?
        var fields: (any FieldFormat)?
    }

    private var candidates: [Candidate]
    /// Where the last line of text and the last line of JSON or logfmt were at home: tried first.
    private var currentText = 0
    private var currentFields = 0
    private var clock: LogClock
    private let latest: Timestamp

    /// How far ahead of `now` a time may lie, in seconds.
    public static let futureTolerance: Int64 = 600

    /// - Parameter format: the format of every line; nil detects it for each.
    public init(format: LogFormat? = nil, options: Options) {
        let formats = format.map { [$0] } ?? LogFormat.all.filter(\.isDetected)
        candidates = formats.map { Candidate(format: $0, text: $0.makeParser?(), fields: $0.makeReader?()) }
        clock = LogClock(options: options)
        latest = options.now.advanced(bySeconds: Self.futureTolerance)
    }

    /// Parses a line as the splitter gives it. Of an overlong line the beginning is parsed, so that nobody hides a request behind its length.
    public mutating func parse(_ line: LineSplitter.Line) -> LogLine {
        switch line {
        case .line(let bytes): return parse(bytes)
        case .tooLong(let prefix, let limit):
            guard case .record(var record) = parse(prefix), currentFormat?.name != LogFormat.sshd.name else {
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
        if first == UInt8(ascii: "{") { return parseJSON(line.trimmed) }
        if let result = parse(line, with: currentText) { return result }
        if Logfmt.isLikely(line), let result = parseLogfmt(line) { return result }
        for candidate in candidates.indices where candidate != currentText {
            if let result = parse(line, with: candidate) { return result }
        }
        if candidates.count == 1, let result = parseSyslog(line) { return result }
        return unknown()
    }

    private func unknown() -> LogLine {
        .rejected(reason: candidates.count == 1 ? "not a line of the format \(candidates[0].format)" : "no known format")
    }

    private mutating func parse(_ line: Bytes, with candidate: Int) -> LogLine? {
        guard let result = candidates[candidate].text?.parse(line, clock: &clock) else { return nil }
        if case .skipped = result, let other = candidates[candidate].text?.foreign, let result = parseForeign(other, line, not: candidate) {
            currentText = candidate
            return result
        }
        if candidate != currentText || currentFormat?.name != candidates[candidate].format.name {
            currentText = candidate
            currentFormat = candidates[candidate].format
        }
        return checked(result)
    }

    private func checked(_ result: LogLine) -> LogLine {
        guard case .record(let record) = result else { return result }
        if record.time < .epoch { return .rejected(reason: "the time \(record.time) is before 1970") }
        if record.time > latest { return .rejected(reason: "the time \(record.time) is in the future") }
        return result
    }

    // MARK: Named fields

    private mutating func parseJSON(_ line: Bytes) -> LogLine {
        // Cardea's own lines are read by themselves: an event's form is stricter than a field table.
        let cardea = candidates.firstIndex { $0.format == .cardea }
        if let cardea, currentFormat == .cardea || candidates.count == 1, let result = parse(line, with: cardea) { return result }
        let fields: Fields
        do throws(JSONError) { fields = try JSONLine.fields(line) } catch { return .rejected(reason: "not JSON: \(error)") }
        if let result = read(fields) { return result }
        if let cardea, currentFormat != .cardea, candidates.count > 1, let result = parse(line, with: cardea) { return result }
        return kin(fields) ?? unknown()
    }

    private mutating func parseLogfmt(_ line: Bytes) -> LogLine? {
        guard let fields = Logfmt.fields(line) else { return nil }
        return read(fields) ?? kin(fields)
    }

    private mutating func read(_ fields: Fields) -> LogLine? {
        if let result = read(fields, with: currentFields) { return result }
        for candidate in candidates.indices where candidate != currentFields {
            if let result = read(fields, with: candidate) { return result }
        }
        return nil
    }

    private mutating func read(_ fields: Fields, with candidate: Int) -> LogLine? {
        guard let result = candidates[candidate].fields?.read(fields, clock: &clock) else { return nil }
        currentFields = candidate
        currentFormat = candidates[candidate].format
        return checked(result)
    }

    private func kin(_ fields: Fields) -> LogLine? {
        for candidate in candidates where candidate.fields?.isKin(fields) == true {
            return .skipped(reason: "a line without security relevance")
        }
        return nil
    }

    // MARK: Syslog

    /// A line of a syslog that is not sshd's: what a program with a format of its own wrote there, or a line that only looks like a syslog's.
    private mutating func parseForeign(_ line: SyslogLine, _ whole: Bytes, not skipping: Int) -> LogLine? {
        if let candidate = candidates.firstIndex(where: { $0.format.isWritten(by: line.program) }) {
            return parse(message: line, with: candidate)
        }
        // An ISO date alone begins the lines of many.
        guard candidates.count > 1, let first = whole.first, (48...57).contains(first) else { return nil }
        for candidate in candidates.indices where candidate != skipping {
            guard let result = candidates[candidate].text?.parse(whole, clock: &clock) else { continue }
            currentFormat = candidates[candidate].format
            return checked(result)
        }
        return nil
    }

    private mutating func parseSyslog(_ line: Bytes) -> LogLine? {
        guard !candidates[0].format.programs.isEmpty, case .line(let form)? = SyslogLine.parse(line, clock: &clock),
            candidates[0].format.isWritten(by: form.program)
        else { return nil }
        return parse(message: form, with: 0)
    }

    private mutating func parse(message line: SyslogLine, with candidate: Int) -> LogLine {
        var message = line
        message.message = line.message.trimmed
        var result: LogLine?
        if candidates[candidate].fields != nil {
            if message.message.first == UInt8(ascii: "{") {
                result = (try? JSONLine.fields(message.message)).flatMap { candidates[candidate].fields?.read($0, clock: &clock) }
            } else if let fields = Logfmt.fields(message.message) {
                result = candidates[candidate].fields?.read(fields, clock: &clock)
            }
        }
        result = result ?? candidates[candidate].text?.parse(message: message, clock: &clock)
        if case .record = result { currentFormat = candidates[candidate].format }
        return result.map(checked) ?? .skipped(reason: "a line without security relevance")
    }
}

extension LogFormat {
    /// Whether a syslog's program writes this format: `apache2`, `httpd/backend1`.
    fileprivate func isWritten(by program: Bytes) -> Bool {
        if programs.isEmpty { return false }
        let name = program.prefix { $0 != UInt8(ascii: "/") }
        return programs.contains { name.equals($0) || program.equals($0) }
    }
}
