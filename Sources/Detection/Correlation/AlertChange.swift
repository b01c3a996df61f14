public import AuditEvents

/// An event of an alert, and its place in the log.
public struct AlertEvent: Sendable, Hashable {
    public var id: EventID
    public var shard: Int32
    public var index: Int64

    public init(id: EventID, shard: Int32, index: Int64) { (self.id, self.shard, self.index) = (id, shard, index) }
}

/// What a rule found: the events of one group that met its condition, and all that followed soon enough.
public struct Alert: Sendable, Hashable {
    /// A field that the rule groups by, and the value that this alert is about.
    public struct GroupField: Sendable, Hashable {
        public var field: String
        public var value: String
        public init(field: String, value: String) { (self.field, self.value) = (field, value) }
    }

    public var id: AlertID
    public var ruleID: String
    public var ruleTitle: String
    /// The short name by which people and other rules call it, where it has one.
    public var ruleName: String?
    /// The rule's author, whom the Detection Rule License 1.1 asks to name.
    public var ruleAuthor: String?
    public var severity: Severity
    public var tags: [String]
    public var tenant: String
    /// In the order of the rule's `group-by`.
    public var group: [GroupField]
    /// The times of its earliest and latest event.
    public var firstSeen: Timestamp, lastSeen: Timestamp
    /// How many distinct events it holds.
    public var count: Int
    /// The events themselves, in no particular order.
    public var events: [AlertEvent]
}

/// Further events of an alert that was opened before.
public struct AlertExtension: Sendable, Hashable {
    public var id: AlertID
    public var tenant: String
    /// The values that hold now.
    public var firstSeen: Timestamp, lastSeen: Timestamp, count: Int
    /// The events that joined, none of which was in the alert.
    public var events: [AlertEvent]
}

/// Two alerts turned out to be one, since a late event lies between them.
public struct AlertMerge: Sendable, Hashable {
    /// The later alert: it ends, and its events pass to `into`.
    public var absorbed: AlertID
    public var into: AlertID
    public var tenant: String
}

/// What to do to the stored alerts. Changes are applied in order.
public enum AlertChange: Sendable, Hashable {
    case open(Alert)
    case extend(AlertExtension)
    /// Followed by an `extend` of the surviving alert with its values.
    case merge(AlertMerge)
}
