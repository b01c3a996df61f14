import PostgreSQL

/// S11: the time that events claim against the time at which the database took them.
enum ClocksSection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let delay = "(extract(epoch from e.recorded_at - e.time) * 1000)"
        func milliseconds(_ share: Double) -> SQL { "floor(percentile_cont(\(share)) within group (order by \(unsafe: delay)))::bigint" }
        let ahead: SQL = "e.time > e.recorded_at + interval '1 second'"
        var section = try await scope.section(
            .clocks, "All events: when they say they happened, and when they were received.", events: "true")
        section.tables = [
            try await scope.table(
                "Milliseconds from the claimed time to the receipt",
                [
                    .text("source"), .number("events"), .number("least"), .number("p1"), .number("median"), .number("p99"), .number("most"),
                    .number("ahead by over 1 s"),
                ],
                """
                select e.source, count(*), floor(min(\(unsafe: delay)))::bigint, \(milliseconds(0.01)), \(milliseconds(0.5)),
                    \(milliseconds(0.99)), floor(max(\(unsafe: delay)))::bigint, count(*) filter (where \(ahead))
                from audit.event e where \(scope.inside) group by 1 order by 2 desc, 1 limit \(ReportScope.rows)
                """)
        ]
        section.exceptions = [
            try await scope.exceptions(
                "Events that claim to be later than their receipt by over a second",
                [.time("claimed"), .time("received"), .text("tenant"), .text("source"), .text("id")],
                """
                select e.time, e.recorded_at, e.tenant, e.source, e.id::text, count(*) over () from audit.event e
                where \(scope.inside) and \(ahead) order by e.time - e.recorded_at desc, e.id limit \(ReportScope.listed)
                """)
        ]
        section.limits = [
            "Imported logs are received long after they were written; their delay says nothing about clocks.",
            "An event more than ten minutes ahead of the database is refused, and is not here.",
            "Which time servers are used, and how, is configuration, which the record does not hold.",
        ]
        return section
    }
}
