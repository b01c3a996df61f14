extension EventHeader {
    /// Exactly the fields of the header (snake_case), absent ones left out: what the leaf of the Merkle tree covers beside `sealed_at` and
    /// `body_hash`.
    public var json: JSONObject {
        var object: JSONObject = [
            "v": .int(Int64(EventHeader.version)), "id": .string(id.description), "time": .string(time.description),
            "tenant": .string(tenant), "source": .string(source), "type": .string(type.rawValue), "outcome": .string(outcome.rawValue),
            "severity": .int(Int64(severity.rawValue)), "actor_kind": .string(actorKind.rawValue), "privileged": .bool(privileged),
        ]
        object["reason"] = reason.map(JSONValue.string)
        object["sensitivity"] = sensitivity.map { .string($0.rawValue) }
        object["method"] = method.map(JSONValue.string)
        object["route"] = route.map(JSONValue.string)
        object["status"] = status.map { .int(Int64($0)) }
        object["duration_us"] = durationMicroseconds.map(JSONValue.int)
        return object
    }

    /// Reads the form that `json` gives. `id` may be absent: then a new one is made at `time`. `severity` may be its name.
    ///
    /// - Throws: `EventFormError` for a missing field, one of another kind, or an id whose time is not `time`.
    public init(json object: JSONObject) throws(EventFormError) {
        func required(_ field: String) throws(EventFormError) -> String {
            guard let text = try object.text(field), !text.isEmpty else { throw EventFormError(field: field) }
            return text
        }
        func choice<T: RawRepresentable>(_ field: String, _ fallback: T?) throws(EventFormError) -> T? where T.RawValue == String {
            guard let text = try object.text(field) else { return fallback }
            guard let value = T(rawValue: text) else { throw EventFormError(field: field) }
            return value
        }
        func number<T: FixedWidthInteger>(_ field: String) throws(EventFormError) -> T? {
            switch object[field] {
            case nil, .null?: return nil
            case .int(let value)?:
                guard let exact = T(exactly: value) else { throw EventFormError(field: field) }
                return exact
            default: throw EventFormError(field: field)
            }
        }
        let time = try object.text("time").map { text throws(EventFormError) in
            guard let time = Timestamp(text) else { throw EventFormError(field: "time") }
            return time
        }
        let id: EventID
        if let text = try object.text("id") {
            guard let given = EventID(text), time == nil || given.time == time else { throw EventFormError(field: "id") }
            id = given
        } else {
            guard let time, time >= .epoch else { throw EventFormError(field: "time") }
            id = EventID(time: time)
        }
        let severity: Severity
        switch object["severity"] {
        case nil, .null?: severity = .informational
        case .int(let value)?:
            guard let known = Int16(exactly: value).flatMap(Severity.init(rawValue:)) else { throw EventFormError(field: "severity") }
            severity = known
        case .string(let name)?:
            guard let known = Severity.allCases.first(where: { $0.name == name }) else { throw EventFormError(field: "severity") }
            severity = known
        default: throw EventFormError(field: "severity")
        }
        let privileged: Bool
        switch object["privileged"] {
        case nil, .null?: privileged = false
        case .bool(let flag)?: privileged = flag
        default: throw EventFormError(field: "privileged")
        }
        self.init(
            id: id, tenant: try object.text("tenant") ?? "default", source: try required("source"),
            type: EventType(try required("type")), outcome: try choice("outcome", Outcome.unknown) ?? .unknown,
            reason: try object.text("reason"), severity: severity, actorKind: try choice("actor_kind", ActorKind.anonymous) ?? .anonymous,
            privileged: privileged, sensitivity: try choice("sensitivity", Sensitivity?.none), method: try object.text("method"),
            route: try object.text("route"), status: try number("status"), durationMicroseconds: try number("duration_us"))
    }
}

extension AuditEvent {
    /// The header's members and `body`: one line of Cardea's JSON lines.
    public var json: JSONObject {
        var object = header.json
        object["body"] = .object(body.json)
        return object
    }

    /// Reads the form that `json` gives; members it does not know are ignored.
    ///
    /// - Throws: `EventFormError` as `EventHeader.init(json:)`.
    public init(json value: JSONValue) throws(EventFormError) {
        guard let object = value.object else { throw EventFormError(field: "(the event)") }
        let body: EventBody
        switch object["body"] {
        case nil, .null?: body = EventBody()
        case .object(let members)?: body = try EventBody(json: members)
        default: throw EventFormError(field: "body")
        }
        self.init(header: try EventHeader(json: object), body: body)
    }
}
