import AuditEvents

/// Failed sign-ins, per account and per address. A row begins with its first failure; a success ends the streak.
enum FailedLoginView: View {
    static let name = "failed_login"
    static let version = 2

    struct Key: ViewKey {
        var tenant: KeyText
        /// `account` or `address`.
        var kind: KeyText
        var subject: KeyText

        var columns: JSONObject { ["tenant": JSONValue(tenant), "kind": JSONValue(kind), "subject": JSONValue(subject)] }

        init(tenant: KeyText, kind: KeyText, subject: KeyText) { (self.tenant, self.kind, self.subject) = (tenant, kind, subject) }

        init(columns: JSONObject) throws {
            tenant = try columns.key("tenant")
            kind = try columns.key("kind")
            subject = try columns.key("subject")
        }
    }

    struct Row: ViewRow {
        var failures: Int64 = 0
        var successes: Int64 = 0
        var streak: Int64 = 0
        var longestStreak: Int64 = 0
        var firstFailure: Timestamp?
        var lastFailure: Timestamp?
        var lastSuccess: Timestamp?
        var reasons: [String: Int64] = [:]

        init() {}

        init(key: Key, columns: JSONObject) throws {
            failures = try columns.integer("failures")
            successes = try columns.integer("successes")
            streak = try columns.integer("streak")
            longestStreak = try columns.integer("longest_streak")
            firstFailure = try columns.time("first_failure")
            lastFailure = try columns.time("last_failure")
            lastSuccess = try columns.time("last_success")
            reasons = try columns.counts("reasons")
        }

        var columns: JSONObject {
            [
                "failures": .int(failures), "successes": .int(successes), "streak": .int(streak), "longest_streak": .int(longestStreak),
                "first_failure": JSONValue(firstFailure), "last_failure": JSONValue(lastFailure), "last_success": JSONValue(lastSuccess),
                "reasons": JSONValue(reasons),
            ]
        }
    }

    static func keys(of event: AuditEvent) -> [Key] {
        // It follows the failure that reached the lockout's limit, which was counted.
        if event.header.type == .loginFailureMaximum, event.header.reason == "max_failures" { return [] }
        switch event.header.type {
        case .loginFailure, .loginFailureMaximum, .loginSuccess, .loginSuccessAfterFailure: break
        default: return []
        }
        let tenant = KeyText(event.header.tenant)
        var keys: [Key] = []
        if let account = event.body.actor?.name ?? event.body.actor?.id {
            keys.append(Key(tenant: tenant, kind: "account", subject: KeyText(account)))
        }
        if let address = event.body.client?.ip { keys.append(Key(tenant: tenant, kind: "address", subject: KeyText(address))) }
        return keys
    }

    static func fold(_ event: AuditEvent, into row: inout Row?, key: Key) {
        switch event.header.type {
        case .loginFailure, .loginFailureMaximum:
            var next = row ?? Row()
            next.failures += 1
            next.streak += 1
            next.longestStreak = max(next.longestStreak, next.streak)
            next.firstFailure = earlier(next.firstFailure, event.time)
            next.lastFailure = later(next.lastFailure, event.time)
            RowBounds.count(event.header.reason ?? "unknown", in: &next.reasons)
            row = next
        default:
            row?.successes += 1
            row?.streak = 0
            if let last = row?.lastSuccess { row?.lastSuccess = max(last, event.time) } else { row?.lastSuccess = event.time }
        }
    }
}
