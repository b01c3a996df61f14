import AuditEvents

/// Requests over a limit, per client, policy and route.
enum RateLimitViolationView: View {
    static let name = "rate_limit_violation"
    static let version = 1

    struct Key: ViewKey {
        var tenant: KeyText
        var client: KeyText
        var policy: KeyText
        var route: KeyText

        var columns: JSONObject {
            ["tenant": JSONValue(tenant), "client": JSONValue(client), "policy": JSONValue(policy), "route": JSONValue(route)]
        }

        init(tenant: KeyText, client: KeyText, policy: KeyText, route: KeyText) {
            (self.tenant, self.client, self.policy, self.route) = (tenant, client, policy, route)
        }

        init(columns: JSONObject) throws {
            tenant = try columns.key("tenant")
            client = try columns.key("client")
            policy = try columns.key("policy")
            route = try columns.key("route")
        }
    }

    struct Row: ViewRow {
        var violations: Int64 = 0
        var firstSeen: Timestamp
        var lastSeen: Timestamp

        init(at time: Timestamp) { (firstSeen, lastSeen) = (time, time) }

        init(key: Key, columns: JSONObject) throws {
            violations = try columns.integer("violations")
            firstSeen = try columns.moment("first_seen")
            lastSeen = try columns.moment("last_seen")
        }

        var columns: JSONObject {
            ["violations": .int(violations), "first_seen": JSONValue(firstSeen), "last_seen": JSONValue(lastSeen)]
        }
    }

    static func keys(of event: AuditEvent) -> [Key] {
        guard event.header.type == .rateLimitExceeded else { return [] }
        let path = event.body.path.map { String($0.prefix { $0 != "?" }) }
        return [
            Key(
                tenant: KeyText(event.header.tenant), client: KeyText(event.body.client?.ip ?? event.body.actor?.name ?? "(unknown)"),
                policy: KeyText(event.body.details["policy"]?.string ?? event.header.reason ?? "(none)"),
                route: KeyText(event.header.route ?? path ?? "(none)"))
        ]
    }

    static func fold(_ event: AuditEvent, into row: inout Row?, key: Key) {
        var next = row ?? Row(at: event.time)
        next.violations += 1
        next.firstSeen = min(next.firstSeen, event.time)
        next.lastSeen = max(next.lastSeen, event.time)
        row = next
    }
}
