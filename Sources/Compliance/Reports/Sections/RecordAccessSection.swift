import EventStore
import PostgreSQL

/// S6: who read the record itself, and who acted on it.
enum RecordAccessSection: ReportSectionReader {
    /// Cardea's own acts by which the record is read.
    static let reading: SQL = "e.type = any (\(Reading.Kind.allCases.map(\.rawValue) + ["audit_export_fetched"]))"

    static func read(_ scope: ReportScope) async throws -> ReportSection {
        var section = try await scope.section(
            .recordAccess, "Cardea's own events of reading: queries, views, alerts looked at, proofs, exports and reports made.",
            events: reading)
        section.tables = [
            try await scope.table(
                "Readers", [.text("tenant"), .text("actor"), .text("type"), .number("events"), .time("last")],
                """
                select e.tenant, e.actor, e.type, count(*), max(e.time) from audit.event e where \(scope.inside) and \(reading)
                group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit \(ReportScope.rows)
                """),
            try await scope.table(
                "All of Cardea's own acts", [.text("type"), .text("outcome"), .number("events")],
                """
                select e.type, e.outcome, count(*) from audit.event e
                where \(scope.inside) and e.type like 'audit\\_%' and e.type <> 'audit_heartbeat'
                group by 1, 2 order by 3 desc, 1, 2 limit \(ReportScope.rows)
                """),
        ]
        section.charts = [try await scope.chart("Reading the record", reading)]
        section.exceptions = [
            try await scope.exceptions(
                "Readings that were denied or failed", [.time("time"), .text("tenant"), .text("type"), .text("actor"), .text("reason")],
                """
                select e.time, e.tenant, e.type, e.actor, e.reason, count(*) over () from audit.event e
                where \(scope.inside) and \(reading) and e.outcome <> 'success' order by e.id limit \(ReportScope.listed)
                """)
        ]
        section.limits = [
            "Whoever reads the tables in the database itself leaves no event here; import PostgreSQL's log to have those too."
        ]
        return section
    }
}
