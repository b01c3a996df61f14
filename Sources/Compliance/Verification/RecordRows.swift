import AuditEvents
import EventStore
import PostgreSQL
import TransparencyLog

/// Reads what `TreeCheck` compares.
struct RecordRows {
    struct Partition {
        var name: String
        var lower: Timestamp
        var upper: Timestamp
    }

    struct Batch {
        var rows: [Int64: TreeCheck.Row] = [:]
        var leaves: [Int64: MerkleHash] = [:]
        var tiles: [Tile: [MerkleHash]] = [:]
    }

    let pool: PostgresPool
    let shard: Int32
    /// By the table's oid.
    let partitions: [UInt32: Partition]

    static func partitions(_ pool: PostgresPool) async throws -> [UInt32: Partition] {
        let rows = try await pool.query(
            "select name::oid::bigint as oid, name::text as name, lower_bound, upper_bound from audit.partition")
        return try Dictionary(
            uniqueKeysWithValues: rows.map { row in
                (
                    UInt32(try row.decode("oid", as: Int64.self)),
                    Partition(
                        name: try row.decode("name", as: String.self),
                        lower: Timestamp(microseconds: try row.decode("lower_bound", as: PostgresTimestamp.self).microseconds),
                        upper: Timestamp(microseconds: try row.decode("upper_bound", as: PostgresTimestamp.self).microseconds))
                )
            })
    }

    func read(_ indexes: Range<Int64>, edge: TileEdge) async throws -> Batch {
        var batch = Batch()
        let rows = try await pool.query(
            """
            select \(unsafe: EventLeaf.columns), e.salt, e.body, e.actor, e.client_ip, e.session, e.token, e.tableoid::bigint,
                e.body is null and exists (select from audit.erased_event x where x.shard = l.shard and x.id = l.id) as is_erased,
                e.id is null and exists (select from audit.dropped_partition d where d.lower_bound <= l.time and l.time < d.upper_bound) as is_dropped
            \(unsafe: EventLeaf.source)
            where l.shard = \(shard) and l.index >= \(indexes.lowerBound) and l.index < \(indexes.upperBound)
            order by l.index
            """)
        for row in rows {
            let index = try row.decode(0, as: Int64.self)
            batch.rows[index] = try self.row(row, index: index)
        }
        let width = Int64(Tile.width)
        // Of each level those that end within the range; of the leaves' all that touch it.
        var (levels, first, last) = ([Int16(0)], [indexes.lowerBound / width], [(indexes.upperBound - 1) / width])
        var span = width * width
        for level in 1...Int16(Tile.maximumLevel) where span <= indexes.upperBound {
            levels.append(level)
            first.append(indexes.lowerBound / span)
            last.append(indexes.upperBound / span - 1)
            span = span.multipliedReportingOverflow(by: width).overflow ? .max : span * width
        }
        let tiles = try await pool.query(
            """
            select t.level, t.index, t.hashes
            from unnest(\(levels), \(first), \(last)) as w (level, first, last)
            cross join lateral (
                select * from audit.tile t where t.shard = \(shard) and t.level = w.level and t.index between w.first and w.last
            ) t
            """)
        for row in tiles {
            let tile = Tile(.hashes(level: Int(try row.decode(0, as: Int16.self))), UInt64(try row.decode(1, as: Int64.self)))
            guard let hashes = tile.hashes(try row.decode(2, as: PostgresBytes.self).bytes) else { continue }
            if tile.kind == .hashes(level: 0) {
                for (place, hash) in hashes.enumerated() { batch.leaves[Int64(tile.index) * width + Int64(place)] = hash }
            } else {
                batch.tiles[tile] = hashes
            }
        }
        let open = Int64(edge.size) / width * width
        for (place, hash) in (edge.levels.first ?? []).enumerated() { batch.leaves[open + Int64(place)] = hash }
        return batch
    }

    private func row(_ row: PostgresRow, index: Int64) throws -> TreeCheck.Row {
        let time = Timestamp(microseconds: try row.decode(3, as: PostgresTimestamp.self).microseconds)
        var event: TreeCheck.Row.Stored?
        if let leaf = try EventLeaf(row) {
            let first = EventLeaf.columnCount
            let oid = UInt32(try row.decode(first + 6, as: Int64.self))
            let partition = partitions[oid]
            let isPlaced = partition.map { $0.lower <= time && time < $0.upper } ?? true
            event = TreeCheck.Row.Stored(
                leaf: leaf, salt: try row.decode(first, as: PostgresBytes?.self)?.bytes,
                body: try row.decode(first + 1, as: PostgresJSON?.self)?.text,
                actor: try row.decode(first + 2, as: String?.self), clientIP: try row.decode(first + 3, as: PostgresInet?.self)?.text,
                session: try row.decode(first + 4, as: String?.self), token: try row.decode(first + 5, as: String?.self),
                isErased: try row.decode(first + 7, as: Bool.self),
                wrongPartition: isPlaced ? nil : partition?.name)
        }
        return TreeCheck.Row(
            index: index, id: try row.decode(2, as: PostgresUUID.self), time: time,
            sealedAt: Timestamp(microseconds: try row.decode(1, as: PostgresTimestamp.self).microseconds), event: event,
            isDropped: try row.decode(EventLeaf.columnCount + 8, as: Bool.self))
    }

