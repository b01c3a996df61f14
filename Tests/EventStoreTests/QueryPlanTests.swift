import AuditEvents
import DatabaseTesting
import PostgreSQL
import Testing

@testable import EventStore

@Suite("With 100,000 events")
struct QueryPlanTests {
    @Test("sealing, reading by index and appending use their indexes, and never scan a partition", arguments: [1, 4])
    func plans(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            // One tenant a shard, their events in turn.
            let tenants = (0..<shards).map { "tenant in \($0)" }
            let perShard = Int64(100_000 / shards)
            try await store.superuser.withTransaction { connection in
                try await connection.simple(
                    """
                    insert into audit.tenant (tenant, shard) select 'tenant in ' || s, s from generate_series(0, \(shards - 1)) s;
                    insert into audit.event (id, time, shard, severity, privileged, tenant, source, type, outcome, actor_kind, body_hash)
                    select (lpad(to_hex(ms), 12, '0') || '7000' || '8' || lpad(to_hex(i), 15, '0'))::uuid, to_timestamp(ms / 1000.0), i % \(shards), 1, false,
                        'tenant in ' || i % \(shards), 'test', 'http_request', 'success', 'user', '\\x00'
                    from (select i, floor(extract(epoch from now()) * 1000)::bigint - 200000 + i ms from generate_series(1, 100000) i) x
                    """)
            }
            try await store.sealer.sealAll()
            try await store.superuser.simple("analyze audit.event; analyze audit.log")
            for tenant in tenants { try await store.appender.append(try encoded(events(500 / shards, tenant: tenant))) }
            // The counters of one transaction tell what its statements, those inside functions too, scanned.
            func scans(_ body: (PostgresConnection) async throws -> Void) async throws -> (sequential: Int64, rows: Int64) {
                try await store.superuser.withTransaction { connection in
                    try await body(connection)
                    let row = try await connection.query(
                        """
                        select coalesce(sum(seq_scan), 0)::bigint as s, coalesce(sum(seq_tup_read), 0)::bigint as r
                        from pg_stat_xact_user_tables where schemaname = 'audit' and (relname like 'event%' or relname = 'log')
                        """)[0]
                    return (try row.decode("s", as: Int64.self), try row.decode("r", as: Int64.self))
                }
            }
            // The empty partitions may be scanned; rows may not.
            let from = perShard * 6 / 10
            for shard in 0..<Int32(shards) {
                let seal = try await scans { _ = try await $0.query("select audit.seal(\(shard))::text") }
                #expect(seal.rows == 0)
                let read = try await scans {
                    let found = try await LogReader().read($0, shard: shard, from: from, limit: 500)
                    #expect(found.map(\.index) == Array(from..<from + 500))
                }
                #expect(read.rows == 0)
            }
            let newest = try await scans {
                let found = try await EventQuery(EventFilter()).run($0, limit: 50)
                #expect(found.count == 50)
            }
            #expect(newest.rows == 0)
            for (shard, tenant) in tenants.enumerated() {
                let known = try encoded(events(100, tenant: tenant))
                let append = try await scans {
                    for _ in 0..<2 { _ = try await $0.query(EventColumns(shard: Int32(shard), events: known).statement) }
                }
                #expect(append.rows == 0)
            }
        }
    }
}

extension PostgresPool {
    fileprivate func simple(_ script: String) async throws { try await withConnection { try await $0.simple(script) } }
}
