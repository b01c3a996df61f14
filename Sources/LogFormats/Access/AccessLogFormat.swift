import AuditEvents

/// Access logs of Apache and nginx in the common and the combined form:
///
///     [vhost[:port] ]client ident user [time] "request" status bytes[ "referer" "agent"][ further fields]
///
/// Whatever a client controls is quoted and escaped by the server, but the user name is only escaped. So the time is found as what stands in
/// brackets right before the first quote: a user name can forge neither. A line cut after its time is still an event.
struct AccessLogFormat: LineFormat {
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        guard let bracket = line.firstRange(of: "] \"") else { return nil }
        let prefix = line[..<bracket.lowerBound]
        guard let opening = prefix.lastIndex(of: UInt8(ascii: "[")), let caller = Caller(prefix[..<opening]) else { return nil }
        let timeText = prefix[(opening + 1)...]
        guard Self.looksLikeTime(timeText) else { return nil }
        guard let time = timeText.accessTime else { return .rejected(reason: "no such date or time: \(timeText.prefix(64).text)") }

        var record = LogRecord(time: time, type: .httpRequest, outcome: .unknown)
        record.body.service = "http"
        caller.enter(into: &record)
        var rest = line[bracket.upperBound...]
        let request = Self.takeRequest(&rest)
        AccessRequest(request.bytes).enter(into: &record)
        var isCut = !request.isClosed
        if request.isClosed { isCut = Self.takeStatusAndSize(&rest, into: &record) }
        if !isCut { isCut = Self.takeTail(&rest, into: &record) }
        if isCut { record.body.details["truncated"] = true }
        return .record(record)
    }

    private static func looksLikeTime(_ bytes: Bytes) -> Bool {
        guard bytes.count >= 16, let first = bytes.first, (48...57).contains(first) else { return false }
        return bytes.prefix(12).contains(UInt8(ascii: "/")) || bytes.prefix(5).last == UInt8(ascii: "-")
    }

    /// Takes a quoted field whose opening quote is gone. Its end is the first unescaped quote that `isEnd` accepts by what follows; a server that
    /// does not escape quotes would end it early otherwise.
    private static func takeQuoted(_ rest: inout Bytes, isEnd: (Bytes) -> Bool) -> (bytes: Bytes, isClosed: Bool) {
        var fallback: Int?
        var position = rest.startIndex
        while position < rest.endIndex {
            let byte = rest[position]
            if byte == UInt8(ascii: "\\") {
                position += 2
                continue
            }
            if byte == UInt8(ascii: "\"") {
                if isEnd(rest[(position + 1)...]) {
                    defer { rest = rest[(position + 1)...] }
                    return (rest[..<position], true)
                }
                fallback = fallback ?? position
            }
            position += 1
        }
        let end = fallback ?? rest.endIndex
        defer { rest = rest.suffix(0) }
        return (rest[..<end], false)
    }

    /// The request ends at the quote before ` 200 ` or at one that ends the line.
    private static func takeRequest(_ rest: inout Bytes) -> (bytes: Bytes, isClosed: Bool) {
        takeQuoted(&rest) { after in
            guard !after.isEmpty else { return true }
            var after = after
            guard after.consume(" ") else { return false }
            let status = after.prefix { $0 != UInt8(ascii: " ") }
            return status.equals("-") || status.isEmpty || (status.count <= 3 && status.decimal != nil)
        }
    }

    /// Takes ` status bytes`; returns whether the line was cut in them.
    private static func takeStatusAndSize(_ rest: inout Bytes, into record: inout LogRecord) -> Bool {
        rest.skipSpaces()
        let isLast = !rest.contains(UInt8(ascii: " "))
        let status = rest.takeField()
        if status.count == 3, let value = status.decimal, value >= 100 {
            record.status = Int16(value)
            record.outcome = Outcome(httpStatus: value)
        }
        if isLast { return true }
        rest.skipSpaces()
        let size = rest.takeField()
        if let bytes = size.decimal { record.body.details["bytes"] = .int(Int64(bytes)) }
        return size.isEmpty
    }

    /// Takes referer, agent and what a configuration adds; returns whether the line was cut in them.
    private static func takeTail(_ rest: inout Bytes, into record: inout LogRecord) -> Bool {
        rest.skipSpaces()
        guard rest.consume("\"") else {
            enterExtra(rest, into: &record)
            return false
        }
        func isEnd(_ after: Bytes) -> Bool { after.isEmpty || after.first == UInt8(ascii: " ") }
        let referer = takeQuoted(&rest, isEnd: isEnd)
        if !referer.bytes.isEmpty, !referer.bytes.equals("-") { record.body.details["referer"] = .string(referer.bytes.unescaped.text) }
        if !referer.isClosed { return true }
        rest.skipSpaces()
        guard rest.consume("\"") else {
            enterExtra(rest, into: &record)
            return false
        }
        let agent = takeQuoted(&rest, isEnd: isEnd)
        if !agent.bytes.isEmpty, !agent.bytes.equals("-") {
            record.body.client = record.body.client ?? .init()
            record.body.client?.userAgent = agent.bytes.unescaped.text
        }
        enterExtra(rest, into: &record)
        return !agent.isClosed
    }

    /// Further fields mean what the server's configuration says, which the log does not tell: kept as they are.
    private static func enterExtra(_ rest: Bytes, into record: inout LogRecord) {
        let extra = rest.trimmed
        if extra.isEmpty || extra.equals("-") || extra.equals("\"-\"") { return }
        if extra.ends(with: "ms"), isTraefik(extra) { enterTraefik(&record) }
        record.body.details["extra"] = .string(extra.prefix(2048).text)
    }
}

