public import AuditEvents
import PostgreSQL

/// Events of the record as events of the Open Cybersecurity Schema Framework 1.8.0.
///
/// The same event gives the same bytes: nothing but the event goes in. Of an event whose body is erased or withheld what the schema requires is
/// said to be unknown; nothing is made up. What the schema has no place for stands under `unmapped`.
public enum OCSFEvent {
    /// The event as a JSON object of its class.
    public static func json(_ event: AuditEvent) -> JSONObject {
        let (header, body) = (event.header, event.body)
        let meaning = OCSFMeaning(event)
        let ocsfClass = meaning.ocsfClass
        var json = ocsfClass.envelope(
            meaning.activity, time: header.time, severity: Int64(header.severity.rawValue), uid: header.id.description,
            tenant: header.tenant)
        json["severity"] = .string(header.severity.name.capitalizedASCII)
        json["message"] = .string(message(header))
        json["metadata"] = json["metadata"]?.object.map { .object(metadata($0, event)) }
        switch header.outcome {
        case .success: (json["status_id"], json["status"]) = (1, "Success")
        case .failure, .denied, .error: (json["status_id"], json["status"]) = (2, "Failure")
        case .unknown: (json["status_id"], json["status"]) = (0, "Unknown")
        }
        json["status_detail"] = .string(header.outcome.rawValue)
        json["status_code"] = header.reason.map(JSONValue.string)
        if let duration = header.durationMicroseconds { json["duration"] = .int(duration / 1000) }

        var unmapped = unmapped(event)
        var details = body.details
        let actor = user(body.actor, header)
        let source = endpoint(body.client)
        switch ocsfClass {
        case .authentication, .authorizeSession:
            json["user"] = .object(actor ?? unknownUser(header))
            if ocsfClass == .authentication {
                json["service"] = ["name": .string(header.source)]
                factors(details["factor"]?.string, &json)
            } else {
                json["privileges"] = .array((details.strings("roles") ?? []).map(JSONValue.string))
            }
            if let session = body.session { json["session"] = ["uid": .string(session)] }
            json["src_endpoint"] = source.map(JSONValue.object)
            json["http_request"] = request(event).map(JSONValue.object)
            json["http_response"] = response(header)
        case .accountChange, .userAccess:
            json["user"] = .object(target(event) ?? actor ?? unknownUser(header))
            if let actor { json["actor"] = .object(withSession(["user": .object(actor)], body)) }
            if ocsfClass == .userAccess {
                json["privileges"] = .array((details.strings("roles") ?? []).map(JSONValue.string))
                details["roles"] = nil
            }
            json["src_endpoint"] = source.map(JSONValue.object)
            json["http_request"] = request(event).map(JSONValue.object)
            json["http_response"] = response(header)
        case .httpActivity:
            json["http_request"] = .object(request(event) ?? [:])
            json["http_response"] = response(header)
            json["src_endpoint"] = source.map(JSONValue.object)
            json["dst_endpoint"] = ["svc_name": .string(header.source)]
            // The class has no place for who acted; an observable keeps it searchable.
            if let actor {
                unmapped["actor"] = .object(actor)
                if let name = (actor["name"] ?? actor["uid"])?.string {
                    json["observables"] = [["name": "unmapped.actor", "type": "User Name", "type_id": 4, "value": .string(name)]]
                }
            }
            if let session = body.session { unmapped["session"] = .string(session) }
        case .apiActivity:
            let operation = [header.method, header.route].compactMap { $0 }.joined(separator: " ")
            json["api"] = [
                "operation": .string(operation.isEmpty ? header.type.rawValue : operation), "service": ["name": .string(header.source)],
            ]
            json["actor"] = .object(withSession(["user": .object(actor ?? unknownUser(header))], body))
            // Cardea's own acts come from it itself. Of others that name no client only that much is known.
            json["src_endpoint"] =
                source.map(JSONValue.object) ?? (header.type.isOwn ? ["svc_name": .string(header.source)] : ["name": "unknown"])
            if let target = body.target { json["resources"] = [["name": .string(target)]] }
            json["http_request"] = request(event).map(JSONValue.object)
            json["http_response"] = response(header)
        case .applicationLifecycle:
            json["app"] = ["name": .string(header.source)]
            if let actor { unmapped["actor"] = .object(actor) }
            if let source { unmapped["src_endpoint"] = .object(source) }
        default:
            if let actor { unmapped["actor"] = .object(actor) }
            if let source { unmapped["src_endpoint"] = .object(source) }
            if let request = request(event) { unmapped["http_request"] = .object(request) }
            if let session = body.session { unmapped["session"] = .string(session) }
        }
        if !details.isEmpty { unmapped["details"] = .object(details) }
        json["unmapped"] = .object(unmapped)
        return json
    }

    private static func message(_ header: EventHeader) -> String {
        "\(header.type): \(header.outcome.rawValue)" + (header.reason.map { " (\($0))" } ?? "")
    }

