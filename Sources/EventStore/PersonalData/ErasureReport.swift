public import AuditEvents

/// What an erasure did, or would do.
public struct ErasureReport: Sendable, Hashable {
    /// The row of `audit.erasure`; nil where nothing was changed.
    public var id: Int64?
    public var tenant: String
    /// What stands for the subject from now on.
    public var fingerprint: String
    /// Events of the subject, and Cardea's own that named it.
    public var events: Int64
    public var ownEvents: Int64 = 0
    /// By kind, how many rows of what was made of them: `view_rows`, `alerts`, `notes`, `deliveries`, …
    public var cleared: JSONObject = [:]

    public var json: JSONObject {
        [
            "erasure": id.map(JSONValue.int) ?? .null, "tenant": .string(tenant), "subject": .string(fingerprint), "events": .int(events),
            "own_events": .int(ownEvents), "cleared": .object(cleared),
        ]
    }
}
