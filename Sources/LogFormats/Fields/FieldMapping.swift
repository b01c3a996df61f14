public import AuditEvents
import Yams

/// How lines of somebody's JSON or logfmt become events: a file of the user's own, YAML or JSON.
///
///     name: shop
///     time: {field: ts, format: unix_ms}
///     type: {field: event, values: {login_failed: authn_login_fail, login: authn_login_success}}
///     reason: {field: why, values: {nouser: unknown_account}, default: bad_password}
///     actor: user.name
///     client_ip: [ip, remote]
///
/// A line whose type has no value here is skipped; `default: skip` says so, `default: http_request` takes it.
public struct FieldMapping: Sendable {
    /// The format's name in a summary, and the service of its events unless `service` says otherwise.
    public let name: String
    let table: FieldTable

    /// The greatest length of a mapping's file, in bytes.
    public static let maximumBytes = 1 << 18

    /// - Throws: `FieldMappingError` with the key and what is wrong with it.
    public init(parsing text: String) throws(FieldMappingError) {
        guard text.utf8.count <= Self.maximumBytes else { throw FieldMappingError("", "is longer than \(Self.maximumBytes) bytes") }
        if let value = try? JSONValue(parsing: Array(text.utf8), maximumDepth: 16) {
            try self.init(json: value)
            return
        }
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch { throw FieldMappingError("", "is neither YAML nor JSON: \(error)") }
        var budget = 10_000
        guard let node, let value = Self.value(node, depth: 0, &budget) else {
            throw FieldMappingError("", "is empty, nests deeper than 16, or has more than 10,000 values")
        }
        try self.init(json: value)
    }

    private static func value(_ node: Node, depth: Int, _ budget: inout Int) -> JSONValue? {
        budget -= 1
        guard depth <= 16, budget > 0 else { return nil }
        switch node {
        case .scalar(let scalar): return .string(scalar.string)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence {
                guard let value = value(element, depth: depth + 1, &budget) else { return nil }
                elements.append(value)
            }
            return .array(elements)
        case .mapping(let mapping):
            var members: [(String, JSONValue)] = []
            for (key, element) in mapping {
                guard let key = key.string, let value = value(element, depth: depth + 1, &budget) else { return nil }
                members.append((key, value))
            }
            return .object(JSONObject(members))
        case .alias: return nil
        }
    }

    private static let keys: Set<String> = [
        "name", "service", "time", "type", "outcome", "reason", "severity", "actor", "actor_id", "client_ip", "client_port", "user_agent",
        "method", "path", "route", "status", "target", "request_id", "duration", "details", "only",
    ]

    /// - Throws: `FieldMappingError` with the key and what is wrong with it.
    public init(json: JSONValue) throws(FieldMappingError) {
        guard let object = json.object else { throw FieldMappingError("", "is no table of keys") }
        if let unknown = object.members.first(where: { !Self.keys.contains($0.key) }) {
            throw FieldMappingError(unknown.key, "is no key of a mapping; there are: \(Self.keys.sorted().joined(separator: ", "))")
        }
        name = object["name"]?.string ?? "mapped"
        func paths(_ key: String) throws(FieldMappingError) -> [FieldPath] {
            switch object[key] {
            case nil: return []
            case .string(let text): return [FieldPath(text)]
            case .array(let elements):
                let texts = elements.compactMap(\.string)
                guard texts.count == elements.count else { throw FieldMappingError(key, "holds something that is no field's name") }
                return texts.map { FieldPath($0) }
            default: throw FieldMappingError(key, "is neither a field's name nor a list of them")
            }
        }
        let time = try FieldChoice(object["time"], key: "time")
        guard !time.fields.isEmpty else {
            throw FieldMappingError("time", "names no field: time: ts, or time: {field: ts, format: unix_ms}")
        }
        guard let type = object["type"] else {
            throw FieldMappingError("type", "is missing: type: http_request, or type: {field: event, values: {…}}")
        }
        var table = FieldTable(service: object["service"]?.string ?? name, marks: [], time: time.fields, rules: [])
        if let format = time.format {
            guard let form = FieldTime(name: format) else {
                throw FieldMappingError(
                    "time",
                    "has an unknown format '\(format)': auto, rfc3339, unix, unix_ms, unix_us, unix_ns, or a pattern such as %d/%b/%Y %H:%M:%S %z"
                )
            }
            table.timeForm = form
        }
        table.actor = try paths("actor")
        table.actorID = try paths("actor_id")
        table.client = try paths("client_ip")
        table.port = try paths("client_port")
        table.userAgent = try paths("user_agent")
        table.method = try paths("method")
        table.path = try paths("path")
        table.route = try paths("route")
        table.status = try paths("status")
        table.target = try paths("target")
        table.requestID = try paths("request_id")
        if object["duration"] != nil {
            let choice = try FieldChoice(object["duration"], key: "duration")
            guard let path = choice.fields.first, let unit = FieldDuration(rawValue: choice.unit ?? "ms") else {
                throw FieldMappingError("duration", "is duration: {field: NAME, unit: s, ms, us or ns}")
            }
            table.duration = (path, unit)
        }
        switch object["details"] {
        case nil: break
        case .object(let members):
            table.details = members.members.compactMap { member in member.value.string.map { (member.key, FieldPath($0)) } }
        case .array(let elements): table.details = elements.compactMap(\.string).map { ($0, FieldPath($0)) }
        default: throw FieldMappingError("details", "is neither a list of fields nor a table of names and fields")
        }
        if let only = object["only"] {
            guard let members = only.object else { throw FieldMappingError("only", "is no table of fields and values") }
            for member in members {
                let values = member.value.array?.compactMap(\.string) ?? member.value.string.map { [$0] } ?? []
                guard !values.isEmpty else { throw FieldMappingError("only", "has no value for \(member.key)") }
                table.only.append(FieldCondition(path: FieldPath(member.key), test: .equals(values)))
            }
        }
        try Self.enterTypes(type, object, into: &table)
        self.table = table
    }

