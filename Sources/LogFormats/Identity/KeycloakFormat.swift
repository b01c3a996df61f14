import AuditEvents

/// Keycloak's event log:
///
///     2024-05-06 20:40:16,353 WARN  [org.keycloak.events] (executor-thread-1) type=LOGIN_ERROR, realmId=…, clientId=…, userId=null, ipAddress=…
///
/// with or without quotes around the values, or in the `message` of a JSON line.
struct KeycloakFormat: LineFormat, FieldFormat {
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        guard let first = line.first, (48...57).contains(first), line.count > 19, line[line.startIndex + 4] == UInt8(ascii: "-"),
            let category = line.prefix(256).firstRange(of: " [org.key")
        else { return nil }
        // The thread's name follows in parentheses; before the category stand time and level.
        let time = line[..<category.lowerBound].prefix { !(65...90).contains($0) || $0 == UInt8(ascii: "T") || $0 == UInt8(ascii: "Z") }
            .trimmed
        guard let end = line[category.upperBound...].firstRange(of: "] (") else {
            return .skipped(reason: "a line without security relevance")
        }
        guard line[category.upperBound..<end.lowerBound].ends(with: ".events") else {
            return .skipped(reason: "a line without security relevance")
        }
        var rest = line[end.upperBound...]
        guard let close = rest.firstRange(of: ") ") else { return .skipped(reason: "a line without security relevance") }
        rest = rest[close.upperBound...]
        return event(rest, time: .string(time.text), clock: &clock)
    }

    mutating func read(_ fields: Fields, clock: inout LogClock) -> LogLine? {
        guard let logger = fields.text("loggerName"), logger.utf8.starts(with: "org.keycloak".utf8) else { return nil }
        guard logger == "org.keycloak.events", let message = fields.text("message"), let time = fields["timestamp"] else {
            return .skipped(reason: "a line without security relevance")
        }
        return event(Array(message.utf8)[...], time: time, isTruncated: fields.isTruncated, clock: &clock)
    }

    func isKin(_ fields: Fields) -> Bool { fields["loggerName"] != nil && fields["message"] != nil && fields["threadName"] != nil }

    private func event(_ message: Bytes, time: JSONValue, isTruncated: Bool = false, clock: inout LogClock) -> LogLine {
        guard var fields = Self.fields(message) else { return .skipped(reason: "a line without security relevance") }
        fields.object["timestamp"] = time
        if isTruncated { fields.isTruncated = true }
        return FieldTable.keycloak.read(fields, clock: &clock) ?? .skipped(reason: "a line without security relevance")
    }

    /// `type=X, realmId=Y, …`; of two fields with one name the first counts, since what a client chose freely (the account, the redirect) comes
    /// after the address. Only the application's name comes before it: where that could have forged an address, there is none.
    private static func fields(_ message: Bytes) -> Fields? {
        guard message.starts(with: "type=") else { return nil }
        var rest = message
        var fields = Fields(object: JSONObject())
        var isQuoted = false
        var doubles: [String: Bool] = [:]
        for _ in 0..<Logfmt.maximumFields {
            guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { break }
            let key = rest[..<equals].trimmed.text
            rest = rest[(equals + 1)...]
            let value: Bytes
            if rest.consume("\"") {
                isQuoted = true
                guard let quoted = takeQuoted(&rest) else {
                    fields.isTruncated = true
                    break
                }
                value = quoted
            } else if isQuoted {
                break
            } else if let comma = rest.firstRange(of: ", ") {
                value = rest[..<comma.lowerBound]
                rest = rest[comma.upperBound...]
            } else {
                value = rest
                rest = rest.suffix(0)
            }
            if fields.object[key] == nil { fields.object[key] = .string(value.text) } else { doubles[key] = true }
        }
        if !isQuoted, doubles["ipAddress"] == true, doubles["userId"] == true { fields.object["ipAddress"] = .string("") }
        return fields
    }

    /// Keycloak escapes nothing within quotes: the value ends at a quote that ends the text or is followed by `, name="`.
    private static func takeQuoted(_ rest: inout Bytes) -> Bytes? {
        var position = rest.startIndex
        while position < rest.endIndex {
            if rest[position] == UInt8(ascii: "\\"), position + 1 < rest.endIndex {
                position += 2
                continue
            }
            if rest[position] == UInt8(ascii: "\"") {
                var after = rest[(position + 1)...]
                if after.isEmpty || after.consume(", ") {
                    defer { rest = after }
                    return rest[..<position].unescaped
                }
            }
            position += 1
        }
        return nil
    }
}
