import AuditEvents

/// An event as OCSF 1.8.0 has it. A function of what is shown: a header whose body is erased or withheld says "unknown" where the schema wants a
/// name, and nothing is made up.
enum OCSFEvent {
    static let version = "1.8.0"

    /// - Parameter body: the body's members, or those that are told; empty for a header alone.
    static func json(_ leaf: EventLeaf, _ body: JSONObject) -> JSONObject {
        let kind = OCSFClass(type: leaf.type, method: leaf.method, status: leaf.status)
        let (actor, client, token) = (body["actor"]?.object, body["client"]?.object, body["token"]?.object)
        var user: JSONObject = [:]
        user["name"] = actor?["name"]
        user["uid"] = actor?["id"]
        if user.isEmpty { user["name"] = "unknown" }
        user["type_id"] = .int(
            leaf.actorKind == "user" ? (leaf.privileged ? 2 : 1) : leaf.actorKind == "system" ? 3 : leaf.actorKind == "service" ? 4 : 0)
        var source: JSONObject = [:]
        source["ip"] = client?["ip"]
        source["port"] = client?["port"]
        if source["ip"] == nil { source["name"] = "unknown" }
        let status: Int64 =
            switch leaf.outcome {
            case "success": 1
            case "failure", "denied", "error": 2
            case "unknown": 0
            default: 99
            }
        let severity = (0...6).contains(leaf.severity) ? Int64(leaf.severity) : 99

        var json: JSONObject = [
            "category_uid": .int(kind.uid / 1000), "class_uid": .int(kind.uid), "class_name": .string(kind.name),
            "activity_id": .int(kind.activity), "type_uid": .int(kind.uid * 100 + kind.activity),
            "activity_name": .string(kind.activityName),
            "time": .int(leaf.time.microseconds / 1000), "severity_id": .int(severity), "status_id": .int(status),
            "status": .string(leaf.outcome),
            "message": .string(leaf.type),
        ]
        json["status_detail"] = leaf.reason.map(JSONValue.string)
        json["duration"] = leaf.durationMicroseconds.map { .int($0 / 1000) }
        var metadata: JSONObject = [
            "version": .string(version), "uid": .string(leaf.id), "tenant_uid": .string(leaf.tenant), "event_code": .string(leaf.type),
            "log_name": .string(leaf.source), "logged_time": .int(leaf.sealedAt.microseconds / 1000),
            "product": ["name": "Cardea", "vendor_name": "Cardea"],
        ]
        metadata["correlation_uid"] = body["trace_id"]
        json["metadata"] = .object(metadata)
        var unmapped: JSONObject = ["body_hash": .string(Hexadecimal.encode(leaf.bodyHash))]
        for name in ["details", "target", "service", "span_id"] { unmapped[name] = body[name] }
        unmapped["sensitivity"] = leaf.sensitivity.map(JSONValue.string)
        if let token { unmapped["token"] = .object(token) }
        json["unmapped"] = .object(unmapped)

        var session: JSONObject = [:]
        session["uid"] = body["session"]
        switch kind.uid {
        case OCSFClass.authentication:
            json["user"] = .object(user)
            json["service"] = ["name": .string(body["service"]?.string ?? leaf.source)]
            json["src_endpoint"] = .object(source)
            if !session.isEmpty { json["session"] = .object(session) }
        case OCSFClass.authorizeSession:
            json["user"] = .object(user)
            json["privileges"] = [.string(leaf.route ?? body["target"]?.string ?? leaf.reason ?? "unknown")]
            if !session.isEmpty { json["session"] = .object(session) }
        case OCSFClass.userAccess:
            json["user"] = .object(user)
            json["privileges"] = [.string(body["target"]?.string ?? leaf.reason ?? "unknown")]
        case OCSFClass.accountChange:
            // Whose account was changed; who did it is the actor.
            json["user"] = body["target"]?.string.map { ["name": .string($0), "type_id": 0] } ?? .object(user)
            json["actor"] = ["user": .object(user)]
            json["src_endpoint"] = .object(source)
        case OCSFClass.http:
            json["http_request"] = .object(request(leaf, body, client))
            if let code = leaf.status { json["http_response"] = ["code": .int(Int64(code))] }
            json["actor"] = ["user": .object(user)]
            json["src_endpoint"] = .object(source)
            json["dst_endpoint"] = ["svc_name": .string(leaf.source)]
        default:
            json["actor"] = ["user": .object(user), "app_name": .string(leaf.source)]
            json["api"] = ["operation": .string(leaf.type)]
            json["src_endpoint"] = .object(source)
            if leaf.method != nil || body["path"] != nil { json["http_request"] = .object(request(leaf, body, client)) }
        }
        return json
    }