    private static func metadata(_ common: JSONObject, _ event: AuditEvent) -> JSONObject {
        var metadata = common
        metadata["event_code"] = .string(event.header.type.rawValue)
        metadata["log_name"] = .string(event.header.source)
        metadata["original_time"] = .string(event.header.time.description)
        metadata["log_provider"] = event.body.service.map(JSONValue.string)
        metadata["correlation_uid"] = event.body.requestID.map(JSONValue.string)
        return metadata
    }

    /// What the header and the body say beyond the schema.
    private static func unmapped(_ event: AuditEvent) -> JSONObject {
        let (header, body) = (event.header, event.body)
        var json: JSONObject = ["actor_kind": .string(header.actorKind.rawValue), "privileged": .bool(header.privileged)]
        json["sensitivity"] = header.sensitivity.map { .string($0.rawValue) }
        json["route"] = header.route.map(JSONValue.string)
        json["target"] = body.target.map(JSONValue.string)
        json["trace_id"] = body.traceID.map(JSONValue.string)
        json["span_id"] = body.spanID.map(JSONValue.string)
        json["token"] = body.json["token"]
        return json
    }

    /// Who acted; nil where nobody is named.
    private static func user(_ actor: EventBody.Actor?, _ header: EventHeader) -> JSONObject? {
        guard let actor, actor.id != nil || actor.name != nil else { return nil }
        var user = kind(header)
        user["uid"] = actor.id.map(JSONValue.string)
        user["name"] = actor.name.map(JSONValue.string)
        return user
    }

    private static func unknownUser(_ header: EventHeader) -> JSONObject {
        var user = kind(header)
        user["uid"] = "unknown"
        return user
    }

    private static func kind(_ header: EventHeader) -> JSONObject {
        switch header.actorKind {
        case .anonymous: ["type": "Unknown", "type_id": 0]
        case .user where header.privileged: ["type": "Admin", "type_id": 2]
        case .user: ["type": "User", "type_id": 1]
        case .system: ["type": "System", "type_id": 3]
        case .service: ["type": "Service", "type_id": 4]
        }
    }

    /// The account that was changed, where it is named.
    private static func target(_ event: AuditEvent) -> JSONObject? {
        let name = event.body.details["username"]?.string
        guard event.body.target != nil || name != nil else { return nil }
        var user: JSONObject = ["type": "Unknown", "type_id": 0]
        user["uid"] = event.body.target.map(JSONValue.string)
        user["name"] = name.map(JSONValue.string)
        return user
    }

    private static func withSession(_ actor: JSONObject, _ body: EventBody) -> JSONObject {
        guard let session = body.session else { return actor }
        var actor = actor
        actor["session"] = ["uid": .string(session)]
        return actor
    }

    private static func endpoint(_ client: EventBody.Client?) -> JSONObject? {
        guard let ip = client?.ip else { return nil }
        // The schema takes addresses of at most 40 characters, without a network's length.
        let isAddress = ip.utf8.count <= 40 && !ip.utf8.contains(UInt8(ascii: "/")) && PostgresInet(ip).isValid
        var endpoint: JSONObject = [isAddress ? "ip" : "name": .string(ip)]
        endpoint["port"] = client?.port.map { .int(Int64($0)) }
        return endpoint
    }

    private static func request(_ event: AuditEvent) -> JSONObject? {
        var request = JSONObject()
        if let method = event.header.method, OCSFEvent.methods.contains(method) { request["http_method"] = .string(method) }
        if let path = event.body.path {
            let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            var url: JSONObject = ["path": .string(String(parts[0]))]
            if parts.count > 1 { url["query_string"] = .string(String(parts[1])) }
            request["url"] = .object(url)
        }
        request["user_agent"] = event.body.client?.userAgent.map(JSONValue.string)
        if !request.isEmpty { request["uid"] = event.body.requestID.map(JSONValue.string) }
        return request.isEmpty ? nil : request
    }

    private static let methods: Set<String> = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH"]

    private static func response(_ header: EventHeader) -> JSONValue? { header.status.map { ["code": .int(Int64($0))] } }

    /// `password+totp`, `oauth:google`: the factors of a sign-in.
    private static func factors(_ text: String?, _ json: inout JSONObject) {
        guard let text, !text.isEmpty else { return }
        let parts = text.split(separator: "+").prefix(8)
        json["auth_factors"] = .array(
            parts.map { part in
                switch part {
                case "password": ["factor_type": "Password", "factor_type_id": 11]
                case "totp": ["factor_type": "OTP", "factor_type_id": 7, "is_totp": true]
                case "webauthn", "passkey": ["factor_type": "WebAuthn", "factor_type_id": 10]
                default: ["factor_type": .string(String(part)), "factor_type_id": 99]
                }
            })
        json["is_mfa"] = .bool(parts.count > 1)
        if parts.first?.hasPrefix("oauth:") == true { (json["auth_protocol"], json["auth_protocol_id"]) = ("OAUTH 2.0", 6) }
    }
}

extension String {
    /// The first letter in upper case.
    fileprivate var capitalizedASCII: String { prefix(1).uppercased() + dropFirst() }
}