    /// The types become rules; outcome, reason and severity are chosen by values of their own.
    private static func enterTypes(_ type: JSONValue, _ object: JSONObject, into table: inout FieldTable) throws(FieldMappingError) {
        func meaning(_ name: String) throws(FieldMappingError) -> FieldRule.Meaning {
            if name == "skip" { return .skipped("the mapping skips this type") }
            guard !name.isEmpty, name.utf8.count <= 128, !name.hasPrefix("audit_"),
                name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") })
            else {
                throw FieldMappingError(
                    "type", "has '\(name)', which is no type of an event: small letters, digits and _, not beginning with audit_")
            }
            let type = EventType(name)
            if type == .httpRequest { return .request }
            let failed = name.hasSuffix("_fail") || name.hasSuffix("_fail_max") || type == .tokenRejected
            let denied = type == .authorizationFailure || type == .loginLocked || type == .rateLimitExceeded
            return .event(type, denied ? .denied : failed ? .failure : .success, denied || failed ? .low : .informational)
        }
        if let constant = type.string {
            table.otherwise = try meaning(constant)
        } else {
            let choice = try FieldChoice(type, key: "type")
            guard let path = choice.fields.first, choice.fields.count == 1 else { throw FieldMappingError("type", "names one field") }
            for value in choice.values {
                table.rules.append(FieldRule([.init(path: path, test: .equals([value.text]))], try meaning(value.code)))
            }
            table.otherwise =
                try choice.otherwise.map { name throws(FieldMappingError) in try meaning(name) }
                ?? .skipped("the mapping has no type for this line")
        }
        for key in ["outcome", "severity"] where object[key] != nil {
            let choice = try FieldChoice(object[key], key: key)
            let codes = choice.values.map(\.code) + (choice.otherwise.map { [$0] } ?? [])
            let isKnown: (String) -> Bool = { code in
                key == "outcome" ? Outcome(rawValue: code) != nil : Severity.allCases.contains { $0.name == code }
            }
            if let wrong = codes.first(where: { !isKnown($0) }) { throw FieldMappingError(key, "has '\(wrong)', which is none") }
            if key == "outcome" { table.outcome = choice } else { table.severity = choice }
        }
        if object["reason"] != nil { table.reason = try FieldChoice(object["reason"], key: "reason") }
    }
}

/// What a mapping says about one part of an event: where it lies, and what its values mean.
struct FieldChoice: Sendable {
    var fields: [FieldPath] = []
    var values: [(text: String, code: String)] = []
    var otherwise: String?
    var format: String?
    var unit: String?

    init(_ value: JSONValue?, key: String) throws(FieldMappingError) {
        switch value {
        case .string(let name): fields = [FieldPath(name)]
        case .array(let names): fields = names.compactMap(\.string).map { FieldPath($0) }
        case .object(let object):
            if let unknown = object.members.first(where: { !["field", "values", "default", "format", "unit"].contains($0.key) }) {
                throw FieldMappingError(key, "has an unknown key '\(unknown.key)'; there are: field, values, default, format, unit")
            }
            if let name = object["field"]?.string { fields = [FieldPath(name)] }
            if let names = object["field"]?.array { fields = names.compactMap(\.string).map { FieldPath($0) } }
            if let table = object["values"] {
                guard let members = table.object else { throw FieldMappingError(key, "has values that are no table") }
                values = members.members.compactMap { member in Fields.text(member.value).map { (member.key, $0) } }
            }
            otherwise = object["default"]?.string
            format = object["format"]?.string
            unit = object["unit"]?.string
        default: throw FieldMappingError(key, "is neither a field's name nor {field: …}")
        }
    }

    /// The code of the field's value; the value itself where no values are given.
    func code(_ fields: Fields) -> String? {
        guard let text = fields.text(self.fields) else { return otherwise }
        if values.isEmpty { return text }
        return values.first { $0.text == text }?.code ?? otherwise
    }
}

/// What is wrong with a mapping.
public struct FieldMappingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The key of the mapping; empty for the whole.
    public let key: String
    public let reason: String
    public var description: String { key.isEmpty ? "the mapping \(reason)" : "\(key) \(reason)" }

    init(_ key: String, _ reason: String) { (self.key, self.reason) = (key, reason) }
}
