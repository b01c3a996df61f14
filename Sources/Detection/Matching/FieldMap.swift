import AuditEvents

/// How the names in rules map to the fields of Cardea's events: Sigma's webserver and authentication taxonomies, the common names of ECS and
/// OCSF, and Cardea's own. Adding a name is adding a line.
enum FieldMap {
    /// Cardea's own names.
    static let own: [String: EventField] = [
        "actor": .actor, "actor.id": .actorID, "actor.name": .actorName, "actor_kind": .actorKind, "client_ip": .clientIP,
        "client_port": .clientPort, "user_agent": .userAgent, "tenant": .tenant, "source": .source, "type": .type, "outcome": .outcome,
        "reason": .reason, "severity": .severity, "privileged": .privileged, "method": .method, "route": .route, "status": .status,
        "duration_us": .duration, "path": .path, "path.decoded": .decodedPath, "path.stem": .pathStem, "referer.decoded": .decodedReferer,
        "session": .session, "token": .token, "token.issuer": .tokenIssuer,
        "token.key_id": .tokenKeyID, "token.jti": .tokenJTI, "target": .target, "request_id": .requestID, "trace_id": .traceID,
        "span_id": .spanID, "service": .service, "time": .time,
    ]

    /// Sigma's webserver taxonomy (W3C extended log format). SigmaHQ's rules look for paths in `cs-uri-query`, so it is the whole target.
    static let webserver: [String: EventField] = [
        "c-ip": .clientIP, "c-uri": .path, "c-uri-query": .path, "c-uri-stem": .pathStem, "c-useragent": .userAgent,
        "cs-host": .details("host"),
        "cs-method": .method, "cs-referer": .details("referer"), "cs-referrer": .details("referer"), "cs-uri": .path, "cs-uri-query": .path,
        "cs-uri-stem": .pathStem, "cs-user-agent": .userAgent, "cs-username": .actor, "cs-version": .details("protocol"),
        "sc-bytes": .details("bytes"), "sc-status": .status,
    ]

    /// Names of authentication and application rules.
    static let authentication: [String: EventField] = [
        "user": .actor, "User": .actor, "username": .actor, "UserName": .actor, "TargetUserName": .actor, "SubjectUserName": .actor,
        "src_ip": .clientIP, "src-ip": .clientIP, "IpAddress": .clientIP, "SourceIp": .clientIP, "ipAddress": .clientIP,
        "event_type": .type, "eventType": .type, "fingerprint": .token, "policy": .details("policy"), "uri": .path, "url": .path,
    ]

    /// Elastic Common Schema and OCSF.
    static let schemas: [String: EventField] = [
        "@timestamp": .time, "client.ip": .clientIP, "event.action": .type, "event.outcome": .outcome, "event.reason": .reason,
        "http.request.method": .method,
        "http.request.referrer": .details("referer"), "http.response.status_code": .status, "service.name": .service,
        "source.ip": .clientIP,
        "url.original": .path, "url.path": .pathStem, "user.id": .actorID, "user.name": .actor, "user_agent.original": .userAgent,
        "actor.user.name": .actor, "actor.user.uid": .actorID, "http_request.http_method": .method, "http_request.user_agent": .userAgent,
        "http_response.code": .status, "session.uid": .session, "src_endpoint.ip": .clientIP,
    ]

    /// The field that a rule calls `name`, or nil for a name that no taxonomy here has.
    static func known(_ name: String) -> EventField? {
        if let field = own[name] ?? webserver[name] ?? authentication[name] ?? schemas[name] { return field }
        return name.utf8.starts(with: "details.".utf8) ? .details(String(name.dropFirst(8))) : nil
    }

    /// The field that a rule calls `name`; an unknown name is sought among the event's details.
    static func field(_ name: String) -> EventField { known(name) ?? .details(name) }

    /// Sets a field of Cardea's own names; false for an unknown one or a value it cannot hold.
    static func set(_ name: String, to text: String, in event: inout AuditEvent) -> Bool {
        switch known(name) {
        case .actor, .actorName: event.body.actor = .init(id: event.body.actor?.id, name: text)
        case .actorID: event.body.actor = .init(id: text, name: event.body.actor?.name)
        case .clientIP: setClient(&event) { $0.ip = text }
        case .userAgent: setClient(&event) { $0.userAgent = text }
        case .tenant: event.header.tenant = text
        case .source: event.header.source = text
        case .type: event.header.type = EventType(text)
        case .outcome:
            guard let outcome = Outcome(rawValue: text) else { return false }
            event.header.outcome = outcome
        case .reason: event.header.reason = text
        case .privileged: event.header.privileged = text == "true"
        case .method: event.header.method = text
        case .route: event.header.route = text
        case .status:
            guard let status = Int16(text) else { return false }
            event.header.status = status
        case .path: event.body.path = text
        case .session: event.body.session = text
        case .token: event.body.token = .init(fingerprint: text)
        case .tokenKeyID:
            event.body.token = .init(fingerprint: event.body.token?.fingerprint, keyID: text)
        case .target: event.body.target = text
        case .service: event.body.service = text
        case .details(let key): event.body.details[key] = .string(text)
        default: return false
        }
        return true
    }

    private static func setClient(_ event: inout AuditEvent, _ change: (inout EventBody.Client) -> Void) {
        var client = event.body.client ?? .init()
        change(&client)
        event.body.client = client
    }
}
