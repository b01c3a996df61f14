import AuditEvents

/// Tokens by fingerprint. Suspicious are those that were refused or reused, or seen from a second address with a second agent.
enum SuspiciousTokenView: View {
    static let name = "suspicious_token"
    static let version = 1

    struct Key: ViewKey {
        var tenant: KeyText
        var token: KeyText

        var columns: JSONObject { ["tenant": JSONValue(tenant), "token": JSONValue(token)] }

        init(tenant: KeyText, token: KeyText) { (self.tenant, self.token) = (tenant, token) }

        init(columns: JSONObject) throws {
            tenant = try columns.key("tenant")
            token = try columns.key("token")
        }
    }

    struct Row: ViewRow {
        var reasons: [String: Int64] = [:]
        var addresses: [String] = []
        var agents: [String] = []
        var uses: Int64 = 0
        var refusals: Int64 = 0
        var isSuspicious = false
        var firstSeen: Timestamp
        var lastSeen: Timestamp

        init(at time: Timestamp) { (firstSeen, lastSeen) = (time, time) }

        init(key: Key, columns: JSONObject) throws {
            reasons = try columns.counts("reasons")
            addresses = try columns.texts("addresses")
            agents = try columns.texts("agents")
            uses = try columns.integer("uses")
            refusals = try columns.integer("refusals")
            isSuspicious = try columns.flag("suspicious")
            firstSeen = try columns.moment("first_seen")
            lastSeen = try columns.moment("last_seen")
        }

        var columns: JSONObject {
            [
                "reasons": JSONValue(reasons), "addresses": JSONValue(addresses), "agents": JSONValue(agents), "uses": .int(uses),
                "refusals": .int(refusals), "suspicious": .bool(isSuspicious), "first_seen": JSONValue(firstSeen),
                "last_seen": JSONValue(lastSeen),
            ]
        }
    }

    static func keys(of event: AuditEvent) -> [Key] {
        guard let token = event.body.token?.fingerprint else { return [] }
        return [Key(tenant: KeyText(event.header.tenant), token: KeyText(token))]
    }

    static func fold(_ event: AuditEvent, into row: inout Row?, key: Key) {
        var next = row ?? Row(at: event.time)
        next.firstSeen = min(next.firstSeen, event.time)
        next.lastSeen = max(next.lastSeen, event.time)
        RowBounds.insert(event.body.client?.ip, into: &next.addresses)
        RowBounds.insert(event.body.client?.userAgent, into: &next.agents)
        switch event.header.type {
        case .tokenRejected, .tokenReuse:
            next.refusals += 1
            next.isSuspicious = true
            RowBounds.count(event.header.reason ?? event.header.type.rawValue, in: &next.reasons)
        case .httpRequest: next.uses += 1
        default: break
        }
        if next.addresses.count > 1, next.agents.count > 1, next.reasons["new_address_and_agent"] == nil {
            next.isSuspicious = true
            // Beside the bounded ones, for it is looked for above.
            next.reasons["new_address_and_agent"] = 1
        }
        row = next
    }
}
