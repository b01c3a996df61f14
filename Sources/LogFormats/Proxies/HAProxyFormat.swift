import AuditEvents

/// HAProxy's HTTP log, alone or in a syslog:
///
///     192.0.2.1:58430 [14/Nov/2015:22:45:11.608] main app/app1 1939/0/1/0/1940 403 5168 - - ---- 3/3/0/0/0 0/0 {captured} "GET / HTTP/1.1"
///
/// HAProxy encodes quotes and braces in what a client sent (`#22`), so the first quote begins the request.
struct HAProxyFormat: LineFormat {
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        guard let first = line.first, (48...58).contains(first) || (97...102).contains(first | 0x20) || first == UInt8(ascii: "u"),
            let opening = line.prefix(128).firstRange(of: " [")
        else { return nil }
        var rest = line[opening.upperBound...]
        let endpoint = line[..<opening.lowerBound]
        guard let colon = endpoint.lastIndex(of: UInt8(ascii: ":")), !endpoint.contains(UInt8(ascii: " ")), rest.count > 20,
            rest[rest.startIndex + 2] == UInt8(ascii: "/")
        else { return nil }
        var fields = LogClock.Fields()
        guard let day = rest.takeNumber(limit: 2), rest.consume("/"), let month = rest.takeMonth(), rest.consume("/"),
            let year = rest.takeNumber(limit: 4), rest.consume(":"), rest.takeTime(into: &fields), rest.consume("] ")
        else { return nil }
        (fields.year, fields.month, fields.day) = (year, month, day)
        guard let time = clock.moment(fields) else {
            return .rejected(reason: "no such date or time: \(line[opening.upperBound...].prefix(24).text)")
        }
        var record = LogRecord(time: time, type: .httpRequest, outcome: .unknown)
        record.body.service = "haproxy"
        let port = endpoint[(colon + 1)...].decimal.flatMap(UInt16.init(exactly:))
        if let address = ClientAddress(endpoint[..<colon], port: port) {
            record.body.setClient(address)
        } else {
            record.body.details["client"] = .string(endpoint.text)
        }
        return Self.read(&rest, into: &record)
    }

    private static func read(_ rest: inout Bytes, into record: inout LogRecord) -> LogLine {
        let frontend = rest.takeField()
        if frontend.last == UInt8(ascii: ":") || !rest.prefix(256).contains(UInt8(ascii: "/")) {
            return .skipped(reason: "a connection without a request")
        }
        let server = rest.takeField()
        let timers = rest.takeField().split(separator: UInt8(ascii: "/"))
        guard timers.count >= 5 else { return .skipped(reason: timers.count == 3 ? "a TCP connection" : "a connection without a request") }
        record.body.details["frontend"] = .string(frontend.text)
        record.body.details["backend"] = .string(server.text)
        if var total = timers.last {
            _ = total.consume("+")
            if let milliseconds = total.decimal, milliseconds < 1_000_000_000 { record.durationMicroseconds = Int64(milliseconds) * 1000 }
        }
        let status = rest.takeField()
        if status.count == 3, let value = status.decimal, value >= 100 {
            record.status = Int16(value)
            record.outcome = Outcome(httpStatus: value)
        }
        var size = rest.takeField()
        _ = size.consume("+")
        if let bytes = size.decimal { record.body.details["bytes"] = .int(Int64(bytes)) }
        _ = rest.takeField()
        _ = rest.takeField()
        let termination = rest.takeField()
        record.body.details["termination"] = .string(termination.text)
        let isRefusedHere = termination.starts(with: "PR") && server.ends(with: "/<NOSRV>")
        if let quote = rest.firstIndex(of: UInt8(ascii: "\"")) {
            var request = rest[(quote + 1)...]
            if let end = request.lastIndex(of: UInt8(ascii: "\"")) {
                request = request[..<end]
            } else {
                record.body.details["truncated"] = true
            }
            AccessRequest(verbatim: request).enter(into: &record)
        } else {
            record.body.details["truncated"] = true
        }
        // HAProxy's own basic authentication; whoever stands behind it answers for itself.
        if isRefusedHere, record.status == 401 {
            (record.type, record.outcome, record.severity, record.reason) = (.loginFailure, .failure, .low, "bad_credentials")
        }
        return .record(record)
    }
}