    /// What became of an event that does not lie where its index says.
    func elsewhere(_ row: TreeCheck.Row) async throws -> RecordFinding {
        let found = try await pool.query(
            "select e.tableoid::regclass::text as name, e.time from audit.event e where e.shard = \(shard) and e.id = \(row.id) limit 1"
        ).first
        let id = row.id.description
        guard let found else {
            return RecordFinding(
                .eventMissing, shard: shard, index: row.index, event: id,
                "event \(id), which has index \(row.index), is gone: it was deleted")
        }
        let name = try found.decode("name", as: String.self)
        let time = Timestamp(microseconds: try found.decode("time", as: PostgresTimestamp.self).microseconds)
        return RecordFinding(
            .partitionChanged, shard: shard, index: row.index, event: id,
            time == row.time
                ? "event \(id) was moved to \(name), which is not for its time"
                : "event \(id) was moved to \(name) with the time \(time) instead of \(row.time)")
    }

    /// What no walk along the index meets. Returns how many sealed events wait for the tree.
    func checkRest(tree size: Int64, _ found: (RecordFinding) -> Void) async throws -> Int64 {
        guard let head = try await pool.query("select next_index, restored from audit.head where shard = \(shard)").first else {
            found(RecordFinding(.headChanged, shard: shard, "shard \(shard) has no head"))
            return 0
        }
        let next = try head.decode("next_index", as: Int64.self)
        let log = try await pool.query(
            """
            select count(*) as n, min(index) as low, max(index) as high from audit.log where shard = \(shard) and index >= \(size)
            """)[0]
        let (count, high) = (try log.decode("n", as: Int64.self), try log.decode("high", as: Int64?.self) ?? size - 1)
        if next < size || high >= next {
            found(
                RecordFinding(
                    .headChanged, shard: shard,
                    "the head of shard \(shard) says \(next), its log goes to \(high), its tree has \(size) leaves"))
        } else if count != next - size {
            found(
                RecordFinding(
                    .indexMissing, shard: shard, index: size,
                    "of the indexes \(size) to \(next - 1), which are not hashed yet, \(next - size - count) are gone"))
        }
        if try await pool.query("select exists (select from audit.log where shard = \(shard) and index < 0)", as: Bool.self)[0] {
            found(RecordFinding(.headChanged, shard: shard, "the log of shard \(shard) has negative indexes"))
        }
        let repeated = try await pool.query(
            "select id, count(*) as n, min(index) as index from audit.log where shard = \(shard) group by id having count(*) > 1 limit 100")
        for row in repeated {
            let id = try row.decode("id", as: PostgresUUID.self).description
            found(
                RecordFinding(
                    .eventRepeated, shard: shard, index: try row.decode("index", as: Int64.self), event: id,
                    "event \(id) has \(try row.decode("n", as: Int64.self)) indexes: it was removed and put in again"))
        }
        // What was visible to the sealer and has no index was not there when it looked.
        let inserted = try await pool.query(
            """
            select e.id, e.time from audit.event e, audit.head h
            where h.shard = \(shard) and e.shard = h.shard and e.tx < pg_snapshot_xmin(h.sealed)
                and not exists (select from audit.log l where l.shard = e.shard and l.id = e.id and l.time = e.time)
            order by e.id limit 100
            """)
        for row in inserted {
            let id = try row.decode("id", as: PostgresUUID.self).description
            found(
                RecordFinding(
                    .eventInserted, shard: shard, event: id,
                    "event \(id) has no index though the sealer has passed its transaction: it was put in by hand"))
        }
        for row in try await pool.query(RecordRows.doors) {
            found(
                RecordFinding(
                    try row.decode("erased", as: Bool.self) ? .bodyMissing : .eventMissing, shard: shard,
                    "\(try row.decode("what", as: String.self)), and no event of the record says so"))
        }
        let beyond = try await pool.query(
            "select level, index from audit.tile where shard = \(shard) and ((index + 1)::numeric * 256 ^ (level + 1) > \(size) or index < 0 or level < 0) limit 100"
        )
        for row in beyond {
            found(
                RecordFinding(
                    .tileChanged, shard: shard,
                    "tile/\(try row.decode("level", as: Int16.self))/\(try row.decode("index", as: Int64.self)) lies beyond the tree"))
        }
        return max(0, next - size)
    }

    /// Erasures and dropped partitions that are written down, and that no event on the record bears out: whoever empties or drops by hand can write
    /// such rows. The events themselves are leaves of the tree. An erasure may be under way for a day; events that tell of it may themselves have been
    /// dropped since.
    private static let doors: SQL = """
        with told as (
            select type, body ->> 'target' as target, body -> 'details' as details from audit.event
            where type in ('audit_subject_erased', 'audit_partition_dropped') and source = 'cardea' and body is not null
        )
        select true as erased, format('erasure %s has emptied %s events', x.erasure, x.n) as what
        from (select erasure, count(*) as n from audit.erased_event group by erasure) x
        left join audit.erasure e on e.id = x.erasure
        where not coalesce(e.state <> 'done' and e.begun_at > clock_timestamp() - interval '1 day', false)
            and not exists (
                select from told t
                where t.type = 'audit_subject_erased' and t.target = 'erasure/' || x.erasure
                    and (t.details ->> 'events')::bigint + (t.details ->> 'own_events')::bigint >= x.n)
            and not exists (select from audit.dropped_partition d where d.lower_bound <= e.finished_at and e.finished_at < d.upper_bound)
        union all
        select false, format('the partition %s is written down as dropped with everything from %s to %s', d.name, d.lower_bound, d.upper_bound)
        from audit.dropped_partition d
        where not exists (
            select from told t
            where t.type = 'audit_partition_dropped' and t.target = 'partition/' || d.name
                and (t.details ->> 'from')::timestamptz = d.lower_bound and (t.details ->> 'to')::timestamptz = d.upper_bound)
            and not exists (
                select from audit.dropped_partition o
                where o.id <> d.id and o.lower_bound <= d.detached_at and d.detached_at < o.upper_bound)
        """
}
