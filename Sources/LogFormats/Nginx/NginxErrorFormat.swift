import AuditEvents

/// nginx's error log:
///
///     2021/09/30 09:23:53 [error] 1925800#1925800: *17 message, client: 127.0.0.1, server: _, request: "GET / HTTP/1.1", host: "localhost"
///
/// nothing in it is escaped. The first `, client: ` is nginx's own all the same: before it stand its own words, names of its configuration, and
/// a user name, which cannot hold a colon (RFC 7617 §2). The request, the host and the referrer come after it.
struct NginxErrorFormat: LineFormat {
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        var rest = line
        var fields = LogClock.Fields()
        guard let year = rest.takeNumber(limit: 4), rest.consume("/"), let month = rest.takeNumber(limit: 2), rest.consume("/"),
            let day = rest.takeNumber(limit: 2), rest.consume(" "), rest.takeTime(into: &fields), rest.consume(" ["),
            let levelEnd = rest.prefix(16).firstIndex(of: UInt8(ascii: "]")), rest[..<levelEnd].allSatisfy({ (97...122).contains($0) })
        else { return nil }
        (fields.year, fields.month, fields.day) = (year, month, day)
        guard let time = clock.moment(fields) else { return .rejected(reason: "no such date or time: \(line.prefix(19).text)") }
        rest = rest[(levelEnd + 1)...]
        rest.skipSpaces()
        // `pid#tid: ` and, within a connection, `*number `.
        if let colon = rest.firstRange(of: ": ") { rest = rest[colon.upperBound...] }
        if rest.first == UInt8(ascii: "*") { _ = rest.takeField() }
        return message(rest, at: time)
    }

    private func message(_ rest: Bytes, at time: Timestamp) -> LogLine {
        let end = rest.firstRange(of: ", client: ")
        let text = rest[..<(end?.lowerBound ?? rest.endIndex)]
        guard var record = Self.record(text, at: time) else { return .skipped(reason: "nginx error without security relevance") }
        guard let end else { return .rejected(reason: "the line ends before its client") }
        record.body.service = "nginx"
        NginxContext(rest[end.upperBound...]).enter(into: &record)
        return .record(record)
    }

    /// What a message means, nil where it means nothing for security.
    private static func record(_ text: Bytes, at time: Timestamp) -> LogRecord? {
        var rest = text
        if rest.consume("user \"") {
            let (end, reason): (Range<Int>?, String) =
                if let found = rest.lastRange(of: "\" was not found in \"") {
                    (found, "unknown_account")
                } else {
                    (rest.lastRange(of: "\": password mismatch"), "bad_password")
                }
            guard let end else { return nil }
            var record = loginFailure(at: time, reason: reason)
            record.body.actor = .init(name: rest[..<end.lowerBound].text)
            record.actorKind = .user
            return record
        }
        if rest.starts(with: "no user/password was provided for basic authentication") {
            return loginFailure(at: time, reason: "missing_credentials")
        }
        if rest.starts(with: "access forbidden by rule") {
            return LogRecord(time: time, type: .authorizationFailure, outcome: .denied, reason: "access_rule", severity: .low)
        }
        return limit(rest, at: time)
    }

    private static func loginFailure(at time: Timestamp, reason: String) -> LogRecord {
        LogRecord(time: time, type: .loginFailure, outcome: .failure, reason: reason, severity: .low)
    }

    /// `limiting requests, excess: 0.850 by zone "one"`, `delaying request, …, by zone "one"`, `limiting connections by zone "addr"`; each may
    /// say `dry run`.
    private static func limit(_ text: Bytes, at time: Timestamp) -> LogRecord? {
        let isDelay = text.starts(with: "delaying request")
        guard isDelay || text.starts(with: "limiting requests") || text.starts(with: "limiting connections"),
            let start = text.firstRange(of: "by zone \"")
        else { return nil }
        var zone = text[start.upperBound...]
        let policy = zone.takeField(upTo: UInt8(ascii: "\"")).text
        let isDryRun = text[..<start.lowerBound].contains("dry run")
        var record = LogRecord(
            time: time, type: .rateLimitExceeded, outcome: isDelay || isDryRun ? .success : .denied, reason: policy,
            severity: isDelay || isDryRun ? .informational : .low)
        record.body.details["policy"] = .string(policy)
        record.body.details["action"] = isDelay ? "delayed" : "refused"
        if isDryRun { record.body.details["dry_run"] = true }
        if let excess = text.firstRange(of: "excess: ") {
            var value = text[excess.upperBound...]
            let number = value.takeField().prefix { $0 != UInt8(ascii: ",") }
            if let excess = Double(number.text) { record.body.details["excess"] = .double(excess) }
        }
        return record
    }
}

/// What nginx appends to a message: client, server, request, upstream, host, referrer.
private struct NginxContext {
    private var client: Bytes
    private var request: Bytes?
    private var host: Bytes?
    private var referrer: Bytes?

    /// - Parameter bytes: what follows `, client: `.
    init(_ bytes: Bytes) {
        client = bytes
        if let end = bytes.firstRange(of: ", ") { client = bytes[..<end.lowerBound] }
        var rest = bytes[client.endIndex...]
        guard let start = rest.firstRange(of: ", request: \"") else { return }
        rest = rest[start.upperBound...]
        let ends = [
            rest.firstRange(of: "\", subrequest: \""), rest.firstRange(of: "\", upstream: \""), rest.firstRange(of: "\", host: \""),
            rest.firstRange(of: "\", referrer: \""),
        ].compactMap { $0?.lowerBound }
        if let end = ends.min() {
            request = rest[..<end]
            rest = rest[end...]
            host = Self.quoted(", host: \"", in: rest)
            referrer = Self.quoted(", referrer: \"", in: rest)
        } else {
            if rest.last == UInt8(ascii: "\"") { rest.removeLast() }
            request = rest
        }
    }

    private static func quoted(_ key: StaticString, in bytes: Bytes) -> Bytes? {
        guard let start = bytes.firstRange(of: key) else { return nil }
        var rest = bytes[start.upperBound...]
        return rest.takeField(upTo: UInt8(ascii: "\""))
    }

    func enter(into record: inout LogRecord) {
        if client.starts(with: "unix:") {
            record.body.details["client"] = .string(client.text)
        } else if let address = ClientAddress(client) {
            record.body.setClient(address)
        } else if !client.isEmpty {
            record.body.details["client"] = .string(client.prefix(256).text)
        }
        // The error log escapes nothing, so a backslash in a request is the client's own.
        if let request { AccessRequest(verbatim: request).enter(into: &record) }
        if let host { record.body.target = host.text }
        if let referrer { record.body.details["referer"] = .string(referrer.text) }
    }
}
