import AuditEvents

/// Sessions by fingerprint: who, since when, from where, and how they ended.
enum SessionView: View {
    static let name = "session"
    static let version = 1

    struct Key: ViewKey {
        var tenant: KeyText
        var session: KeyText

        var columns: JSONObject { ["tenant": JSONValue(tenant), "session": JSONValue(session)] }

        init(tenant: KeyText, session: KeyText) { (self.tenant, self.session) = (tenant, session) }

        init(columns: JSONObject) throws {
            tenant = try columns.key("tenant")
            session = try columns.key("session")
        }
    }

    struct Row: ViewRow {
        var actor: String?
        /// `open`, `ended` or `expired`.
        var state = "open"
        var created: Timestamp?
        var ended: Timestamp?
        var endReason: String?
        var firstSeen: Timestamp
        var lastSeen: Timestamp
        var requests: Int64 = 0
        var addresses: [String] = []

        init(at time: Timestamp) { (firstSeen, lastSeen) = (time, time) }

        init(key: Key, columns: JSONObject) throws {
            actor = columns["actor"]?.string
            state = try columns.text(column: "state")
            created = try columns.time("created")
            ended = try columns.time("ended")
            endReason = columns["end_reason"]?.string
            firstSeen = try columns.moment("first_seen")
            lastSeen = try columns.moment("last_seen")
            requests = try columns.integer("requests")
            addresses = try columns.texts("addresses")
        }

        var columns: JSONObject {
            [
                "actor": JSONValue(optional: actor), "state": .string(state), "created": JSONValue(created), "ended": JSONValue(ended),
                "end_reason": JSONValue(optional: endReason), "first_seen": JSONValue(firstSeen), "last_seen": JSONValue(lastSeen),
                "requests": .int(requests), "addresses": JSONValue(addresses),
            ]
        }
    }

    static func keys(of event: AuditEvent) -> [Key] {
        guard let session = event.body.session else { return [] }
        return [Key(tenant: KeyText(event.header.tenant), session: KeyText(session))]
    }

    static func fold(_ event: AuditEvent, into row: inout Row?, key: Key) {
        var next = row ?? Row(at: event.time)
        next.firstSeen = min(next.firstSeen, event.time)
        next.lastSeen = max(next.lastSeen, event.time)
        next.actor = next.actor ?? event.body.actor?.name ?? event.body.actor?.id
        RowBounds.insert(event.body.client?.ip, into: &next.addresses)
        switch event.header.type {
        case .sessionCreated: next.created = earlier(next.created, event.time)
        case .sessionEnded, .sessionExpired:
            next.state = event.header.type == .sessionEnded ? "ended" : "expired"
            next.ended = later(next.ended, event.time)
            next.endReason = event.header.reason
        case .httpRequest: next.requests += 1
        default: break
        }
        row = next
    }
}
