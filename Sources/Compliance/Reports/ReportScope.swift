import AuditEvents
import EventStore
import PostgreSQL

/// What every section asks within, and how it reads the answers.
struct ReportScope: Sendable {
    let period: ReportPeriod
    let connection: PostgresConnection

    /// At most so many rows of a table, and of what stands out.
    static let rows: Int64 = 50
    static let listed: Int64 = 20

    /// `since`, `until` and the tenants, over `audit.event e`.
    var inside: SQL {
        let span: SQL = "e.time between \(PostgresTimestamp(period.since)) and \(PostgresTimestamp(period.until))"
        return period.tenants.isEmpty ? span : span + " and e.tenant = any (\(period.tenants))"
    }

    /// The day or month of `time`, in the report's zone.
    func bucket(_ time: SQL) -> SQL { "to_char(\(time) at time zone \(period.zone), \(period.bucketFormat))" }

    enum Column {
        case text(String)
        case number(String)
        case time(String)

        var title: String {
            switch self {
            case .text(let title), .number(let title), .time(let title): title
            }
        }
    }

    /// How many rows `from` (`audit.event e where …`) has.
    func count(_ from: SQL) async throws -> Int64 {
        try await connection.query("select count(*) as n from \(from)")[0].decode("n", as: Int64.self)
    }

    func table(_ title: String, _ columns: [Column], _ sql: SQL) async throws -> ReportTable {
        let rows = try await connection.query(sql)
        return ReportTable(title: title, columns: columns.map(\.title), rows: try rows.map { try ReportScope.values($0, columns) })
    }

    /// What stands out; `sql` gives the columns and last, in each row, how many there are in all.
    func exceptions(_ title: String, _ columns: [Column], _ sql: SQL) async throws -> ReportExceptions {
        let rows = try await connection.query(sql)
        return ReportExceptions(
            table: ReportTable(title: title, columns: columns.map(\.title), rows: try rows.map { try ReportScope.values($0, columns) }),
            total: try rows.first?.decode(columns.count, as: Int64.self) ?? 0)
    }

    /// Bars of the events of `condition` by day or month.
    func chart(_ title: String, _ condition: SQL) async throws -> ReportChart {
        let rows = try await connection.query(
            "select \(bucket("e.time")), count(*) from audit.event e where \(inside) and \(condition) group by 1 order by 1 limit 400")
        return ReportChart(
            title: title, bars: try rows.map { .init(label: try $0.decode(0, as: String.self), value: try $0.decode(1, as: Int64.self)) })
    }

    /// The section of the events of `condition`, with how many there are.
    func section(_ topic: ReportTopic, _ population: String, events condition: SQL) async throws -> ReportSection {
        let from: SQL = "audit.event e where \(inside) and \(condition)"
        return ReportSection(topic: topic, population: population, query: "select count(*) from \(from.text)", count: try await count(from))
    }

    /// Whether a table is there and may be read.
    func mayRead(_ table: String) async throws -> Bool {
        try await connection.query(
            "select coalesce(has_table_privilege(to_regclass(\(table)), 'select'), false) as may")[0].decode("may", as: Bool.self)
    }

    private static func values(_ row: PostgresRow, _ columns: [Column]) throws -> [ReportValue] {
        try columns.enumerated().map { position, column in
            switch column {
            case .text: try row.decode(position, as: String?.self).map(ReportValue.text) ?? .none
            case .number: try row.decode(position, as: Int64?.self).map(ReportValue.number) ?? .none
            case .time:
                try row.decode(position, as: PostgresTimestamp?.self).map { .time(Timestamp(microseconds: $0.microseconds)) } ?? .none
            }
        }
    }
}

/// One section's questions to the record.
protocol ReportSectionReader: SendableMetatype {
    static func read(_ scope: ReportScope) async throws -> ReportSection
}
