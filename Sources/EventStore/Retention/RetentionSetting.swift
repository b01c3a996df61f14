public import AuditEvents

/// How long the events of a tenant are kept.
public struct RetentionSetting: Sendable, Hashable {
    /// Nil: every tenant that has no setting of its own.
    public var tenant: String?
    public var days: Int32
    public var setBy: String
    public var setAt: Timestamp

    public var json: JSONObject {
        [
            "tenant": tenant.map(JSONValue.string) ?? .null, "keep_days": .int(Int64(days)), "set_by": .string(setBy),
            "set_at": .string(setAt.description),
        ]
    }
}
