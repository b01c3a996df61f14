import AuditEvents

/// Apache's error log, of 2.2 and of 2.4, or in a syslog:
///
///     [Wed Jul 17 23:14:37 2013] [error] [client 192.0.2.1] user x not found: /basic/file
///     [Sat Jul 20 21:39:11.978080 2013] [auth_basic:error] [pid 17512:tid 140123] [client 192.0.2.1:51390] AH01617: user x: authentication failure …
///
/// the client is in the server's own brackets before the message; a message, which may hold names and paths of the client's, is taken from its
/// beginning and must end as the server ends it.
struct ApacheErrorFormat: LineFormat {
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        guard line.first == UInt8(ascii: "["), line.count > 26 else { return nil }
        var rest = line.dropFirst()
        var fields = LogClock.Fields()
        guard Self.days.contains(where: { rest.consume($0) }), let month = rest.takeMonth(), rest.consume(" ") else { return nil }
        rest.skipSpaces()
        guard let day = rest.takeNumber(limit: 2), rest.consume(" "), rest.takeTime(into: &fields), rest.consume(" "),
            let year = rest.takeNumber(limit: 4), rest.consume("]")
        else { return nil }
        (fields.year, fields.month, fields.day) = (year, month, day)
        guard let time = clock.moment(fields) else { return .rejected(reason: "no such date or time: \(line.prefix(34).text)") }
        return message(rest, at: time)
    }

    mutating func parse(message line: SyslogLine, clock: inout LogClock) -> LogLine? {
        guard line.message.first == UInt8(ascii: "[") else { return nil }
        return parse(line.message, clock: &clock) ?? message(line.message, at: line.time)
    }

    private static let days: [StaticString] = ["Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "]

    private func message(_ bytes: Bytes, at time: Timestamp) -> LogLine {
        var rest = bytes
        var client: Bytes?
        // `[module:level]`, `[pid N:tid N]`, `[client …]`, in the server's order: what follows the client is the message.
        while client == nil {
            rest.skipSpaces()
            guard rest.first == UInt8(ascii: "[") else { break }
            if rest.starts(with: "[client ") {
                rest = rest.dropFirst(8)
                guard let end = Self.endOfClient(rest) else { return .rejected(reason: "the line ends within its client") }
                client = rest[..<end]
                rest = rest[(end + 1)...]
            } else {
                guard let end = rest.prefix(128).firstIndex(of: UInt8(ascii: "]")) else { break }
                rest = rest[(end + 1)...]
            }
        }
        guard let client else { return .skipped(reason: "a line about no client") }
        rest.skipSpaces()
        if rest.starts(with: "AH"), let colon = rest.prefix(12).firstRange(of: ": ") { rest = rest[colon.upperBound...] }
        var text = rest
        // What the client says it came from ends the line.
        var referer: Bytes?
        if let start = text.lastRange(of: ", referer: ") {
            referer = text[start.upperBound...]
            text = text[..<start.lowerBound]
        }
        guard var record = Self.record(text.trimmed, at: time) else { return .skipped(reason: "a line without security relevance") }
        record.body.service = "apache"
        if let address = ClientAddress(endpoint: client) {
            record.body.setClient(address)
        } else if !client.isEmpty {
            record.body.details["client"] = .string(client.prefix(256).text)
        }
        if let referer { record.body.details["referer"] = .string(referer.text) }
        return .record(record)
    }

    /// Where the client's bracket closes: behind an IPv6 address's own.
    private static func endOfClient(_ rest: Bytes) -> Int? {
        if rest.first == UInt8(ascii: "["), let inner = rest.prefix(64).firstIndex(of: UInt8(ascii: "]")) {
            return rest[(inner + 1)...].prefix(16).firstIndex(of: UInt8(ascii: "]"))
        }
        return rest.prefix(300).firstIndex(of: UInt8(ascii: "]"))
    }

    /// What a message means, nil where it means nothing for security.
    private static func record(_ message: Bytes, at time: Timestamp) -> LogRecord? {
        var text = message
        _ = text.consume("Digest: ")
        func failure(_ reason: String, user: Bytes? = nil, path: Bytes? = nil) -> LogRecord {
            var record = LogRecord(time: time, type: .loginFailure, outcome: .failure, reason: reason, severity: .low)
            enter(&record, user, path)
            return record
        }
        func denial(_ reason: String, user: Bytes? = nil, path: Bytes? = nil) -> LogRecord {
            var record = LogRecord(time: time, type: .authorizationFailure, outcome: .denied, reason: reason, severity: .low)
            enter(&record, user, path)
            return record
        }
        if text.consume("client denied by server configuration: ") {
            _ = text.consume("uri ")
            return denial("access_rule", path: text)
        }
        if text.consume("user `") {
            guard let realm = text.firstRange(of: "' in realm `") else { return nil }
            let user = text[..<realm.lowerBound]
            if let end = text.lastRange(of: "' not found") {
                return failure("unknown_account", user: user, path: path(text[end.upperBound...]))
            }
            if let end = text.lastRange(of: "' denied by provider") {
                return failure("not_allowed", user: user, path: path(text[end.upperBound...]))
            }
            return nil
        }
        if text.consume("user ") { return user(text, failure, denial) }
        if text.consume("client used wrong authentication scheme") { return failure("wrong_scheme", path: path(text)) }
        if text.consume("Authorization of user ") {
            guard let to = text.firstRange(of: " to access "), let reason = text.lastRange(of: " failed, reason:"),
                reason.lowerBound >= to.upperBound
            else { return nil }
            return denial("not_allowed", user: text[..<to.lowerBound], path: text[to.upperBound..<reason.lowerBound])
        }
        if text.starts(with: "access to "), let failed = text.firstRange(of: " failed, reason: ") {
            return denial("not_allowed", path: text[..<failed.lowerBound].dropFirst(10))
        }
        if text.starts(with: "invalid nonce "), text.contains(" received - ") { return failure("invalid_nonce") }
        if text.starts(with: "realm mismatch - got `") { return failure("realm_mismatch") }
        if text.starts(with: "unknown algorithm `") || text.starts(with: "invalid qop `") { return failure("bad_request") }
        if text.starts(with: "need AuthName: ") { return nil }
        return nil
    }

    /// Messages that begin with `user NAME`: the name may hold anything, so that what the server adds is looked for from the end.
    private static func user(
        _ text: Bytes, _ failure: (String, Bytes?, Bytes?) -> LogRecord, _ denial: (String, Bytes?, Bytes?) -> LogRecord
    ) -> LogRecord? {
        if let range = text.lastRange(of: ": authentication failure for \""), text.ends(with: "\": Password Mismatch") {
            return failure("bad_password", text[..<range.lowerBound], text[range.upperBound...].dropLast(20))
        }
        if let range = text.lastRange(of: ": authorization failure for \"") {
            return denial("not_allowed", text[..<range.lowerBound], text[range.upperBound...].prefix { $0 != UInt8(ascii: "\"") })
        }
        if let range = text.lastRange(of: ": authorization failure") {
            return denial("not_allowed", text[..<range.lowerBound], path(text[range.upperBound...]))
        }
        if let range = text.lastRange(of: ": password mismatch: ") {
            return failure("bad_password", text[..<range.lowerBound], text[range.upperBound...])
        }
        if let range = text.lastRange(of: ": nonce expired (") { return failure("nonce_expired", text[..<range.lowerBound], nil) }
        if let range = text.lastRange(of: ": one-time-nonce mismatch") { return failure("invalid_nonce", text[..<range.lowerBound], nil) }
        if let range = text.lastRange(of: " not found: ") {
            return failure("unknown_account", text[..<range.lowerBound], text[range.upperBound...])
        }
        if text.ends(with: " not found") { return failure("unknown_account", text.dropLast(10), nil) }
        return nil
    }

    private static func path(_ rest: Bytes) -> Bytes? {
        var rest = rest
        guard rest.consume(": ") || rest.consume(" received: ") else { return nil }
        return rest
    }

    private static func enter(_ record: inout LogRecord, _ user: Bytes?, _ path: Bytes?) {
        if let user, !user.trimmed.isEmpty {
            record.body.actor = .init(name: user.unescaped.text)
            record.actorKind = .user
        }
        if let path, !path.isEmpty { record.body.path = path.unescaped.text }
    }
}
