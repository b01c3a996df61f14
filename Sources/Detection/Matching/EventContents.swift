import AuditEvents

/// The fields of one event, each read and lower-cased at most once, by slot.
struct EventContents {
    struct Text {
        let original: [UInt8]
        let lowered: [UInt8]

        init(_ bytes: [UInt8]) { (original, lowered) = (bytes, LetterCase.lowered(bytes)) }
    }

    private let fields: [EventField]
    private var texts: [[Text]?]
    private var keywords: [Text]?
    /// The groups that the event was found to belong to, by the fields that make them.
    private var groups: [(slots: [Int], key: GroupKey)] = []
    private var event: AuditEvent
    /// For each rule the number of the last event that held a literal of it.
    var marks: [UInt32] = []
    var mark: UInt32 = 0

    init(fields: [EventField], event: AuditEvent) {
        self.fields = fields
        self.event = event
        texts = Array(repeating: nil, count: fields.count)
    }

    /// Begins another event.
    mutating func reset(_ event: AuditEvent) {
        self.event = event
        keywords = nil
        groups.removeAll(keepingCapacity: true)
        for slot in texts.indices { texts[slot] = nil }
    }

    subscript(_ slot: Int) -> [Text] {
        mutating get {
            if let known = texts[slot] { return known }
            let read = fields[slot].texts(of: event).map(Text.init)
            texts[slot] = read
            return read
        }
    }

    var keywordTexts: [Text] {
        mutating get {
            if let keywords { return keywords }
            let read = EventField.keywordTexts(of: event).map(Text.init)
            keywords = read
            return read
        }
    }

    /// The group that the fields in `slots` put the event in; a missing one counts as empty.
    mutating func groupKey(_ slots: [Int]) -> GroupKey {
        for known in groups where known.slots == slots { return known.key }
        let key = GroupKey(tenant: event.header.tenant, values: slots.map { self[$0].first?.original ?? [] })
        groups.append((slots, key))
        return key
    }
}
