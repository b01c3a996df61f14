extension EventBody {
    /// The body as JSON, snake_case, members that are nil left out.
    public var json: JSONObject {
        var object = JSONObject(capacity: 8)
        // In canonical order, in which each member goes to the end.
        object.set("actor", actor.map { ["id": $0.id, "name": $0.name] })
        if let client {
            var member = JSONObject(capacity: 3)
            if let ip = client.ip { member["ip"] = .string(ip) }
            if let port = client.port { member["port"] = .int(Int64(port)) }
            if let userAgent = client.userAgent { member["user_agent"] = .string(userAgent) }
            if !member.isEmpty { object["client"] = .object(member) }
        }
        if !details.isEmpty { object["details"] = .object(details) }
        if let path { object["path"] = .string(path) }
        if let requestID { object["request_id"] = .string(requestID) }
        if let service { object["service"] = .string(service) }
        if let session { object["session"] = .string(session) }
        if let spanID { object["span_id"] = .string(spanID) }
        if let target { object["target"] = .string(target) }
        object.set("token", token.map { ["fingerprint": $0.fingerprint, "issuer": $0.issuer, "jti": $0.jti, "key_id": $0.keyID] })
        if let traceID { object["trace_id"] = .string(traceID) }
        return object
    }

    /// Reads the form that `json` gives; members it does not know go to `details`.
    ///
    /// - Throws: `EventFormError` where a known member has another kind.
    public init(json object: JSONObject) throws(EventFormError) {
        self.init()
        for member in object {
            let (key, value) = (member.key, member.value)
            switch key {
            case "actor":
                let form = try value.members(of: key)
                actor = Actor(id: try form.text("id"), name: try form.text("name"))
            case "client":
                let form = try value.members(of: key)
                client = Client(ip: try form.text("ip"), userAgent: try form.text("user_agent"))
                if let port = form["port"], port != .null {
                    guard let number = port.int.flatMap(UInt16.init(exactly:)) else { throw EventFormError(field: "body.client.port") }
                    client?.port = number
                }
            case "token":
                let form = try value.members(of: key)
                token = Token(
                    fingerprint: try form.text("fingerprint"), issuer: try form.text("issuer"), keyID: try form.text("key_id"),
                    jti: try form.text("jti"))
            case "session": session = try object.text(key)
            case "target": target = try object.text(key)
            case "request_id": requestID = try object.text(key)
            case "trace_id": traceID = try object.text(key)
            case "span_id": spanID = try object.text(key)
            case "path": path = try object.text(key)
            case "service": service = try object.text(key)
            case "details":
                for detail in try value.members(of: key) { details[detail.key] = detail.value }
            default: details[key] = value
            }
        }
    }
}

/// A field of an event's JSON form that is missing or not of its kind.
public struct EventFormError: Error, Sendable, Hashable, CustomStringConvertible {
    public var field: String
    public init(field: String) { self.field = field }
    public var description: String { "the field \(field) is missing or not of its kind" }
}

extension JSONObject {
    /// The string under `key`; nil where it is absent or null. Numbers and booleans are taken as their text.
    func text(_ key: String) throws(EventFormError) -> String? {
        switch self[key] {
        case nil, .null?: nil
        case .string(let text)?: text
        case .int(let number)?: String(number)
        default: throw EventFormError(field: key)
        }
    }

    fileprivate mutating func set(_ key: String, _ fields: [(String, String?)]?) {
        guard let fields else { return }
        var object = JSONObject()
        for (name, value) in fields {
            if let value { object[name] = .string(value) }
        }
        if !object.isEmpty { self[key] = .object(object) }
    }

    fileprivate mutating func set(_ key: String, _ fields: KeyValuePairs<String, String?>?) {
        set(key, fields.map { $0.map { ($0.key, $0.value) } })
    }
}

extension JSONValue {
    fileprivate func members(of field: String) throws(EventFormError) -> JSONObject {
        switch self {
        case .null: JSONObject()
        case .object(let object): object
        default: throw EventFormError(field: field)
        }
    }
}
