import AuditEvents

/// A field of an event that a rule can name.
enum EventField: Sendable, Hashable {
    case actor, actorID, actorName, actorKind, clientIP, clientPort, userAgent
    case tenant, source, type, outcome, reason, severity, privileged, method, route, status, duration
    case path, pathStem, decodedPath, decodedReferer, session, token, tokenIssuer, tokenKeyID, tokenJTI, target, requestID, traceID, spanID,
        service, time
    case details(String)

    /// The field's content: none where the event does not say.
    func texts(of event: AuditEvent) -> [[UInt8]] {
        switch self {
        case .details(let name): return EventField.details(event.body.details, name)
        case .decodedPath: return RequestText.target(of: event)
        case .decodedReferer: return RequestText.referer(of: event)
        default: break
        }
        guard let text = text(of: event) else { return [] }
        return [Array(text.utf8)]
    }

    private func text(of event: AuditEvent) -> String? {
        let header = event.header
        let body = event.body
        switch self {
        case .actor: return body.actor?.name ?? body.actor?.id
        case .actorID: return body.actor?.id
        case .actorName: return body.actor?.name
        case .actorKind: return header.actorKind.rawValue
        case .clientIP: return body.client?.ip
        case .clientPort: return body.client?.port.map { String($0) }
        case .userAgent: return body.client?.userAgent
        case .tenant: return header.tenant
        case .source: return header.source
        case .type: return header.type.rawValue
        case .outcome: return header.outcome.rawValue
        case .reason: return header.reason
        case .severity: return header.severity.name
        case .privileged: return header.privileged ? "true" : "false"
        case .method: return header.method
        case .route: return header.route
        case .status: return header.status.map { String($0) }
        case .duration: return header.durationMicroseconds.map { String($0) }
        case .path: return body.path
        case .pathStem:
            guard let path = body.path else { return nil }
            return String(decoding: path.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }, as: UTF8.self)
        case .session: return body.session
        case .token: return body.token?.fingerprint
        case .tokenIssuer: return body.token?.issuer
        case .tokenKeyID: return body.token?.keyID
        case .tokenJTI: return body.token?.jti
        case .target: return body.target
        case .requestID: return body.requestID
        case .traceID: return body.traceID
        case .spanID: return body.spanID
        case .service: return body.service
        case .time: return event.time.description
        case .details, .decodedPath, .decodedReferer: return nil
        }
    }

    /// A member by its whole name, else by its dotted path.
    static func details(_ details: JSONObject, _ name: String) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        // A null says as little as no member at all.
        if let value = details[name], value != .null {
            collect(value, into: &texts)
            return texts
        }
        guard name.utf8.contains(UInt8(ascii: ".")) else { return [] }
        var members = details
        let path = name.split(separator: ".").map(String.init)
        for (offset, step) in path.enumerated() {
            guard let value = members[step] else { return [] }
            if offset == path.count - 1 {
                collect(value, into: &texts)
            } else {
                members = value.object ?? JSONObject()
            }
        }
        return texts
    }

    /// The scalars in a value, lists and objects opened.
    static func collect(_ value: JSONValue, into texts: inout [[UInt8]], depth: Int = 0) {
        guard depth < 32 else { return }
        switch value {
        case .null: break
        case .bool(let value): texts.append(Array((value ? "true" : "false").utf8))
        case .int(let value): texts.append(Array(String(value).utf8))
        case .double(let value): texts.append(Array(String(value).utf8))
        case .string(let value): texts.append(Array(value.utf8))
        case .array(let values): for value in values { collect(value, into: &texts, depth: depth + 1) }
        case .object(let members):
            for member in members.members { collect(member.value, into: &texts, depth: depth + 1) }
        }
    }

    /// Every text that a keyword is sought in.
    static func keywordTexts(of event: AuditEvent) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        for field in keywordFields { texts += field.texts(of: event) }
        for member in event.body.details.members { collect(member.value, into: &texts) }
        return texts
    }

    private static let keywordFields: [EventField] = [
        .path, .userAgent, .actorName, .actorID, .clientIP, .target, .method, .route, .status, .reason, .service, .type, .source,
    ]
}
