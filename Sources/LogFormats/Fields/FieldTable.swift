import AuditEvents

/// A format of named fields as data: by what it is known, where each field of a record lies, and which values mean what.
struct FieldTable: Sendable, FieldFormat {
    /// What reported it.
    var service: String
    /// All of these hold for a line of the format.
    var marks: [FieldCondition]
    /// All of these hold for other lines of the same program, which are skipped. Empty: none is known.
    var kin: [FieldCondition] = []
    var time: [FieldPath]
    var timeForm = FieldTime.automatic
    var actor: [FieldPath] = []
    var actorID: [FieldPath] = []
    /// Addresses, with or without a port. Of a list (`X-Forwarded-For`) the last counts: the others are what the client claims.
    var client: [FieldPath] = []
    var port: [FieldPath] = []
    var userAgent: [FieldPath] = []
    var method: [FieldPath] = []
    var path: [FieldPath] = []
    var route: [FieldPath] = []
    var status: [FieldPath] = []
    var target: [FieldPath] = []
    var requestID: [FieldPath] = []
    var duration: (path: FieldPath, unit: FieldDuration)?
    /// Values that hide a name rather than give one.
    var noNames: [String] = []
    var details: [(name: String, path: FieldPath)] = []
    /// The first whose conditions hold says what the line means.
    var rules: [FieldRule]
    var otherwise: FieldRule.Meaning = .skipped("a line without security relevance")

    /// A line that is not like this is skipped. Of mappings, as what follows.
    var only: [FieldCondition] = []
    var outcome: FieldChoice?
    var severity: FieldChoice?
    var reason: FieldChoice?

    func isKin(_ fields: Fields) -> Bool { !kin.isEmpty && kin.allSatisfy { $0.holds(fields) } }

    func read(_ fields: Fields, clock: inout LogClock) -> LogLine? {
        guard marks.allSatisfy({ $0.holds(fields) }) else { return nil }
        guard only.allSatisfy({ $0.holds(fields) }) else { return .skipped(reason: "the mapping leaves this line out") }
        let rule = rules.first { $0.when.allSatisfy { $0.holds(fields) } }
        var record: LogRecord
        switch rule?.meaning ?? otherwise {
        case .skipped(let reason): return .skipped(reason: reason)
        case .request: record = LogRecord(time: .epoch, type: .httpRequest, outcome: .unknown)
        case .event(let type, let outcome, let severity):
            record = LogRecord(time: .epoch, type: type, outcome: outcome, severity: severity)
        }
        guard let stamp = time.lazy.compactMap({ fields[$0] }).first(where: { Fields.text($0) != nil }) else {
            return .rejected(reason: fields.isTruncated ? "the line ends before its time" : "the line carries no time")
        }
        guard let time = timeForm.moment(stamp, clock: &clock) else {
            return .rejected(reason: "no such date or time: \(Fields.text(stamp)?.prefix(64) ?? "")")
        }
        record.time = time
        enter(fields, into: &record)
        rule?.enter(fields, into: &record)
        if let code = reason?.code(fields) { record.reason = Self.storable(code) }
        if let code = outcome?.code(fields), let outcome = Outcome(rawValue: code) { record.outcome = outcome }
        if let code = severity?.code(fields), let severity = Severity.allCases.first(where: { $0.name == code }) {
            record.severity = severity
        }
        return .record(record)
    }

    private func enter(_ fields: Fields, into record: inout LogRecord) {
        record.body.service = service
        let name = fields.text(actor).flatMap { noNames.contains($0) ? nil : $0 }
        let id = fields.text(actorID).flatMap { noNames.contains($0) ? nil : $0 }
        if name != nil || id != nil {
            record.body.actor = .init(id: id.map(Self.storable), name: name.map(Self.storable))
            record.actorKind = .user
        }
        // Of a cut line the field that counts may be behind the cut: what stands for it in others is no client then.
        for path in fields.isTruncated ? client.prefix(1) : client[...] {
            guard let text = fields.text(path) else { continue }
            if record.enterClient(text) { break }
        }
        if let text = fields.text(port), let port = UInt16(text), record.body.client?.ip != nil { record.body.client?.port = port }
        if let agent = fields.text(userAgent) {
            record.body.client = record.body.client ?? .init()
            record.body.client?.userAgent = Self.storable(agent)
        }
        if let method = fields.text(method), method.utf8.count <= 20, method.utf8.allSatisfy({ ($0 | 0x20) >= 97 && ($0 | 0x20) <= 122 }) {
            record.method = method
        }
        record.body.path = fields.text(path).map(Self.storable)
        record.route = fields.text(route).map(Self.storable)
        if let status = fields.text(status).flatMap(Int16.init), (100...599).contains(status) {
            record.status = status
            if record.type == .httpRequest { record.outcome = Outcome(httpStatus: Int(status)) }
        }
        record.body.target = fields.text(target).map(Self.storable)
        record.body.requestID = fields.text(requestID).map(Self.storable)
        if let duration, let value = fields[duration.path] { record.durationMicroseconds = duration.unit.microseconds(value) }
        for detail in details {
            guard let value = fields[detail.path], let text = Fields.text(value) else { continue }
            if case .int = value {
                record.body.details[detail.name] = value
            } else {
                record.body.details[detail.name] = .string(Self.storable(text))
            }
        }
        if fields.isTruncated { record.body.details["truncated"] = true }
    }

    /// NUL made visible, as in every other format.
    static func storable(_ text: String) -> String {
        text.utf8.contains(0) ? Array(text.utf8)[...].text : text
    }
}

