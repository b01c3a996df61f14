import AuditEvents

/// Requests per route and minute: counts by status class, latency quantiles.
enum RequestSummaryView: View {
    static let name = "request_summary"
    static let version = 1

    struct Key: ViewKey {
        var tenant: KeyText
        var source: KeyText
        var method: KeyText
        var route: KeyText
        var minute: Timestamp

        var columns: JSONObject {
            [
                "tenant": JSONValue(tenant), "source": JSONValue(source), "method": JSONValue(method), "route": JSONValue(route),
                "minute": JSONValue(minute),
            ]
        }

        init(_ event: AuditEvent) {
            tenant = KeyText(event.header.tenant)
            source = KeyText(event.header.source)
            method = KeyText(event.header.method ?? "(none)")
            route = KeyText(event.header.route ?? "(unmatched)")
            let micros = event.time.microseconds
            minute = Timestamp(microseconds: micros - micros % 60_000_000)
        }

        init(columns: JSONObject) throws {
            tenant = try columns.key("tenant")
            source = try columns.key("source")
            method = try columns.key("method")
            route = try columns.key("route")
            minute = try columns.moment("minute")
        }
    }

    struct Row: ViewRow {
        /// By status class: 0 for none, 1 for 1xx, …, 5 for 5xx.
        var classes = [Int64](repeating: 0, count: 6)
        var latency = LatencyHistogram()

        init() {}

        private static let classColumns = ["status_none", "status_1xx", "status_2xx", "status_3xx", "status_4xx", "status_5xx"]

        init(key: Key, columns: JSONObject) throws {
            classes = try Row.classColumns.map { try columns.integer($0) }
            latency = LatencyHistogram(counts: try columns.counts("latency"), maximum: columns["max_us"]?.int)
        }

        var columns: JSONObject {
            var columns: JSONObject = [
                "requests": .int(classes.reduce(0, +)), "p50_us": quantile(0.5), "p90_us": quantile(0.9), "p99_us": quantile(0.99),
                "max_us": latency.maximum.map(JSONValue.int) ?? .null, "latency": JSONValue(latency.counts),
            ]
            for (column, count) in zip(Row.classColumns, classes) { columns[column] = .int(count) }
            return columns
        }

        private func quantile(_ q: Double) -> JSONValue { latency.quantile(q).map(JSONValue.int) ?? .null }
    }

    static func keys(of event: AuditEvent) -> [Key] { event.header.type == .httpRequest ? [Key(event)] : [] }

    static func fold(_ event: AuditEvent, into row: inout Row?, key: Key) {
        var next = row ?? Row()
        let status = Int(event.header.status ?? 0) / 100
        next.classes[(1...5).contains(status) ? status : 0] += 1
        if let duration = event.header.durationMicroseconds { next.latency.add(duration) }
        row = next
    }
}
