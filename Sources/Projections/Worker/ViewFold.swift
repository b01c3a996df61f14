import AuditEvents
import EventStore
import PostgreSQL

/// A view at work on one shard, writing the tables of one generation.
///
/// Rows it touched stay in memory: the lease's holder is their only writer, so they are as the database has them until a transaction fails.
final class ViewFold<V: View>: ShardFold {
    /// Rows kept in memory at most between two batches.
    private static var capacity: Int { 50_000 }

    let shard: Int32
    let table: String
    private var rows: [V.Row.Key: V.Row?] = [:]

    init(shard: Int32, schema: String) {
        self.shard = shard
        table = SQL.quoted(identifier: schema) + "." + SQL.quoted(identifier: V.name)
    }

    func fold(_ events: [SealedEvent], in connection: PostgresConnection) async throws {
        var touched: [(event: AuditEvent, key: V.Row.Key)] = []
        for sealed in events {
            for key in V.keys(of: sealed.event) { touched.append((sealed.event, key)) }
        }
        guard !touched.isEmpty else { return }
        if rows.count > Self.capacity { rows = [:] }
        try await load(Set(touched.lazy.map(\.key)).filter { rows[$0] == nil }, in: connection)
        var before: [V.Row.Key: V.Row?] = [:]
        for (event, key) in touched {
            var row = rows[key] ?? nil
            if before.index(forKey: key) == nil { before.updateValue(row, forKey: key) }
            V.fold(event, into: &row, key: key)
            rows.updateValue(row, forKey: key)
        }
        try await store(before.compactMap { key, old in (rows[key] ?? nil).flatMap { $0 == old ? nil : (key, $0) } }, in: connection)
    }

    private func load(_ keys: [V.Row.Key], in connection: PostgresConnection) async throws {
        guard let sample = keys.first else { return }
        let names = sample.columns.members.map { SQL.quoted(identifier: $0.key) }
        let found = try await connection.query(
            """
            select to_jsonb(t) as columns from \(unsafe: table) t
            where t.shard = \(shard) and (\(unsafe: names.map { "t." + $0 }.joined(separator: ", "))) in (
                select \(unsafe: names.map { "k." + $0 }.joined(separator: ", "))
                from jsonb_populate_recordset(null::\(unsafe: table), \(json(keys.map(\.columns)))) k)
            """)
        for key in keys { rows.updateValue(nil, forKey: key) }
        for row in found {
            let text = try row.decode("columns", as: PostgresJSON.self).text
            guard let columns = try JSONValue(parsing: text.utf8).object else { continue }
            let key = try V.Row.Key(columns: columns)
            rows.updateValue(try V.Row(key: key, columns: columns), forKey: key)
        }
    }

    private func store(_ changed: [(key: V.Row.Key, row: V.Row)], in connection: PostgresConnection) async throws {
        guard let sample = changed.first else { return }
        let keyNames = sample.key.columns.members.map { SQL.quoted(identifier: $0.key) }
        let names = sample.row.columns.members.map { SQL.quoted(identifier: $0.key) }
        let all = (["shard"] + keyNames + names).joined(separator: ", ")
        let objects = changed.map { key, row in
            var object = row.columns
            for member in key.columns { object[member.key] = member.value }
            object["shard"] = .int(Int64(shard))
            return object
        }
        try await connection.execute(
            """
            insert into \(unsafe: table) (\(unsafe: all))
            select \(unsafe: all) from jsonb_populate_recordset(null::\(unsafe: table), \(json(objects)))
            on conflict (\(unsafe: (["shard"] + keyNames).joined(separator: ", "))) do update
            set \(unsafe: names.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            """)
    }

    private func json(_ objects: [JSONObject]) -> PostgresJSON {
        PostgresJSON(text: String(decoding: CanonicalJSON.encode(.array(objects.map(JSONValue.object))), as: UTF8.self))
    }
}
