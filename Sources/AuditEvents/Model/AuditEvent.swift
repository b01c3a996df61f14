/// One thing that happened: a header that proves and a body that tells.
public struct AuditEvent: Sendable, Hashable {
    public var header: EventHeader
    public var body: EventBody

    public init(header: EventHeader, body: EventBody = EventBody()) { (self.header, self.body) = (header, body) }

    public var id: EventID { header.id }
    public var time: Timestamp { header.time }
}

/// An event that was sealed: its place in its shard's log.
public struct SealedEvent: Sendable, Hashable {
    public var shard: Int32
    /// Contiguous from 0 within the shard.
    public var index: Int64
    /// The sealer's clock; never decreases along the index.
    public var sealedAt: Timestamp
    public var event: AuditEvent

    public init(shard: Int32, index: Int64, sealedAt: Timestamp, event: AuditEvent) {
        (self.shard, self.index, self.sealedAt, self.event) = (shard, index, sealedAt, event)
    }
}