extension LogRecord {
    /// Enters a client as a program writes it, alone, with a port, or as the last of a list; false where it is none.
    mutating func enterClient(_ text: String) -> Bool {
        var bytes = Array(text.utf8.suffix(512))[...]
        if let comma = bytes.lastIndex(of: UInt8(ascii: ",")) { bytes = bytes[(comma + 1)...].trimmed }
        guard let address = ClientAddress(endpoint: bytes) else { return false }
        body.setClient(address)
        return true
    }
}

/// What one field must be like.
struct FieldCondition: Sendable {
    enum Test: Sendable {
        case exists, isMissing
        case isThere, isNoDash
        case equals([String])
        case starts([String])
        case contains([String])
    }

    let path: FieldPath
    let test: Test

    static func has(_ path: FieldPath) -> Self { .init(path: path, test: .exists) }
    static func lacks(_ path: FieldPath) -> Self { .init(path: path, test: .isMissing) }
    static func equals(_ path: FieldPath, _ values: String...) -> Self { .init(path: path, test: .equals(values)) }
    static func starts(_ path: FieldPath, _ values: String...) -> Self { .init(path: path, test: .starts(values)) }
    static func contains(_ path: FieldPath, _ values: String...) -> Self { .init(path: path, test: .contains(values)) }

    func holds(_ fields: Fields) -> Bool {
        let value = fields[path]
        if case .isThere = test { return value != nil }
        guard let value, value != .null, value != .string("") else { return if case .isMissing = test { true } else { false } }
        switch test {
        case .exists, .isThere: return true
        case .isMissing: return false
        case .isNoDash: return value != .string("-")
        case .equals(let values): return Fields.text(value).map { values.contains($0) } ?? false
        case .starts(let values): return Fields.text(value).map { text in values.contains { text.utf8.starts(with: $0.utf8) } } ?? false
        case .contains(let values):
            guard let text = Fields.text(value) else { return false }
            let bytes = Array(text.utf8)
            return values.contains { bytes.firstRange(of: Array($0.utf8)) != nil }
        }
    }
}

/// What a line means whose fields are like this.
struct FieldRule: Sendable {
    enum Meaning: Sendable {
        case event(EventType, Outcome, Severity)
        /// `http_request`; the status is the outcome.
        case request
        case skipped(String)
    }

    enum Reason: Sendable {
        case code(String)
        /// The code of the first text that the field contains.
        case found([FieldPath], [(text: String, code: String)], otherwise: String?)
    }

    /// A part of a field: what stands after the first `after` and before the last `before`.
    struct Part: Sendable {
        let path: FieldPath
        let after: String
        let before: String

        func text(_ fields: Fields) -> String? {
            guard let whole = fields.text(path) else { return nil }
            let bytes = Array(whole.utf8)
            guard let start = bytes.firstRange(of: Array(after.utf8)) else { return nil }
            var rest = bytes[start.upperBound...]
            if !before.isEmpty {
                let end = Array(before.utf8)
                var last: Int?
                var position = rest.startIndex
                while let found = rest[position...].firstRange(of: end) {
                    last = found.lowerBound
                    position = found.lowerBound + 1
                }
                guard let last else { return nil }
                rest = rest[..<last]
            }
            return rest.isEmpty ? nil : rest.text
        }
    }

    let when: [FieldCondition]
    let meaning: Meaning
    var reason: Reason?
    /// Where the account's name lies, if not where the table says.
    var actor: [Part] = []
    var isPrivileged = false
    /// A fact that the rule adds to the details.
    var note: (name: String, value: String)?

    init(
        _ when: [FieldCondition], _ meaning: Meaning, reason: Reason? = nil, actor: [Part] = [], isPrivileged: Bool = false,
        note: (name: String, value: String)? = nil
    ) {
        (self.when, self.meaning, self.reason, self.actor, self.isPrivileged, self.note) = (
            when, meaning, reason, actor, isPrivileged, note
        )
    }

    func enter(_ fields: Fields, into record: inout LogRecord) {
        switch reason {
        case .code(let code): record.reason = code
        case .found(let paths, let codes, let otherwise):
            let texts = paths.compactMap { fields.text($0).map { Array($0.utf8) } }
            let found = codes.first { code in texts.contains { $0.firstRange(of: Array(code.text.utf8)) != nil } }
            record.reason = found?.code ?? otherwise
        case nil: break
        }
        if let name = actor.lazy.compactMap({ $0.text(fields) }).first {
            record.body.actor = .init(name: name)
            record.actorKind = .user
        }
        if isPrivileged { record.privileged = true }
        if let note { record.body.details[note.name] = .string(note.value) }
    }
}

extension FieldRule.Meaning {
    static let loginFailure = Self.event(.loginFailure, .failure, .low)
    static let loginSuccess = Self.event(.loginSuccess, .success, .informational)
    static let loginLocked = Self.event(.loginLocked, .denied, .medium)
    static let authorizationFailure = Self.event(.authorizationFailure, .denied, .low)
    static func done(_ type: EventType) -> Self { .event(type, .success, .informational) }
}

/// The unit of a duration.
enum FieldDuration: String, Sendable, CaseIterable {
    case seconds = "s"
    case milliseconds = "ms"
    case microseconds = "us"
    case nanoseconds = "ns"

    func microseconds(_ value: JSONValue) -> Int64? {
        let number: Double? =
            switch value {
            case .int(let integer): Double(integer)
            case .double(let double): double
            case .string(let text): Double(text)
            default: nil
            }
        guard let number, number >= 0, number.isFinite else { return nil }
        let factor: Double =
            switch self {
            case .seconds: 1e6
            case .milliseconds: 1e3
            case .microseconds: 1
            case .nanoseconds: 1e-3
            }
        let result = number * factor
        return result < 1e15 ? Int64(result) : nil
    }
}
