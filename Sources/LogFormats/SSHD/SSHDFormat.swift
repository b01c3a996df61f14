import AuditEvents

/// sshd's messages in a syslog: logins, failed logins, connections that end before one, sessions.
///
/// What a line means by itself is `SSHDMessage`; which lines tell of the same login is `SSHDConnections`; here they become records.
struct SSHDFormat: LineFormat {
    private var connections = SSHDConnections()
    /// Whether sshd itself, not only PAM, has written to this log: then a failure that PAM knows by a host name alone can wait for sshd's line,
    /// which has the address.
    private var hasOwnLines = false
    /// The message before, for `last message repeated N times`; empty after another program's line.
    private var lastMessage: [UInt8] = []
    private var lastIsPAM = false
    private var lastProcess: Int?
    private var lastHost: UInt64 = 0
    private(set) var foreign: SyslogLine?

    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        if foreign != nil { foreign = nil }
        guard let form = SyslogLine.parse(line, clock: &clock) else { return nil }
        switch form {
        case .malformed(let reason): return .rejected(reason: reason)
        case .lastRepeated(let count, let time, let host):
            guard !lastMessage.isEmpty, host.stableHash == lastHost else {
                return .skipped(reason: "a repetition of another program's line")
            }
            let line = SyslogLine(time: time, host: host, program: host.suffix(0), pid: lastProcess, message: lastMessage[...])
            return parse(line, message: line.message, isPAM: lastIsPAM, count: count)
        case .line(let line):
            guard Self.isSSHD(line.program) else {
                lastMessage.removeAll(keepingCapacity: true)
                foreign = line
                return .skipped(reason: "another program's line")
            }
            return parse(line)
        }
    }

    /// OpenSSH since 9.8 runs as `sshd-session` and `sshd-auth`; old PAM names itself as `sshd(pam_unix)`.
    private static func isSSHD(_ program: Bytes) -> Bool {
        program.equals("sshd") || program.equals("sshd-session") || program.equals("sshd-auth") || program.starts(with: "sshd(")
    }

    private mutating func parse(_ line: SyslogLine) -> LogLine {
        var message = line.message
        message.skipSpaces()
        // Solaris: `[ID 800047 auth.info] `.
        if message.starts(with: "[ID "), let end = message.prefix(64).firstRange(of: "] ") { message = message[end.upperBound...] }
        var count = 1
        if message.consume("message repeated ") {
            guard let times = message.takeNumber(limit: 10), message.consume(" times: [") else {
                return .rejected(reason: "a repetition that does not say of what")
            }
            count = times
            message.skipSpaces()
            if message.last == UInt8(ascii: "]") { message.removeLast() }
        }
        let isPAM = line.program.starts(with: "sshd(")
        lastMessage.removeAll(keepingCapacity: true)
        lastMessage.append(contentsOf: message.prefix(2048))
        (lastIsPAM, lastProcess, lastHost) = (isPAM, line.pid, line.host.stableHash)
        return parse(line, message: message, isPAM: isPAM, count: count)
    }

    private mutating func parse(_ line: SyslogLine, message bytes: Bytes, isPAM: Bool, count: Int) -> LogLine {
        guard count > 0 else { return .skipped(reason: "repeated no time") }
        guard count <= LogRecord.maximumRepetitions else {
            return .rejected(reason: "repeated more than \(LogRecord.maximumRepetitions) times")
        }
        let message = isPAM ? SSHDMessage(pamModule: bytes, isUnix: true) : SSHDMessage(parsing: bytes)
        let key = SSHDConnections.Key(host: line.host.stableHash, process: Self.process(line, message))
        switch message.meaning {
        case .nothing: return .skipped(reason: message.reason)
        case .malformed: return .rejected(reason: message.reason)
        case .failure(let evidence): return failure(message, line, key, evidence: evidence, isOldPAM: isPAM, count: count)
        case .furtherFailures(let further):
            guard further <= LogRecord.maximumRepetitions, let client = message.client else {
                return .rejected(reason: "repeated more than \(LogRecord.maximumRepetitions) times")
            }
            let new = connections.failFurther(key, at: line.time, client: client, count: further)
            guard new > 0 else { return .skipped(reason: "the same attempts as the lines before") }
            return .record(record(.loginFailure, .failure, message, line, severity: .low, count: new))
        case .keyRefused:
            connections.refuseKey(key, at: line.time, client: message.client)
            return .skipped(reason: message.reason)
        case .connected:
            connections.begin(key, at: line.time, client: message.client)
            return .skipped(reason: message.reason)
        case .accepted:
            connections.accept(key, at: line.time, client: message.client)
            hasOwnLines = true
            return .record(record(.loginSuccess, .success, message, line, count: count))
        case .exceeded, .aborted: return ended(message, line, key, count: count)
        case .limited: return .record(record(.rateLimitExceeded, .denied, message, line, severity: .low, count: count))
        case .refused: return .record(record(.authorizationFailure, .denied, message, line, severity: .low, count: count))
        case .locked, .sessionOpened, .sessionClosed:
            var message = message
            message.client = connections[key]?.client
            if case .locked = message.meaning {
                return .record(record(.loginLocked, .denied, message, line, severity: .medium, count: count))
            }
            let isOpened = if case .sessionOpened = message.meaning { true } else { false }
            return .record(record(isOpened ? .sessionCreated : .sessionEnded, .success, message, line, count: count))
        }
    }

    private static func process(_ line: SyslogLine, _ message: SSHDMessage) -> UInt64 {
        if let pid = line.pid { return UInt64(pid) }
        var address = message.client?.ip ?? message.client?.host ?? ""
        return address.withUTF8 { Array($0)[...].stableHash } | 1 << 63
    }

    private mutating func failure(
        _ message: SSHDMessage, _ line: SyslogLine, _ key: SSHDConnections.Key, evidence: SSHDMessage.Evidence, isOldPAM: Bool, count: Int
    ) -> LogLine {
        var message = message
        let isPAM = evidence.isSubset(of: .pam)
        if !isPAM { hasOwnLines = true }
        guard let client = message.client ?? connections[key]?.client else {
            return .skipped(reason: "a refusal without address: the next line names the client")
        }
        message.client = client
        if isPAM, client.ip == nil, hasOwnLines, !isOldPAM {
            return .skipped(reason: "a failure known by host name: the next line names the address")
        }
        let new = connections.fail(
            key, at: line.time, user: message.user?.stableHash, client: client, evidence: evidence, count: count)
        guard new > 0 else { return .skipped(reason: "the same attempt as a line before") }
        return .record(record(.loginFailure, .failure, message, line, severity: .low, count: new))
    }

    private mutating func ended(_ message: SSHDMessage, _ line: SyslogLine, _ key: SSHDConnections.Key, count: Int) -> LogLine {
        hasOwnLines = true
        var message = message
        let known = connections[key]
        guard connections.end(key, at: line.time, client: message.client) else {
            return .skipped(reason: "the same end of a connection as a line before")
        }
        message.client = message.client ?? known?.client
        if case .exceeded = message.meaning {
            message.reason = "too_many_attempts"
            return .record(record(.loginFailureMaximum, .failure, message, line, severity: .medium, count: count))
        }
        let connection = connections[key]
        let (failures, keys) = (connection?.failures ?? 0, connection?.keysRefused ?? 0)
        if message.wasAuthenticating, failures == 0 { message.reason = "closed_while_authenticating" }
        var record = record(.authenticationAborted, .failure, message, line, count: count)
        if failures > 0 { record.body.details["failed_attempts"] = .int(Int64(failures)) }
        if keys > 0 { record.body.details["keys_refused"] = .int(Int64(keys)) }
        return .record(record)
    }

    private func record(
        _ type: EventType, _ outcome: Outcome, _ message: SSHDMessage, _ line: SyslogLine, severity: Severity = .informational, count: Int
    ) -> LogRecord {
        var record = LogRecord(
            time: line.time, type: type, outcome: outcome, reason: message.reason.isEmpty ? nil : message.reason, severity: severity,
            repetitions: count)
        record.body.service = "sshd"
        if !line.host.isEmpty { record.body.target = line.host.text }
        record.body.setClient(message.client)
        if let user = message.user {
            record.body.actor = .init(name: user.text)
            record.actorKind = .user
            record.privileged = outcome == .success && user.equals("root")
        }
        if let method = message.method { record.body.details["method"] = .string(method.text) }
        if let type = message.keyType { record.body.details["key_type"] = .string(type.text) }
        if let fingerprint = message.keyFingerprint { record.body.details["key_fingerprint"] = .string(fingerprint.text) }
        if let note = message.note { record.body.details["note"] = .string(note.prefix(256).text) }
        if let pid = line.pid { record.body.details["pid"] = .int(Int64(pid)) }
        return record
    }
}
