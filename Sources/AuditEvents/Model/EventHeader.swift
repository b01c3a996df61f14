/// What an auditor may see of an event: no personal data, never the URI. Exactly these fields are in the leaf of the Merkle tree.
public struct EventHeader: Sendable, Hashable {
    /// The version of the header's form.
    public static let version = 1

    public var id: EventID
    /// Whose record this is; decides the shard.
    public var tenant: String
    /// What reported it: a service's name, or the log's name of an import.
    public var source: String
    public var type: EventType
    public var outcome: Outcome
    /// A short machine-readable code: `bad_password`, `expired`, `unknown_key`.
    public var reason: String?
    public var severity: Severity
    public var actorKind: ActorKind
    /// Whether the act used administrative rights.
    public var privileged: Bool
    public var sensitivity: Sensitivity?
    public var method: String?
    /// The route's template (`/users/{id}`), never the path.
    public var route: String?
    /// The HTTP status.
    public var status: Int16?
    public var durationMicroseconds: Int64?

    /// When it happened: a function of the id.
    public var time: Timestamp { id.time }

    public init(
        id: EventID, tenant: String = "default", source: String, type: EventType, outcome: Outcome, reason: String? = nil,
        severity: Severity = .informational, actorKind: ActorKind = .anonymous, privileged: Bool = false, sensitivity: Sensitivity? = nil,
        method: String? = nil, route: String? = nil, status: Int16? = nil, durationMicroseconds: Int64? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.source = source
        self.type = type
        self.outcome = outcome
        self.reason = reason
        self.severity = severity
        self.actorKind = actorKind
        self.privileged = privileged
        self.sensitivity = sensitivity
        self.method = method
        self.route = route
        self.status = status
        self.durationMicroseconds = durationMicroseconds
    }
}
