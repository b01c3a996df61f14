import EventStore
import PostgreSQL

/// S7: whether the recorders were there all the time.
enum ContinuitySection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let signs: SQL = "e.type in ('sys_startup', 'sys_shutdown', 'sys_crash', 'audit_heartbeat')"
        // Signs of life of one process in order. A body that is erased tells of no process, and joins nothing. Numbers that are none are passed over.
        let beats: SQL = """
            select e.tenant, e.source, e.body #>> '{details,instance}' as instance, e.time, e.type, e.id,
                case when e.body #>> '{details,sequence}' ~ '^[0-9]{1,15}$' then (e.body #>> '{details,sequence}')::bigint end as sequence,
                case when e.body #>> '{details,interval_seconds}' ~ '^[0-9]{1,7}$'
                    then (e.body #>> '{details,interval_seconds}')::bigint end as interval_seconds
            from audit.event e
            where \(scope.inside) and \(signs) and e.body #>> '{details,instance}' is not null
            """
        let gaps: SQL = """
            select tenant, source, instance, earlier, time, floor(extract(epoch from time - earlier))::bigint as seconds,
                greatest(sequence - former - 1, 0) as missed
            from (
                select *, lag(time) over process as earlier, lag(sequence) over process as former
                from (\(beats)) beats window process as (partition by tenant, source, instance order by id)
            ) pairs
            where earlier is not null
                and (time - earlier > make_interval(secs => 2 * coalesce(interval_seconds, 60)) or sequence - former > 1)
            """
        let silent: SQL = """
            select tenant, source, instance, last, interval_seconds from (
                select distinct on (tenant, source, instance) tenant, source, instance, time as last, type, interval_seconds
                from (\(beats)) beats order by tenant, source, instance, id desc
            ) ends
            where type <> 'sys_shutdown' and last + make_interval(secs => 2 * coalesce(interval_seconds, 60))
                < least(\(PostgresTimestamp(scope.period.until)), now())
            """
        var section = try await scope.section(
            .continuity, "Starts, ends and heartbeats of the recorders.", events: signs)
        section.tables = [
            try await scope.table(
                "By source",
                [
                    .text("tenant"), .text("source"), .number("starts"), .number("ends"), .number("crashes"), .number("heartbeats"),
                    .time("first"),
                    .time("last"),
                ],
                """
                select e.tenant, e.source, count(*) filter (where e.type = 'sys_startup'), count(*) filter (where e.type = 'sys_shutdown'),
                    count(*) filter (where e.type = 'sys_crash'), count(*) filter (where e.type = 'audit_heartbeat'), min(e.time), max(e.time)
                from audit.event e where \(scope.inside) and \(signs) group by 1, 2 order by 1, 2 limit \(ReportScope.rows)
                """)
        ]
        section.charts = [try await scope.chart("Signs of life", signs)]
        let gapped = try await scope.exceptions(
            "Gaps between signs of life of one process: more than twice its interval, or a number left out",
            [
                .text("tenant"), .text("source"), .text("process"), .time("from"), .time("to"), .number("seconds"), .number("missed"),
            ], "select g.*, count(*) over () from (\(gaps)) g order by earlier, tenant, source, instance limit \(ReportScope.listed)")
        let fellSilent = try await scope.exceptions(
            "Processes that fell silent without saying that they end",
            [.text("tenant"), .text("source"), .text("process"), .time("last sign")],
            """
            select tenant, source, instance, last, count(*) over () from (\(silent)) s order by last, tenant, source, instance
            limit \(ReportScope.listed)
            """)
        section.exceptions = [gapped, fellSilent]
        if section.count > 0 {
            section.criterion = ReportCriterion(
                "No recorder that gives signs of life shows a gap or falls silent.", isMet: gapped.total == 0 && fellSilent.total == 0)
        }
        section.limits = [
            "A source that gives no heartbeats (an imported log) shows no gaps.",
            "A gap says that signs of life are missing from the record, not why.",
        ]
        return section
    }
}
