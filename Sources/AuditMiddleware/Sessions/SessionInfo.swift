public import AuditEvents

/// A live session as its owner may see it.
public struct SessionInfo: Sendable, Hashable {
    /// By which it can be ended; opens nothing.
    public var id: String
    public var created: Timestamp
    /// To within a minute.
    public var seen: Timestamp
    public var expires: Timestamp
    public var clientIP: String?
    public var userAgent: String?
    /// Whether it is the one that asks.
    public var isCurrent: Bool

    init(_ session: StoredSession, current: String?) {
        (id, created, seen, expires) = (session.handle, session.created, session.seen, session.expires)
        (clientIP, userAgent) = (session.clientIP, session.userAgent)
        isCurrent = session.handle == current
    }

    public var json: JSONObject {
        var json: JSONObject = [
            "id": .string(id), "created": .string(created.description), "seen": .string(seen.description),
            "expires": .string(expires.description), "current": .bool(isCurrent),
        ]
        if let clientIP { json["client_ip"] = .string(clientIP) }
        if let userAgent { json["user_agent"] = .string(userAgent) }
        return json
    }
}
