public import AuditEvents

/// What one log line says, before it has an id, a tenant and a source.
public struct LogRecord: Sendable, Equatable {
    public var time: Timestamp
    public var type: EventType
    public var outcome: Outcome
    /// A short machine-readable code; for a limit its zone or policy.
    public var reason: String?
    public var severity: Severity
    public var actorKind: ActorKind
    public var privileged: Bool
    public var sensitivity: Sensitivity?
    /// The HTTP method, where it is a plausible token.
    public var method: String?
    public var route: String?
    /// The HTTP status.
    public var status: Int16?
    public var durationMicroseconds: Int64?
    public var body: EventBody
    /// How many times the thing happened: `message repeated 3 times` is 3. At least 1, at most ``maximumRepetitions``.
    public var repetitions: Int
    /// The event's own id, tenant and source: only in Cardea's own lines.
    public var id: EventID?
    public var tenant: String?
    public var source: String?

    /// A line that claims more repetitions is rejected: it would make that many events.
    public static let maximumRepetitions = 100_000

    public init(
        time: Timestamp, type: EventType, outcome: Outcome, reason: String? = nil, severity: Severity = .informational,
        actorKind: ActorKind = .anonymous, privileged: Bool = false, sensitivity: Sensitivity? = nil, method: String? = nil,
        route: String? = nil, status: Int16? = nil, durationMicroseconds: Int64? = nil, body: EventBody = EventBody(),
        repetitions: Int = 1, id: EventID? = nil, tenant: String? = nil, source: String? = nil
    ) {
        self.time = time
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
        self.body = body
        self.repetitions = repetitions
        self.id = id
        self.tenant = tenant
        self.source = source
    }
}
