import AuditEvents

/// PostgreSQL's log: `stderr` lines with whatever `log_line_prefix`, `csvlog`, `jsonlog`, or syslog.
///
/// The prefix is the administrator's choice, but the names in it (`%u`, `%d`, `%a`) are the client's; so an address counts only when it is the
/// only one there. Where the prefix has none, `connection received` of the same process tells.
struct PostgreSQLFormat: LineFormat, FieldFormat {
    /// The clients of processes, from `connection received`.
    private var clients = RecentMap<Int, String>(capacity: 4096)
    private var hasLines = false

    func isKin(_ fields: Fields) -> Bool { fields["error_severity"] != nil && fields["message"] != nil }

    mutating func read(_ fields: Fields, clock: inout LogClock) -> LogLine? {
        guard fields["error_severity"] != nil, fields["message"] != nil, fields["timestamp"] != nil else { return nil }
        return event(fields, clock: &clock)
    }

    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        if hasLines, line.first == UInt8(ascii: "\t") { return .skipped(reason: "a continuation of the line before") }
        guard let time = Self.leadingTime(line) else { return nil }
        var rest = line[time.upperBound...]
        if rest.consume(",") { return parseCSV(line, clock: &clock) }
        return parse(prefix: rest, time: .string(line[time].text), clock: &clock)
    }

    mutating func parse(message line: SyslogLine, clock: inout LogClock) -> LogLine? {
        var rest = line.message
        // `[3-1] `, the number of the message and of its part.
        if rest.consume("["), let end = rest.prefix(16).firstRange(of: "] ") { rest = rest[end.upperBound...] } else { rest = line.message }
        let time = line.time.description
        return parse(prefix: [UInt8(ascii: " ")] + rest, pid: line.pid, time: .string(time), clock: &clock)
            ?? .skipped(reason: "a line without security relevance")
    }

    /// `2021-09-28 09:22:18.536 UTC`, perhaps behind `<` or `[`: what of the line is its time.
    private static func leadingTime(_ line: Bytes) -> Range<Int>? {
        var rest = line
        while let first = rest.first, first == UInt8(ascii: "<") || first == UInt8(ascii: "[") || first == UInt8(ascii: " ") {
            rest.removeFirst()
        }
        let start = rest.startIndex
        var fields = LogClock.Fields()
        guard rest.count > 24, rest.prefix(4).decimal != nil, rest[start + 4] == UInt8(ascii: "-") else { return nil }
        rest = rest.dropFirst(5)
        guard rest.takeNumber(limit: 2) != nil, rest.consume("-"), rest.takeNumber(limit: 2) != nil, rest.consume(" "),
            rest.takeTime(into: &fields), rest.consume(" ")
        else { return nil }
        let zone = rest.prefix(6).prefix { (65...90).contains($0) || $0 == 43 || $0 == 45 || (48...57).contains($0) }
        guard !zone.isEmpty else { return nil }
        return start..<zone.endIndex
    }

    private static let severities: [StaticString] = ["FATAL:  ", "LOG:  ", "ERROR:  ", "PANIC:  ", "WARNING:  ", "NOTICE:  ", "INFO:  "]
    private static let additions: [StaticString] = [
        "DETAIL:  ", "HINT:  ", "STATEMENT:  ", "CONTEXT:  ", "QUERY:  ", "LOCATION:  ", "DEBUG:  ",
    ]

    private mutating func parse(prefix line: Bytes, pid: Int? = nil, time: JSONValue, clock: inout LogClock) -> LogLine? {
        // The first severity is the server's own unless a name in the prefix forges one, which then is the only thing it forges.
        let marks = Self.severities.compactMap { line.firstRange(of: $0) }
        guard let mark = marks.min(by: { $0.lowerBound < $1.lowerBound }) else {
            guard Self.additions.contains(where: { line.contains($0) }) else { return nil }
            hasLines = true
            return .skipped(reason: "a further line of the message before")
        }
        hasLines = true
        if let addition = Self.additions.compactMap({ line.firstRange(of: $0)?.lowerBound }).min(), addition < mark.lowerBound {
            return .skipped(reason: "a further line of the message before")
        }
        let message = line[mark.upperBound...]
        var fields = Fields(object: ["timestamp": time])
        fields.object["error_severity"] = .string(line[mark.lowerBound..<mark.upperBound].dropLast(3).text)
        fields.object["message"] = .string(message.text)
        let prefix = Self.prefix(line[..<mark.lowerBound], user: Self.quoted(message, after: "for user \""))
        if let process = pid ?? prefix.process { fields.object["pid"] = .int(Int64(process)) }
        if let address = prefix.address { fields.object["remote_host"] = .string(address) }
        return event(fields, clock: &clock)
    }

    private static func quoted(_ message: Bytes, after start: StaticString) -> Bytes? {
        guard let range = message.firstRange(of: start), let end = message.lastIndex(of: UInt8(ascii: "\"")), end > range.upperBound else {
            return nil
        }
        return message[range.upperBound..<end]
    }

    /// The address and the process of a prefix. Names that the client chose are taken out first, as far as the message tells them.
    private static func prefix(_ bytes: Bytes, user: Bytes?) -> (address: String?, process: Int?) {
        var bytes = bytes
        if let user, user.count > 2, let found = Array(bytes).firstRange(of: Array(user)) {
            bytes = (Array(bytes)[..<found.lowerBound] + [UInt8(ascii: " ")] + Array(bytes)[found.upperBound...])[...]
        }
        var addresses: Set<String> = []
        var process: Int?
        let isSeparator: (UInt8) -> Bool = { $0 == 32 || $0 == 44 || $0 == 40 || $0 == 41 || $0 == 64 || $0 == 61 || $0 == 60 || $0 == 62 }
        for word in bytes.split(whereSeparator: isSeparator) {
            if let ip = ClientAddress(word)?.ip {
                addresses.insert(ip)
                continue
            }
            // `UTC:192.0.2.1(5432):user@db:[127]:`
            for part in word.split(separator: UInt8(ascii: ":")) {
                if let ip = ClientAddress(part)?.ip { addresses.insert(ip) }
                if part.first == UInt8(ascii: "["), part.last == UInt8(ascii: "]"), let id = part.dropFirst().dropLast().decimal {
                    process = process ?? id
                }
            }
        }
        return (addresses.count == 1 ? addresses.first : nil, process)
    }

    /// The columns of `csvlog` that say something here.
    private static let columns: [Int: String] = [
        0: "timestamp", 1: "user", 2: "dbname", 3: "pid", 4: "remote_host", 11: "error_severity", 12: "state_code", 13: "message",
        14: "detail",
    ]

    private mutating func parseCSV(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        var fields = Fields(object: JSONObject())
        var rest = line
        var column = 0
        while column < 15 {
            var value: [UInt8] = []
            if rest.consume("\"") {
                while true {
                    guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else {
                        // Cut, or a message of several lines: what is here of a message is what says what it is.
                        value.append(contentsOf: rest)
                        rest = rest.suffix(0)
                        fields.isTruncated = true
                        break
                    }
                    value.append(contentsOf: rest[..<end])
                    rest = rest[(end + 1)...]
                    guard rest.consume("\"") else { break }
                    value.append(UInt8(ascii: "\""))
                }
                _ = rest.consume(",")
            } else {
                value = Array(rest.takeField(upTo: UInt8(ascii: ",")))
            }
            if let name = Self.columns[column] {
                let text = value[...].text
                fields.object[name] = name == "pid" ? .int(Int64(value[...].decimal ?? 0)) : .string(text)
            }
            column += 1
            if rest.isEmpty { break }
        }
        guard column > 13 || fields.isTruncated, fields["message"] != nil else {
            return column > 4 ? .rejected(reason: "the line ends before its message") : nil
        }
        if let severity = fields.text("error_severity"), !severity.utf8.allSatisfy({ (65...90).contains($0) || (48...57).contains($0) }) {
            return nil
        }
        hasLines = true
        return event(fields, clock: &clock)
    }

    private mutating func event(_ fields: Fields, clock: inout LogClock) -> LogLine {
        var fields = fields
        let process = fields["pid"]?.int.flatMap { Int(exactly: $0) }
        guard let message = fields.text("message").map({ Array($0.utf8)[...] }) else {
            return .skipped(reason: "a line without security relevance")
        }
        if message.starts(with: "connection received: host=") {
            let host = message.dropFirst(26).prefix { $0 != UInt8(ascii: " ") }
            if let process, let ip = ClientAddress(host)?.ip { clients[process] = ip }
            return .skipped(reason: "a connection that has not logged in yet")
        }
        if fields.text("remote_host") == nil, let process, let ip = clients[process] { fields.object["remote_host"] = .string(ip) }
        if message.starts(with: "no pg_hba.conf entry for") || message.starts(with: "pg_hba.conf rejects connection for"),
            let start = message.firstRange(of: "host \"")
        {
            // The host is the server's own word and comes first.
            let host = message[start.upperBound...].prefix { $0 != UInt8(ascii: "\"") }
            if ClientAddress(host)?.ip != nil { fields.object["remote_host"] = .string(host.text) }
        }
        if message.starts(with: "disconnection: "), let process { clients[process] = nil }
        return FieldTable.postgreSQL.read(fields, clock: &clock) ?? .skipped(reason: "a line without security relevance")
    }
}

