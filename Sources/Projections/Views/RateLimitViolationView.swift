import AuditEvents

/// Requests over a limit, per client, policy and route.
enum RateLimitViolationView: View {
    static let name = "rate_limit_violation"
    static let version = 1

    struct Key: ViewKey {
        var tenant: String
        var client: String
        var policy: String
        var route: String

        var columns: JSONObject {
            ["tenant": .string(tenant), "client": .string(client), "policy": .string(policy), "route": .string(route)]
        }

        init(tenant: String, client: String, policy: String, route: String) {
            (self.tenant, self.client, self.policy, self.route) = (tenant, client, policy, route)
        }

        init(columns: JSONObject) throws {
            tenant = try columns.text(column: "tenant")
            client = try columns.text(column: "client")
            policy = try columns.text(column: "policy")
            route = try columns.text(column: "route")
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
                tenant: event.header.tenant, client: event.body.client?.ip ?? event.body.actor?.name ?? "(unknown)",
                policy: event.body.details["policy"]?.string ?? event.header.reason ?? "(none)",
                route: event.header.route ?? path ?? "(none)")
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
