public import AuditEvents

/// A partition of the record, and what keeps it.
public struct PartitionPlan: Sendable, Hashable {
    /// Why it stays.
    public struct Block: Sendable, Hashable {
        /// `window`: a tenant's time is not over; `hold`: a legal hold; `work`: not sealed or not folded yet.
        public var cause: String
        public var what: String
    }

    public var name: String
    public var lower: Timestamp
    /// The first moment that is not in it.
    public var upper: Timestamp
    public var events: Int64
    public var bytes: Int64
    public var tenants: [String]
    public var blocks: [Block]

    /// Whether nothing keeps it.
    public var goes: Bool { blocks.isEmpty }

    public var json: JSONObject {
        [
            "partition": .string(name), "from": .string(lower.description), "to": .string(upper.description), "events": .int(events),
            "bytes": .int(bytes), "tenants": .array(tenants.map(JSONValue.string)), "goes": .bool(goes),
            "kept_by": .array(blocks.map { .string($0.what) }),
        ]
    }
}