extension FieldTable {
    /// What PostgreSQL's messages mean; the columns are named as in `jsonlog`.
    static let postgreSQL = FieldTable(
        service: "postgresql", marks: [.has("message"), .has("error_severity")], time: ["timestamp"], actor: ["user"],
        client: ["remote_host"], port: ["remote_port"], target: ["dbname"],
        details: [("sqlstate", "state_code"), ("application", "application_name")],
        rules: [
            FieldRule(
                [.equals("error_severity", "FATAL"), .starts("message", "password authentication failed for user \"")], .loginFailure,
                reason: .found(["detail"], [("does not exist", "unknown_account")], otherwise: "bad_password"), actor: forUser),
            FieldRule(
                [.equals("error_severity", "FATAL"), .contains("message", " authentication failed for user \"")], .loginFailure,
                reason: .code("bad_credentials"), actor: forUser),
            FieldRule(
                [.equals("error_severity", "FATAL"), .starts("message", "role \""), .contains("message", "does not exist")], .loginFailure,
                reason: .code("unknown_account"), actor: [.init(path: "message", after: "role \"", before: "\"")]),
            FieldRule(
                [.equals("error_severity", "FATAL"), .starts("message", "role \""), .contains("message", "is not permitted to log in")],
                .loginFailure, reason: .code("not_allowed"), actor: [.init(path: "message", after: "role \"", before: "\"")]),
            FieldRule(
                [.equals("error_severity", "FATAL"), .starts("message", "no pg_hba.conf entry for")], .authorizationFailure,
                reason: .code("no_pg_hba_entry"), actor: hbaUser),
            FieldRule(
                [.equals("error_severity", "FATAL"), .starts("message", "pg_hba.conf rejects")], .authorizationFailure,
                reason: .code("pg_hba_rejects"), actor: hbaUser),
            FieldRule(
                [
                    .equals("error_severity", "FATAL"),
                    .starts("message", "sorry, too many clients", "too many connections for", "remaining connection slots"),
                ], .event(.rateLimitExceeded, .denied, .low), reason: .code("too_many_connections")),
            FieldRule(
                [
                    .equals("error_severity", "ERROR", "FATAL"),
                    .starts("message", "permission denied for", "must be owner of", "must be superuser", "permission denied to"),
                ], .authorizationFailure, reason: .code("permission_denied")),
            FieldRule(
                [.equals("error_severity", "LOG"), .starts("message", "connection authorized: user=")], .loginSuccess,
                actor: [.init(path: "message", after: "user=", before: " database="), .init(path: "message", after: "user=", before: "")]),
            FieldRule(
                [.equals("error_severity", "LOG"), .starts("message", "replication connection authorized: user=")], .loginSuccess,
                actor: [
                    .init(path: "message", after: "user=", before: " application_name="),
                    .init(path: "message", after: "user=", before: ""),
                ]),
        ])

    private static let forUser: [FieldRule.Part] = [.init(path: "message", after: "for user \"", before: "\"")]
    private static let hbaUser: [FieldRule.Part] = [
        .init(path: "message", after: "user \"", before: "\", database "), .init(path: "message", after: "user \"", before: "\","),
    ]
}
