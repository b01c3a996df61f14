import EventStore
import Logging
import PostgreSQL
import Schema

/// A projection's generations in the database: making the tables of one, and switching to one that has caught up.
struct Generations {
    /// One generation of a projection.
    struct Generation: Hashable {
        var name: String
        var number: Int32
        var version: Int32
        var isLive: Bool

        init(name: String, number: Int32, version: Int32, isLive: Bool) {
            (self.name, self.number, self.version, self.isLive) = (name, number, version, isLive)
        }

        /// From a row of `audit.projection`.
        init(_ row: PostgresRow) throws {
            name = try row.decode("name", as: String.self)
            number = try row.decode("generation", as: Int32.self)
            version = try row.decode("version", as: Int32.self)
            isLive = try row.decode("state", as: String.self) == "live"
        }

        /// The schema of its tables.
        var schema: String { "audit_view_\(name)_\(number)" }
    }

    static let detection = "detection"
    static let detectionVersion: Int32 = 1

    let pool: PostgresPool
    let logger: Logger

    /// All generations that this binary can work on.
    func all() async throws -> [Generation] {
        try await pool.query("select name, generation, version, state from audit.projection order by name, generation").compactMap { row in
            let generation = try Generation(row)
            let known =
                generation.name == Generations.detection
                ? Generations.detectionVersion : Views.named(generation.name).map { Int32($0.version) }
            return generation.version == known ? generation : nil
        }
    }

    /// Makes what this binary's projections need: a live generation of each; one in building for each view whose version grew.
    func ensure() async throws {
        for view in Views.all { try await ensure(view.name, version: Int32(view.version)) }
        try await ensure(Generations.detection, version: Generations.detectionVersion)
    }

    private func ensure(_ name: String, version: Int32) async throws {
        try await pool.withTransaction { connection in
            try await lock(name, connection)
            let rows = try await connection.query("select generation, version, state from audit.projection where name = \(name)")
            let versions = try rows.map { try $0.decode("version", as: Int32.self) }
            guard !versions.contains(where: { $0 >= version }) else { return }
            _ = try await begin(name, version: version, isLive: rows.isEmpty, connection)
        }
    }

    /// Begins a new generation of `name` beside the live one.
    ///
    /// - Throws: `StoreError` where there is no such view, or a rebuild is under way.
    func rebuild(_ name: String) async throws -> Generation {
        guard let view = Views.named(name) else {
            let names = Views.all.map { $0.name }.joined(separator: ", ")
            throw StoreError(
                .record,
                name == Generations.detection
                    ? "alerts are never rebuilt: somebody may have acted on them" : "there is no projection \(name)",
                hint: "Projections that can be rebuilt: \(names).")
        }
        return try await pool.withTransaction { connection in
            try await lock(name, connection)
            let building = try await connection.query("select 1 from audit.projection where name = \(name) and state = 'building'")
            guard building.isEmpty else {
                throw StoreError(.record, "\(name) is being rebuilt already", hint: "Its progress: `cardea projections list`.")
            }
            return try await begin(name, version: Int32(view.version), isLive: false, connection)
        }
    }

    private func lock(_ name: String, _ connection: PostgresConnection) async throws {
        _ = try await connection.query("select pg_advisory_xact_lock(hashtext('audit.projection'), hashtext(\(name)))")
    }

    private func begin(_ name: String, version: Int32, isLive: Bool, _ connection: PostgresConnection) async throws -> Generation {
        let number = try await connection.query(
            "select coalesce(max(generation), 0) + 1 as n from audit.projection where name = \(name)")[0].decode("n", as: Int32.self)
        let generation = Generation(name: name, number: number, version: version, isLive: isLive)
        try await connection.execute(
            """
            insert into audit.projection (name, generation, version, state)
            values (\(name), \(number), \(version), \(isLive ? "live" : "building"))
            """)
        try await connection.execute(
            "insert into audit.checkpoint (shard, name, generation) select h.shard, \(name), \(number) from audit.head h")
        if let tables = Schema.views[name] {
            let schema = SQL.quoted(identifier: generation.schema)
            try await connection.simple("drop schema if exists \(schema) cascade; create schema \(schema)")
            try await connection.simple("set local search_path = \(schema); \(tables); reset search_path")
            if isLive { try await publish(generation, connection) }
        }
        return generation
    }

