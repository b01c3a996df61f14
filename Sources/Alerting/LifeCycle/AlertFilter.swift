public import AuditEvents
import PostgreSQL

/// Which alerts a list asks for. Empty lists and nils ask for everything.
public struct AlertFilter: Sendable, Hashable {
    /// Nil: every alert that somebody should still look at, or all of them with `includesSettled`. Those merged away only when asked for by state.
    public var states: [AlertState] = []
    public var includesSettled = false
    public var severities: [Severity] = []
    /// Ids or titles of rules, `*` standing for any run of characters.
    public var rules: [String] = []
    public var tenants: [String] = []
    /// Alerts whose last event is not before this.
    public var since: Timestamp?
    /// Alerts whose first event is not after this.
    public var until: Timestamp?
    /// Words that must all stand somewhere in the alert's rule, group, tags or people, in any case.
    public var text: [String] = []

    public init() {}

    var condition: SQL {
        var parts: [SQL] = []
        if !states.isEmpty {
            parts.append("state = any (\(states.map(\.rawValue)))")
        } else if includesSettled {
            parts.append("state <> 'merged'")
        } else {
            parts.append("(state = any (\(AlertState.active.map(\.rawValue))) or (closing = 'idle' and acknowledged_by is null))")
        }
        if !severities.isEmpty { parts.append("severity = any (\(severities.map(\.rawValue)))") }
        if !rules.isEmpty {
            let patterns = rules.map { AlertFilter.escaped($0).replacing("*", with: "%") }
            parts.append("(rule_id ilike any (\(patterns)) or rule_title ilike any (\(patterns)) or rule_name ilike any (\(patterns)))")
        }
        if !tenants.isEmpty { parts.append("tenant = any (\(tenants))") }
        if let since { parts.append("last_seen >= \(PostgresTimestamp(microseconds: since.microseconds))") }
        if let until { parts.append("first_seen <= \(PostgresTimestamp(microseconds: until.microseconds))") }
        for word in text {
            let pattern = "%" + AlertFilter.escaped(word) + "%"
            let written = String(decoding: CanonicalJSON.encode(.string(word)).dropFirst().dropLast(), as: UTF8.self)
            let inGroup = "%" + AlertFilter.escaped(written) + "%"
            parts.append(
                """
                (concat_ws(' ', rule_id, rule_title, rule_name, tenant, acknowledged_by, assignee, closed_by, array_to_string(tags, ' ')) ilike \(pattern)
                or group_by::text ilike \(inGroup))
                """)
        }
        return parts.joined(separator: " and ")
    }

    /// Byte by byte: a `%` before a combining mark is still LIKE's.
    private static func escaped(_ text: String) -> String {
        let special: [UInt8] = [UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "_")]
        return String(decoding: text.utf8.flatMap { special.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }, as: UTF8.self)
    }
}
