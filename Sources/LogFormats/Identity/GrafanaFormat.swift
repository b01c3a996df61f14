import AuditEvents

/// Grafana, whose older versions tell of a failed login twice: a line with the reason, then the request's own with 401. Newer ones write only
/// the second with the client's address. The reason's line is the event where there is one; the request is then a request.
struct GrafanaFormat: FieldFormat {
    private var told = RecentMap<String, Int>(capacity: 1024)

    func isKin(_ fields: Fields) -> Bool { FieldTable.grafana.isKin(fields) }

    mutating func read(_ fields: Fields, clock: inout LogClock) -> LogLine? {
        let result = FieldTable.grafana.read(fields, clock: &clock)
        guard case .record(var record) = result else { return result }
        guard record.type == .loginFailure, let ip = record.body.client?.ip else { return .record(record) }
        if record.status == nil {
            told[ip] = min((told[ip] ?? 0) + 1, 1000)
        } else if let count = told[ip], count > 0 {
            told[ip] = count == 1 ? nil : count - 1
            (record.type, record.outcome, record.severity, record.reason) = (.httpRequest, .denied, .informational, nil)
        }
        return .record(record)
    }
}
