public import AuditEvents

/// What the layers of a request find out about it, for its events.
public struct AuditFacts: Sendable {
    public var actor: EventBody.Actor?
    public var actorKind: ActorKind = .anonymous
    /// Whether administrative rights were used.
    public var privileged = false
    /// The fingerprint of the session's id.
    public var session: String?
    public var token: EventBody.Token?
    /// What is acted on.
    public var target: String?
    public var sensitivity: Sensitivity?
    /// Why the request was not served: a code, never an error's text.
    public var reason: String?
    public var details: JSONObject = [:]

    public init() {}
}