    private static func request(_ leaf: EventLeaf, _ body: JSONObject, _ client: JSONObject?) -> JSONObject {
        var request: JSONObject = [:]
        request["http_method"] = leaf.method.map(JSONValue.string)
        request["user_agent"] = client?["user_agent"]
        request["uid"] = body["request_id"]
        let path = body["path"]?.string
        if path != nil || leaf.route != nil {
            var url: JSONObject = [:]
            url["path"] = path.map { .string(String($0.prefix { $0 != "?" })) }
            url["url_string"] = (path ?? leaf.route).map(JSONValue.string)
            request["url"] = .object(url)
        }
        return request
    }
}

/// The class of an event and what happened in its terms, by the event's type.
struct OCSFClass: Hashable {
    static let accountChange: Int64 = 3001
    static let authentication: Int64 = 3002
    static let authorizeSession: Int64 = 3003
    static let userAccess: Int64 = 3005
    static let http: Int64 = 4002
    static let api: Int64 = 6003

    var uid: Int64
    var activity: Int64
    var activityName: String

    var name: String {
        switch uid {
        case OCSFClass.accountChange: "Account Change"
        case OCSFClass.authentication: "Authentication"
        case OCSFClass.authorizeSession: "Authorize Session"
        case OCSFClass.userAccess: "User Access Management"
        case OCSFClass.http: "HTTP Activity"
        default: "API Activity"
        }
    }

    private init(_ uid: Int64, _ activity: Int64, _ name: String) { (self.uid, self.activity, activityName) = (uid, activity, name) }

    init(type: String, method: String?, status: Int16?) {
        switch type {
        case "authn_login_lock": self.init(OCSFClass.accountChange, 9, "Lock")
        case "authn_password_change", "authn_password_change_fail": self.init(OCSFClass.accountChange, 3, "Password Change")
        case "user_created": self.init(OCSFClass.accountChange, 1, "Create")
        case "user_deleted": self.init(OCSFClass.accountChange, 6, "Delete")
        case _ where type.hasPrefix("user_"): self.init(OCSFClass.accountChange, 99, type)
        case "session_created": self.init(OCSFClass.authentication, 1, "Logon")
        case "session_renewed": self.init(OCSFClass.authentication, 4, "Service Ticket Request")
        case "session_ended", "session_expired": self.init(OCSFClass.authentication, 2, "Logoff")
        case _ where type.hasPrefix("session_"): self.init(OCSFClass.authentication, 99, type)
        case "authn_aborted": self.init(OCSFClass.authentication, 6, "Preauth")
        case "authn_token_created": self.init(OCSFClass.authentication, 3, "Authentication Ticket")
        case _ where type.hasPrefix("authn_login"): self.init(OCSFClass.authentication, 1, "Logon")
        case _ where type.hasPrefix("authn_"): self.init(OCSFClass.authentication, 99, type)
        case "authz_change": self.init(OCSFClass.userAccess, 1, "Assign Privileges")
        case "authz_success", "authz_fail": self.init(OCSFClass.authorizeSession, 1, "Assign Privileges")
        case "http_request": self.init(OCSFClass.http, method)
        case _
        where (type.hasPrefix("malicious_") || type.hasPrefix("input_") || type.hasPrefix("excess_")) && (method != nil || status != nil):
            self.init(OCSFClass.http, method)
        case _ where type.hasSuffix("_created") || type.hasSuffix("_added") || type.hasSuffix("_made"):
            self.init(OCSFClass.api, 1, "Create")
        case _ where type.hasPrefix("audit_read") || type.hasSuffix("_verified") || type.hasSuffix("_fetched"):
            self.init(OCSFClass.api, 2, "Read")
        case _ where type.hasSuffix("_deleted") || type.hasSuffix("_erased") || type.hasSuffix("_dropped"):
            self.init(OCSFClass.api, 4, "Delete")
        case _ where type.hasPrefix("audit_") || type == "authz_admin": self.init(OCSFClass.api, 3, "Update")
        default: self.init(OCSFClass.api, 99, type)
        }
    }

    private init(_ uid: Int64, _ method: String?) {
        let known: [String: Int64] = [
            "CONNECT": 1, "DELETE": 2, "GET": 3, "HEAD": 4, "OPTIONS": 5, "POST": 6, "PUT": 7, "TRACE": 8, "PATCH": 9,
        ]
        guard let method else {
            self.init(uid, 0, "Unknown")
            return
        }
        let activity = known[method.uppercased()] ?? 99
        self.init(uid, activity, activity == 99 ? method : method.prefix(1).uppercased() + method.dropFirst().lowercased())
    }
}
