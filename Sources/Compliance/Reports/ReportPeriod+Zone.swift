import AuditEvents
import EventStore
public import PostgreSQL

extension ReportPeriod {
    /// The period that two texts mean in a time zone: a date is its first moment there, or its last where it ends the period; a time with an
    /// offset is itself; a date and time without one are read in the zone. The server's zone data decides, across every change of the clocks.
    ///
    /// - Throws: `ReportError` for an unknown zone, a text that is no time, or an end before the beginning.
    public static func resolve(
        since: String, until: String, zone: String, tenants: [String] = [], _ connection: PostgresConnection
    ) async throws -> ReportPeriod {
        guard try await !connection.query("select 1 from pg_timezone_names where name = \(zone)").isEmpty else {
            throw ReportError(
                "there is no time zone '\(zone)'", hint: "Use a name of the IANA database: UTC, Europe/Berlin, America/New_York.")
        }
        let first = try await moment(since, "--since", zone: zone, isEnd: false, connection)
        let last = try await moment(until, "--until", zone: zone, isEnd: true, connection)
        guard first <= last else { throw ReportError("--since is after --until") }
        return ReportPeriod(since: first, until: last, zone: zone, tenants: tenants)
    }

    private static func moment(
        _ text: String, _ option: String, zone: String, isEnd: Bool, _ connection: PostgresConnection
    ) async throws -> Timestamp {
        if let time = Timestamp(text) { return time }
        let isDate = text.utf8.count == 10
        let written = isDate ? text + "T00:00:00" : text.utf8.count == 16 ? text + ":00" : text
        // Read as UTC it says whether it is a time at all, before the server sees it.
        guard let local = Timestamp(rfc3339: Array(written.utf8), assumingUTC: true) else {
            throw ReportError("\(option) '\(text)' is no time", hint: "Write 2026-11-23, 2026-11-23T10:00 or 2026-11-23T10:00:00Z.")
        }
        // The next day's first moment less one microsecond: a day has 23, 24 or 25 hours.
        let days: Int32 = isDate && isEnd ? 1 : 0
        let row = try await connection.query(
            """
            select ((\(PostgresTimestamp(local)) at time zone 'UTC') + make_interval(days => \(days))) at time zone \(zone) as moment
            """)[0]
        let moment = Timestamp(microseconds: try row.decode("moment", as: PostgresTimestamp.self).microseconds)
        return days == 1 ? Timestamp(microseconds: moment.microseconds - 1) : moment
    }
}
