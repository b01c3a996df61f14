public import AuditEvents

/// Something about the stored record that no way of Cardea's leads to.
public struct RecordFinding: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A row of the log is gone: an index has nothing.
        case indexMissing = "index_missing"
        /// The log names an event that is not there.
        case eventMissing = "event_missing"
        /// The header, the time of sealing or the body's hash is not what was hashed.
        case headerChanged = "header_changed"
        case bodyChanged = "body_changed"
        /// A body is gone that nobody erased.
        case bodyMissing = "body_missing"
        /// A column that was copied out of the body does not say what the body says.
        case columnChanged = "column_changed"
        /// An event lies in a partition that is not for its time.
        case partitionChanged = "partition_changed"
        /// The clock of the sealer goes backwards along the index.
        case orderChanged = "order_changed"
        /// An event that the sealer has passed and gave no index.
        case eventInserted = "event_inserted"
        /// One event has two indexes.
        case eventRepeated = "event_repeated"
        /// The log has indexes that were never given, or its head was set back.
        case headChanged = "head_changed"
        case tileMissing = "tile_missing"
        case tileChanged = "tile_changed"
        /// The tree is shorter than what was signed, or its edge is not what the leaves give.
        case treeChanged = "tree_changed"
        /// A signed checkpoint has another root than the tree.
        case rootChanged = "root_changed"
        /// A checkpoint's signature does not hold, or its row contradicts its note.
        case checkpointChanged = "checkpoint_changed"
    }

    public var kind: Kind
    public var shard: Int32
    public var index: Int64?
    public var event: String?
    public var message: String

    public init(_ kind: Kind, shard: Int32, index: Int64? = nil, event: String? = nil, _ message: String) {
        (self.kind, self.shard, self.index, self.event, self.message) = (kind, shard, index, event, message)
    }

    public var json: JSONObject {
        var object: JSONObject = ["kind": .string(kind.rawValue), "shard": .int(Int64(shard)), "message": .string(message)]
        object["index"] = index.map(JSONValue.int)
        object["event"] = event.map(JSONValue.string)
        return object
    }
}
