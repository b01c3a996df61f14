import AuditEvents
import EventStore
import PostgreSQL

/// S8: what shows that the record was not changed.
enum IntegritySection: ReportSectionReader {
    static func read(_ scope: ReportScope) async throws -> ReportSection {
        let checks: SQL = "e.type in ('audit_verified', 'audit_verification_failed')"
        let (since, until) = (PostgresTimestamp(scope.period.since), PostgresTimestamp(scope.period.until))
        let tenants = scope.period.tenants
        let shards: SQL = tenants.isEmpty ? "true" : "l.shard in (select t.shard from audit.tenant t where t.tenant = any (\(tenants)))"
        var section = try await scope.section(.integrity, "Verifications of the record.", events: checks)
        section.tables = [
            try await scope.table(
                "Verifications", [.text("result"), .number("events"), .time("first"), .time("last")],
                """
                select e.type, count(*), min(e.time), max(e.time) from audit.event e where \(scope.inside) and \(checks)
                group by 1 order by 1
                """),
            try await scope.table(
                "The order: events sealed in the period",
                [.number("shard"), .number("sealed"), .number("first index"), .number("last index")],
                """
                select l.shard::bigint, count(*), min(l.index), max(l.index) from audit.log l
                where l.sealed_at between \(since) and \(until) and \(shards) group by 1 order by 1 limit \(ReportScope.rows)
                """),
        ]
        let failed = try await scope.exceptions(
            "Verifications that failed", [.time("time"), .text("tenant"), .text("reason"), .text("actor"), .text("id")],
            """
            select e.time, e.tenant, e.reason, e.actor, e.id::text, count(*) over () from audit.event e
            where \(scope.inside) and e.type = 'audit_verification_failed' order by e.id limit \(ReportScope.listed)
            """)
        section.exceptions = [
            failed,
            try await scope.exceptions(
                "Shards whose order has a hole", [.number("shard"), .number("entries"), .number("first index"), .number("last index")],
                """
                select * from (
                    select l.shard::bigint, count(*), min(l.index) as low, max(l.index) as high, count(*) over () from audit.log l
                    where l.sealed_at between \(since) and \(until) and \(shards)
                    group by 1 having count(*) <> max(l.index) - min(l.index) + 1
                ) holes order by 1 limit \(ReportScope.listed)
                """),
        ]
        let witnessed = try await checkpoints(scope, shards, &section)
        section.limits =
            witnessed
            ? [
                "Tamper-evident from the first cosigned checkpoint on; before it, whoever owns the log's key and the database could rewrite."
            ]
            : [
                "Tamper-detecting alone: no checkpoint is cosigned, so whoever owns the log's key and the database could rewrite both.",
                "Until somebody outside keeps a checkpoint, nothing here binds the database's owner.",
            ]
        if section.count > 0 { section.criterion = ReportCriterion("No verification in the period failed.", isMet: failed.total == 0) }
        return section
    }

    /// Adds the signed checkpoints and who cosigned them, where this database has them; says whether anybody did.
    private static func checkpoints(_ scope: ReportScope, _ shards: SQL, _ section: inout ReportSection) async throws -> Bool {
        let (since, until) = (PostgresTimestamp(scope.period.since), PostgresTimestamp(scope.period.until))
        guard try await scope.mayRead("audit.signed_checkpoint") else {
            section.tables.append(
                ReportTable(title: "Signed checkpoints: this database has none that this role may read", columns: ["shard"], rows: []))
            return false
        }
        section.tables.append(
            try await scope.table(
                "Signed checkpoints",
                [.number("shard"), .number("checkpoints"), .number("largest tree"), .time("first"), .time("last"), .text("latest root")],
                """
                select l.shard::bigint, count(*), max(l.size), min(l.signed_at), max(l.signed_at),
                    (array_agg(encode(l.root, 'hex') order by l.size desc))[1]
                from (
                    select shard, size, signed_at, case when row_number() over (partition by shard order by size desc) = 1 then root end as root
                    from audit.signed_checkpoint where signed_at between \(since) and \(until)
                ) l
                where \(shards) group by 1 order by 1 limit \(ReportScope.rows)
                """))
        guard try await scope.mayRead("audit.cosignature") else { return false }
        let cosigned = try await scope.table(
            "Cosignatures",
            [.text("witness"), .number("shard"), .number("cosignatures"), .number("largest tree"), .time("first"), .time("last")],
            """
            select l.name, l.shard::bigint, count(*), max(l.size), min(l.time), max(l.time) from audit.cosignature l
            where l.time between \(since) and \(until) and \(shards) group by 1, 2 order by 1, 2 limit \(ReportScope.rows)
            """)
        section.tables.append(cosigned)
        return !cosigned.rows.isEmpty
    }
}
