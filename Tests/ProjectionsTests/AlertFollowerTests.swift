import Alerting
import PostgreSQL
import Testing

@Suite("Following alerts")
struct AlertFollowerTests {
    /// One transaction, so that all carry the same time; of all shards in turn.
    private func open(_ count: Int, shards: Int, _ pool: PostgresPool) async throws {
        try await pool.execute(
            """
            insert into audit.alert (shard, id, tenant, rule_id, rule_title, severity, tags, group_by, first_seen, last_seen, count)
            select i % \(Int32(shards)), gen_random_uuid(), 'default', 'r', 'rule', 3, '{}', '{}', now(), now(), 1
            from generate_series(1, \(Int32(count))) i
            """)
    }

    @Test("every alert comes once, however many one batch opened, and those after it too", arguments: [1, 4])
    func all(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            try await open(3, shards: shards, bed.pool)
            var follower = try await bed.pool.withConnection { try await AlertFollower($0) }
            for count in [0, 1, 2300, 3, 0, 500, 1] {
                if count > 0 { try await open(count, shards: shards, bed.pool) }
                var found: [StoredAlert] = []
                while true {
                    let page = try await follower.next(bed.pool)
                    if page.isEmpty { break }
                    found += page
                }
                #expect(found.count == count)
                #expect(Set(found.map(\.id)).count == count)
            }
        }
    }
}
