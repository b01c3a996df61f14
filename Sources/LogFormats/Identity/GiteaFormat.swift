import AuditEvents

/// Gitea's and Forgejo's log:
///
///     2022/03/01 12:57:58 routers/web/auth/auth.go:200:SignInPost() [I] Failed authentication attempt for NAME from 192.0.2.1:39522: …
///
/// the name is the client's and may hold anything, ` from 192.0.2.9:1: ` too; see `client(_:)`.
struct GiteaFormat: LineFormat {
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        guard line.count > 20, line[line.startIndex + 4] == UInt8(ascii: "/") else { return nil }
        var rest = line
        var fields = LogClock.Fields()
        guard let year = rest.takeNumber(limit: 4), rest.consume("/"), let month = rest.takeNumber(limit: 2), rest.consume("/"),
            let day = rest.takeNumber(limit: 2), rest.consume(" "), rest.takeTime(into: &fields), rest.consume(" "),
            let level = Self.level(rest)
        else { return nil }
        (fields.year, fields.month, fields.day) = (year, month, day)
        guard let time = clock.moment(fields) else { return .rejected(reason: "no such date or time: \(line.prefix(19).text)") }
        return message(rest[level...], at: time)
    }

    mutating func parse(message line: SyslogLine, clock: inout LogClock) -> LogLine? {
        if let result = parse(line.message, clock: &clock) { return result }
        let start = Self.level(line.message) ?? line.message.startIndex
        return message(line.message[start...], at: line.time)
    }

    /// Where the message begins: behind `[I] ` and, if there is one, the request's `[64f1a2b3] `. The level is among the first words.
    private static func level(_ bytes: Bytes) -> Int? {
        var position = bytes.startIndex
        for _ in 0..<4 {
            var rest = bytes[position...]
            if rest.count > 3, rest.first == UInt8(ascii: "["), rest[rest.startIndex + 2] == UInt8(ascii: "]"),
                (65...90).contains(rest[rest.startIndex + 1])
            {
                rest = rest.dropFirst(3).trimmed
                if rest.first == UInt8(ascii: "["), let end = rest.prefix(32).firstRange(of: "] ") { return end.upperBound }
                return rest.startIndex
            }
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")) else { return nil }
            position = space + 1
        }
        return nil
    }

    private func message(_ message: Bytes, at time: Timestamp) -> LogLine {
        var rest = message
        var record = LogRecord(time: time, type: .loginFailure, outcome: .failure, reason: "bad_credentials", severity: .low)
        record.body.service = "gitea"
        if rest.consume("Failed authentication attempt for ") {
            guard let (name, client, error) = Self.client(rest) else {
                record.body.details["ambiguous"] = true
                return .record(record)
            }
            record.body.actor = .init(name: name.text)
            record.actorKind = .user
            record.body.setClient(client)
            record.reason =
                error.starts(with: "user does not exist")
                ? "unknown_account"
                : error.contains("prohibit") ? "not_allowed" : "bad_password"
            return .record(record)
        }
        for (start, reason) in Self.others where rest.firstRange(of: start)?.lowerBound == rest.startIndex {
            rest = rest.dropFirst(start.utf8CodeUnitCount)
            let address = rest.prefix { $0 != UInt8(ascii: " ") }
            record.body.setClient(ClientAddress(endpoint: address.last == UInt8(ascii: ":") ? address.dropLast() : address))
            record.reason = reason
            return .record(record)
        }
        return .skipped(reason: "a line without security relevance")
    }

    private static let others: [(StaticString, String)] = [
        ("Failed authentication attempt from ", "bad_credentials"), ("invalid credentials from ", "bad_credentials"),
        ("Invalid credentials from ", "bad_credentials"), ("Attempted access of unknown user from ", "unknown_account"),
    ]

    /// Splits `NAME from ADDRESS: ERROR`. Where the text could be split in several places, the name shows which is right: Gitea repeats it in
    /// the error of an account that does not exist (`[uid: 0, name: NAME, keyid: 0]`), and one that exists holds no space. Otherwise nobody
    /// knows, and no address is better than a forged one.
    private static func client(_ bytes: Bytes) -> (name: Bytes, client: ClientAddress, error: Bytes)? {
        var found: [(name: Bytes, client: ClientAddress, error: Bytes)] = []
        var position = bytes.startIndex
        while let from = bytes[position...].firstRange(of: " from "), found.count < 16 {
            position = from.lowerBound + 1
            var rest = bytes[from.upperBound...]
            var address = rest.takeField()
            if address.last == UInt8(ascii: ":") { address = address.dropLast() } else if !rest.isEmpty { continue }
            guard let client = ClientAddress(endpoint: address), client.ip != nil else { continue }
            found.append((bytes[..<from.lowerBound], client, rest))
        }
        if found.count == 1 { return found[0] }
        let repeated = found.filter { candidate in
            guard let name = candidate.error.firstRange(of: "[uid: 0, name: ") else { return false }
            var rest = candidate.error[name.upperBound...]
            return rest.consumeSuffix(", keyid: 0]") && rest.elementsEqual(candidate.name)
        }
        if let known = repeated.last, repeated.count == 1 { return known }
        guard repeated.isEmpty, let first = found.first, !first.name.contains(UInt8(ascii: " ")) else { return nil }
        return first
    }
}
