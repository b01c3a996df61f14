import AuditEvents

/// The parts of a syslog line: when, on which host, which process, what.
struct SyslogLine {
    enum Form {
        case line(SyslogLine)
        /// `last message repeated N times`, as classic syslog daemons write it.
        case lastRepeated(count: Int, time: Timestamp, host: Bytes)
        case malformed(reason: String)
    }

    var time: Timestamp
    var host: Bytes
    /// The program without its path; empty where the line names none.
    var program: Bytes
    var pid: Int?
    var message: Bytes

    /// Reads the classic form of RFC 3164 (`Feb  2 14:10:21`, with or without decimals or a year), the ISO form of rsyslog and journald, and RFC
    /// 5424; each with or without a leading `<PRI>`. Nil where the line is none of these.
    static func parse(_ line: Bytes, clock: inout LogClock) -> Form? {
        var rest = line
        if rest.consume("<") {
            guard rest.takeNumber(limit: 3) != nil, rest.consume(">") else { return nil }
        }
        if let month = rest.takeMonth() { return classic(&rest, month: month, clock: &clock) }
        let isRFC5424 = rest.consume("1 ")
        if isRFC5424, rest.consume("- ") { return .malformed(reason: "the line carries no time") }
        guard rest.count >= 19, rest.prefix(4).decimal != nil, rest[rest.startIndex + 4] == UInt8(ascii: "-") else { return nil }
        let start = rest
        guard let time = isoTime(&rest, clock: &clock) else {
            return .malformed(reason: "no such date or time: \(start.prefix(32).text)")
        }
        return isRFC5424 ? structured(&rest, time: time) : tagged(&rest, time: time, mayLackTag: false)
    }

    private static func classic(_ rest: inout Bytes, month: Int, clock: inout LogClock) -> Form? {
        var fields = LogClock.Fields(month: month)
        let start = rest
        guard rest.consume(" ") else { return nil }
        rest.skipSpaces()
        guard let day = rest.takeNumber(limit: 2), rest.consume(" ") else { return nil }
        fields.day = day
        rest.skipSpaces()
        if rest.count > 5, rest[rest.startIndex + 4] == UInt8(ascii: " "), let year = rest.prefix(4).decimal {
            fields.year = year
            rest = rest.dropFirst(5)
        }
        guard rest.takeTime(into: &fields), rest.consume(" ") else { return nil }
        guard let time = clock.moment(fields) else {
            return .malformed(reason: "no such date or time: month \(month),\(start[..<rest.startIndex].text)")
        }
        return tagged(&rest, time: time, mayLackTag: true)
    }

    /// RFC 3339, or the same without an offset: then in the log's zone.
    private static func isoTime(_ rest: inout Bytes, clock: inout LogClock) -> Timestamp? {
        var fields = LogClock.Fields()
        let start = rest
        fields.year = rest.takeNumber(limit: 4)
        guard rest.consume("-"), let month = rest.takeNumber(limit: 2), rest.consume("-"), let day = rest.takeNumber(limit: 2),
            rest.consume("T") || rest.consume(" ") || rest.consume("t"), rest.takeTime(into: &fields)
        else { return nil }
        (fields.month, fields.day) = (month, day)
        if rest.consume(" ") || rest.isEmpty { return clock.moment(fields) }
        let end = rest.firstIndex(of: UInt8(ascii: " ")) ?? rest.endIndex
        defer { rest = end < rest.endIndex ? rest[(end + 1)...] : rest.suffix(0) }
        return Timestamp(rfc3339: start[..<end])
    }

    /// RFC 5424 §6: `HOST APP PROCID MSGID STRUCTURED-DATA MSG`.
    private static func structured(_ rest: inout Bytes, time: Timestamp) -> Form {
        let host = rest.takeField()
        let program = rest.takeField()
        let pid = rest.takeField().decimal
        _ = rest.takeField()
        if rest.consume("-") {
            _ = rest.consume(" ")
        } else {
            while rest.first == UInt8(ascii: "[") {
                guard skipElement(&rest) else { return .malformed(reason: "the structured data does not end") }
            }
            _ = rest.consume(" ")
        }
        _ = rest.consume("\u{FEFF}")
        return .line(SyslogLine(time: time, host: host, program: base(program), pid: pid, message: rest))
    }

    /// Takes one `[id name="value" …]`; within quotes `\` escapes.
    private static func skipElement(_ rest: inout Bytes) -> Bool {
        var position = rest.startIndex
        var isQuoted = false
        while position < rest.endIndex {
            switch rest[position] {
            case UInt8(ascii: "\\") where isQuoted: position += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "]") where !isQuoted:
                rest = rest[(position + 1)...]
                return true
            default: break
            }
            position += 1
        }
        return false
    }

    /// `HOST PROGRAM[PID]: MSG`; the host may be missing, and a facility (`auth.info`) may stand before the program.
    ///
    /// - Parameter mayLackTag: whether a line without a program is one of syslog nevertheless: a date of the ISO form alone does not make one.
    private static func tagged(_ rest: inout Bytes, time: Timestamp, mayLackTag: Bool) -> Form? {
        rest.skipSpaces()
        if rest.first == UInt8(ascii: "<"), let end = rest.prefix(32).firstIndex(of: UInt8(ascii: ">")) {
            rest = rest[(end + 1)...]
            rest.skipSpaces()
        }
        let start = rest
        var host = rest.suffix(0)
        for position in 0..<4 {
            let field = rest.takeField()
            if field.isEmpty, rest.isEmpty { break }
            if let tag = Tag(field) {
                rest.skipSpaces()
                return .line(SyslogLine(time: time, host: host, program: base(tag.program), pid: tag.pid, message: rest))
            }
            if position == 0 { host = field }
        }
        var tail = start.dropFirst(host.count)
        if tail.consume(" last message repeated ") || tail.consume(" last message buffered "), let count = tail.takeNumber() {
            return .lastRepeated(count: count, time: time, host: host)
        }
        guard mayLackTag else { return nil }
        return .line(SyslogLine(time: time, host: host, program: rest.suffix(0), pid: nil, message: start.dropFirst(host.count).trimmed))
    }

    /// The program's name without its folder: `/usr/sbin/sshd` is `sshd`.
    private static func base(_ program: Bytes) -> Bytes {
        guard program.first == UInt8(ascii: "/"), let slash = program.lastIndex(of: UInt8(ascii: "/")) else { return program }
        return program[(slash + 1)...]
    }

    /// `sshd[123]:`, `sshd:`, `[sshd]:`, `[sshd]`, `sshd(pam_unix)[123]:`.
    private struct Tag {
        var program: Bytes
        var pid: Int?

        init?(_ field: Bytes) {
            var field = field
            let hasColon = field.consumeSuffix(":")
            if field.first == UInt8(ascii: "["), field.last == UInt8(ascii: "]") {
                program = field.dropFirst().dropLast()
                guard program.starts(with: "sshd") else { return nil }
                return
            }
            if field.last == UInt8(ascii: "]"), let open = field.lastIndex(of: UInt8(ascii: "[")),
                let pid = field[(open + 1)...].dropLast().decimal
            {
                (program, self.pid) = (field[..<open], pid)
            } else {
                guard hasColon, !field.isEmpty else { return nil }
                program = field
            }
        }
    }
}