extension AccessLogFormat {
    /// What Traefik adds: the number of the request, router, server, duration: `72 "router" "http://…" 4ms`.
    private static func isTraefik(_ extra: Bytes) -> Bool {
        var rest = extra
        guard rest.takeNumber() != nil, rest.consume(" \""), let router = rest.firstRange(of: "\" \"") else { return false }
        rest = rest[router.upperBound...]
        guard let server = rest.lastRange(of: "\" ") else { return false }
        rest = rest[server.upperBound...]
        return rest.takeNumber() != nil && rest.equals("ms")
    }

    /// A name beside Traefik's 401 is one that basic authentication refused.
    private static func enterTraefik(_ record: inout LogRecord) {
        record.body.service = "traefik"
        guard record.status == 401, record.body.actor != nil else { return }
        (record.type, record.outcome, record.severity, record.reason) = (.loginFailure, .failure, .low, "bad_credentials")
    }
}

/// The fields before the time: who called, and where the virtual host is written, whom.
private struct Caller {
    var address: ClientAddress?
    var unknownClient: Bytes?
    var virtualHost: Bytes?
    var identity: Bytes?
    var user: Bytes?

    /// Nil where the fields cannot be those of an access log.
    init?(_ bytes: Bytes) {
        var rest = bytes.trimmed
        var fields: [Bytes] = []
        while fields.count < 3, let space = rest.firstIndex(of: UInt8(ascii: " ")) {
            fields.append(rest[..<space])
            rest = rest[(space + 1)...]
        }
        fields.append(rest)
        guard fields.count >= 3, !fields[0].isEmpty else { return nil }
        func isNone(_ field: Bytes) -> Bool { field.equals("-") }
        let hasVirtualHost = fields.count == 4 && !isNone(fields[1]) && (ClientAddress.isAddress(fields[1]) || isNone(fields[2]))
        guard hasVirtualHost || isNone(fields[1]) || fields.count == 3 else { return nil }
        if hasVirtualHost { virtualHost = fields.removeFirst() }
        address = ClientAddress(fields[0])
        if address == nil { unknownClient = fields[0] }
        if !isNone(fields[1]), !fields[1].isEmpty { identity = fields[1] }
        let user = bytes[fields[2].startIndex...].trimmed
        if !user.isEmpty, !isNone(user), !user.equals("\"\"") { self.user = user }
    }

    func enter(into record: inout LogRecord) {
        record.body.setClient(address)
        if let unknownClient { record.body.details["client"] = .string(unknownClient.unescaped.text) }
        if let virtualHost { record.body.target = virtualHost.unescaped.text }
        if let identity { record.body.details["ident"] = .string(identity.unescaped.text) }
        if let user {
            record.body.actor = .init(name: user.unescaped.text)
            record.actorKind = .user
        }
    }
}
