import AuditEvents
import EventStore
import PostgreSQL

/// Who made and fetched earlier exports, as the record tells up to a package's checkpoints.
enum ExportCustody {
    static func lines(_ shards: [(shard: Int32, size: Int64)], _ pool: PostgresPool) async throws -> (bytes: [UInt8], count: Int) {
        var bytes: [UInt8] = []
        var count = 0
        for (shard, size) in shards {
            let rows = try await pool.query(
                """
                select e.id, l.index, e.time, e.type, e.actor, e.body
                from audit.event e join audit.log l on l.shard = e.shard and l.id = e.id and l.time = e.time
                where e.shard = \(shard) and e.type in ('audit_export_made', 'audit_export_fetched') and l.index < \(size)
                order by l.index
                """)
            for row in rows {
                let body = try row.decode("body", as: PostgresJSON?.self).flatMap { try? JSONValue(parsing: $0.text.utf8).object }
                var line: JSONObject = [
                    "id": .string(try row.decode("id", as: PostgresUUID.self).description),
                    "index": .int(try row.decode("index", as: Int64.self)),
                    "shard": .int(Int64(shard)), "type": .string(try row.decode("type", as: String.self)),
                    "time": .string(Timestamp(microseconds: try row.decode("time", as: PostgresTimestamp.self).microseconds).description),
                ]
                line["who"] = try row.decode("actor", as: String?.self).map(JSONValue.string)
                line["details"] = body?["details"]
                CanonicalJSON.append(.object(line), to: &bytes)
                bytes.append(0x0a)
                count += 1
            }
        }
        return (bytes, count)
    }
}
