import AuditEvents

/// Envoy's default access log:
///
///     [2016-04-15T20:17:00.310Z] "POST /a HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "agent" "request id" "authority" "tcp://10.0.2.1:80"
///
/// and Istio's, with further words after the flags and behind. Nothing in it is escaped: a quote in a header would shift those behind it. A
/// line that has more quoted fields than the format gives no client, for nobody knows which is whose.
struct EnvoyFormat: LineFormat {
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        guard line.first == UInt8(ascii: "["), line.count > 24, line[line.startIndex + 5] == UInt8(ascii: "-"),
            let close = line.prefix(64).firstRange(of: "] \"")
        else { return nil }
        guard let time = FieldTime.moment(line[..<close.lowerBound].dropFirst(), clock: &clock) else {
            return .rejected(reason: "no such date or time: \(line.prefix(32).text)")
        }
        var rest = line[close.upperBound...]
        var record = LogRecord(time: time, type: .httpRequest, outcome: .unknown)
        record.body.service = "envoy"
        // A path holds no space, so the request's end cannot be forged.
        guard let end = rest.firstRange(of: "\" ") else {
            AccessRequest(verbatim: rest).enter(into: &record)
            record.body.details["truncated"] = true
            return .record(record)
        }
        let request = rest[..<end.lowerBound]
        rest = rest[end.upperBound...]
        if request.equals("- - -") { return .skipped(reason: "a TCP connection") }
        AccessRequest(verbatim: request).enter(into: &record)
        let status = rest.takeField()
        if status.count == 3, let value = status.decimal, value >= 100 {
            record.status = Int16(value)
            record.outcome = Outcome(httpStatus: value)
        }
        let words = rest[..<(rest.firstRange(of: " \"-\" ")?.lowerBound ?? rest.firstRange(of: " \"")?.lowerBound ?? rest.endIndex)]
        if let flags = words.split(separator: UInt8(ascii: " ")).first, !flags.elementsEqual("-".utf8) {
            record.body.details["response_flags"] = .string(flags.prefix(64).text)
            if flags.elementsEqual("RL".utf8) { (record.type, record.outcome, record.severity) = (.rateLimitExceeded, .denied, .low) }
            if flags.elementsEqual("UAEX".utf8) {
                (record.type, record.outcome, record.severity, record.reason) = (
                    .authorizationFailure, .denied, .low, "external_authorization"
                )
            }
        }
        Self.enter(quoted: rest, into: &record)
        return .record(record)
    }

    private static func enter(quoted bytes: Bytes, into record: inout LogRecord) {
        var rest = bytes
        // Istio names here why the upstream failed, or `-`; numbers follow.
        if let numbers = rest.firstRange(of: "\" "), let digit = rest[numbers.upperBound...].first, (48...57).contains(digit) {
            rest = rest[numbers.upperBound...]
        }
        let numbers = rest.prefix { $0 != UInt8(ascii: "\"") }.split(separator: UInt8(ascii: " "))
        if numbers.count >= 3, let sent = numbers[numbers.count - 3].decimal { record.body.details["bytes"] = .int(Int64(sent)) }
        if numbers.count >= 2, let duration = numbers[numbers.count - 2].decimal, duration < 1_000_000_000 {
            record.durationMicroseconds = Int64(duration) * 1000
        }
        rest = rest[numbers.isEmpty ? rest.startIndex... : (numbers[numbers.count - 1].endIndex)...]
        rest.skipSpaces()
        guard rest.consume("\"") else { return }
        var fields: [Bytes] = []
        while let end = rest.firstRange(of: "\" \""), fields.count < 8 {
            fields.append(rest[..<end.lowerBound])
            rest = rest[end.upperBound...]
        }
        let isClosed = rest.contains(UInt8(ascii: "\""))
        fields.append(rest.prefix { $0 != UInt8(ascii: "\"") })
        guard fields.count == 5, isClosed else {
            record.body.details[fields.count < 5 ? "truncated" : "ambiguous"] = true
            return
        }
        if !fields[0].equals("-") {
            // The last is the one that Envoy added; those before it are what the client claims.
            _ = record.enterClient(fields[0].text)
            if fields[0].contains(UInt8(ascii: ",")) { record.body.details["x_forwarded_for"] = .string(fields[0].prefix(512).text) }
        }
        if !fields[1].equals("-") {
            record.body.client = record.body.client ?? .init()
            record.body.client?.userAgent = fields[1].text
        }
        if !fields[2].equals("-") { record.body.requestID = fields[2].text }
        if !fields[3].equals("-") { record.body.target = fields[3].text }
        if !fields[4].equals("-") { record.body.details["upstream"] = .string(fields[4].text) }
    }
}