    /// Points the view that readers use at this generation.
    private func publish(_ generation: Generation, _ connection: PostgresConnection) async throws {
        let view = "audit_view." + SQL.quoted(identifier: generation.name)
        try await connection.simple(
            """
            drop view if exists \(view);
            create view \(view) as select * from \(SQL.quoted(identifier: generation.schema)).published;
            grant select on \(view) to cardea_reader, cardea_admin
            """)
    }

    /// Checkpoints that a shard lacks: it was added while a generation began.
    func addCheckpoints(shard: Int32) async throws {
        try await pool.execute(
            """
            insert into audit.checkpoint (shard, name, generation)
            select \(shard), p.name, p.generation from audit.projection p on conflict do nothing
            """)
    }

    /// Puts `generation` in the place of the live one if it has folded as much in every shard; says whether it did.
    ///
    /// It does not while somebody reads the old one for longer than a moment: batches wait meanwhile.
    func switchIfCaughtUp(_ generation: Generation) async throws -> Bool {
        let switched: Bool
        do {
            switched = try await pool.withTransaction { connection in
                guard try await tryLock(generation.name, connection), try await isCaughtUp(generation, connection) else { return false }
                try await connection.simple("set local lock_timeout = '100ms'")
                try await replaceLive(by: generation, connection)
                return true
            }
        } catch let error as PostgresError where error.sqlState == "55P03" {
            logger.debug("The live view is being read; switching later", metadata: ["projection.name": "\(generation.name)"])
            return false
        }
        if switched {
            logger.notice(
                "A rebuilt view took the live one's place",
                metadata: ["projection.name": "\(generation.name)", "projection.generation": "\(generation.number)"])
        }
        return switched
    }

    /// Whether `generation` is in building and no shard is behind the live one. Batches that are under way finish first; those after it find the
    /// live generation gone and look again.
    private func isCaughtUp(_ generation: Generation, _ connection: PostgresConnection) async throws -> Bool {
        _ = try await connection.query(
            "select 1 from audit.checkpoint where name = \(generation.name) order by shard, generation for update")
        return try await connection.query(
            """
            select coalesce(bool_and(coalesce(c.next_index, -1) >= coalesce(l.next_index, 0)), false)
                and not exists (
                    select from audit.projection p
                    where p.name = \(generation.name) and p.state = 'live' and p.version > \(generation.version)) as caught_up
            from audit.head h
            join audit.projection b on b.name = \(generation.name) and b.generation = \(generation.number) and b.state = 'building'
            left join audit.checkpoint c on c.shard = h.shard and c.name = b.name and c.generation = b.generation
            left join audit.projection p on p.name = b.name and p.state = 'live'
            left join audit.checkpoint l on l.shard = h.shard and l.name = p.name and l.generation = p.generation
            """)[0].decode("caught_up", as: Bool.self)
    }

    /// Drops the live generation, and those in building that are no newer than this one.
    private func replaceLive(by generation: Generation, _ connection: PostgresConnection) async throws {
        let old = try await connection.query(
            """
            delete from audit.projection
            where name = \(generation.name) and generation <> \(generation.number) and version <= \(generation.version)
            returning name, generation, version, state
            """
        ).map(Generation.init)
        try await connection.execute(
            "update audit.projection set state = 'live' where name = \(generation.name) and generation = \(generation.number)")
        try await publish(generation, connection)
        for old in old { try await connection.simple("drop schema if exists \(SQL.quoted(identifier: old.schema)) cascade") }
    }

    private func tryLock(_ name: String, _ connection: PostgresConnection) async throws -> Bool {
        try await connection.query("select pg_try_advisory_xact_lock(hashtext('audit.projection'), hashtext(\(name))) as got")[0]
            .decode("got", as: Bool.self)
    }
}
