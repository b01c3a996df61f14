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
    private var event: AuditEvent

    init(fields: [EventField], event: AuditEvent) {
        self.fields = fields
        self.event = event
        texts = Array(repeating: nil, count: fields.count)
    }

    /// Begins another event.
    mutating func reset(_ event: AuditEvent) {
        self.event = event
        keywords = nil
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
}
