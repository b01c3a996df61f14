public import Logging
public import PostgreSQL
import Schema

/// Brings the schema into a database, or up to date: idempotent, safe when started twice at once, refusing a database newer than itself.
public struct Migrator: Sendable {
    let configuration: PostgresConfiguration
    let logger: Logger

    public init(_ configuration: PostgresConfiguration, logger: Logger) {
        var configuration = configuration
        configuration.role = nil  // migrating needs the session user's own rights
        self.configuration = configuration
        self.logger = logger
    }

    /// What `migrate` did.
    public struct Report: Sendable {
        /// The names of the migrations that ran.
        public var migrations: [String] = []
        /// The names of the functions and views that were made anew.
        public var objects: [String] = []
        public var partitions = 0
        public var shards = 0
        /// How many of `shards` were added.
        public var addedShards = 0
        public var version = 0
        /// Whether anything was changed.
        public var changed: Bool { !migrations.isEmpty || !objects.isEmpty || partitions > 0 || addedShards > 0 }
    }

    /// Migrates in one transaction, and makes sure that there are `shards` shards (nil: as many as there are, at least 1).
    ///
    /// - Throws: `StoreError` with `.schemaNewer`, `.migrationChanged` or `.privileges`; `PostgresError` for the rest.
    public func migrate(shards: Int? = nil) async throws -> Report {
        let pool = PostgresPool(configuration, logger: logger)
        do {
            let report = try await pool.withTransaction { try await migrate(shards: shards, in: $0) }
            await pool.close()
            return report
        } catch {
            await pool.close()
            if let error = error as? PostgresError, error.sqlState == "42501" {
                throw StoreError(
                    .privileges, "this user may not set the schema up: \(error.message)",
                    hint: "Run migrate once as a superuser, or as an owner of the database with CREATEROLE; other commands need less.")
            }
            throw error
        }
    }

    private func migrate(shards: Int?, in connection: PostgresConnection) async throws -> Report {
        var report = Report()
        _ = try await connection.query("select pg_advisory_xact_lock(hashtext('cardea.migrate'))")
        try await connection.simple(Migrator.roles)
        let access = try await connection.query("select to_regnamespace('audit_access')::text as name")
        if try access[0].decode("name", as: String?.self) == nil {
            try await connection.simple("create schema audit_access authorization cardea_owner")
        }
        let known = try await connection.query("select to_regclass('audit.migration')::text as name")
        if try known[0].decode("name", as: String?.self) == nil {
            try await connection.simple(Migrator.bootstrap)
        }
        try await connection.simple("set local role cardea_owner; set local search_path = audit; set local timezone = 'UTC'")
        let applied = try await connection.query("select version, name, sha256 from audit.migration order by version")
        var versions: [Int: String] = [:]
        for row in applied { versions[Int(try row.decode("version", as: Int32.self))] = try row.decode("sha256", as: String.self) }
        if let newest = versions.keys.max(), newest > Schema.version {
            throw StoreError.newer(database: newest)
        }
        for migration in Schema.migrations {
            let hash = digest(migration.sql)
            if let known = versions[migration.version] {
                guard known == hash else {
                    throw StoreError(
                        .migrationChanged, "migration \(migration.version) (\(migration.name)) is not the one that this database ran",
                        hint: "Use the cardea that belongs to this database, or restore the file as it was released.")
                }
                continue
            }
            try await connection.simple(migration.sql)
            try await connection.execute(
                "insert into audit.migration (version, name, sha256) values (\(Int32(migration.version)), \(migration.name), \(hash))")
            report.migrations.append(migration.name)
        }
        report.version = Schema.version
        try await apply(Schema.objects, in: connection, report: &report)
        var generator = SystemRandomNumberGenerator()
        let key = (0..<4).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        try await connection.execute("insert into audit.deployment (key) values (\(PostgresBytes(key))) on conflict do nothing")
        let count = try await connection.query("select count(*) as n from audit.head")[0].decode("n", as: Int64.self)
        let wanted = Int32(max(shards ?? 1, Int(count), 1))
        report.shards = Int(try await connection.query("select audit.add_shards(\(wanted)) as n")[0].decode("n", as: Int32.self))
        report.addedShards = report.shards - Int(count)
        report.partitions = Int(
            try await connection.query(
                "select audit.ensure_partitions(now() - interval '1 month', now() + interval '2 months') as n")[0].decode(
                    "n", as: Int32.self))
        // Whatever is new needs them too, not only their own change.
        if report.changed {
            try await connection.execute("delete from audit.object where name = \(Schema.privileges.name)")
        }
        try await apply([Schema.privileges], in: connection, report: &report)
        try await connection.simple("reset role; reset search_path")
        return report
    }

    private func apply(_ objects: [Schema.Object], in connection: PostgresConnection, report: inout Report) async throws {
        let rows = try await connection.query("select name, sha256 from audit.object")
        var known: [String: String] = [:]
        for row in rows { known[try row.decode("name", as: String.self)] = try row.decode("sha256", as: String.self) }
        for object in objects {
            let hash = digest(object.sql)
            guard known[object.name] != hash else { continue }
            try await connection.simple(object.sql)
            try await connection.execute(
                """
                insert into audit.object (name, sha256) values (\(object.name), \(hash))
                on conflict (name) do update set sha256 = excluded.sha256
                """)
            report.objects.append(object.name)
        }
    }

    /// Roles may be made by two migrations at once, in two databases of one cluster: whoever comes second finds them made.
    private static let roles = """
        do $$
        declare
            wanted text;
        begin
            foreach wanted in array array[
                'cardea_owner', 'cardea_writer', 'cardea_access', 'cardea_worker', 'cardea_reader', 'cardea_responder',
                'cardea_admin'
            ] loop
                if not exists (select from pg_roles where rolname = wanted) then
                    begin
                        execute format('create role %I nologin', wanted);
                    exception when duplicate_object or unique_violation then null;
                    end;
                end if;
                -- Since PostgreSQL 16 who makes a role is its member without the right to become it.
                if not pg_has_role(
                    current_user, wanted, case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end)
                then
                    begin
                        execute format('grant %I to %I', wanted, current_user);
                    exception when unique_violation then null;
                    end;
                end if;
            end loop;
            -- The views' tables are the worker's; erasing a subject, which the owner's functions do, reaches into them.
            if not pg_has_role('cardea_owner', 'cardea_worker', 'member') then
                begin
                    grant cardea_worker to cardea_owner;
                exception when unique_violation then null;
                end;
            end if;
        end
        $$
        """

    private static let bootstrap = """
        create schema if not exists audit authorization cardea_owner;
        create schema if not exists audit_view authorization cardea_worker;
        grant usage on schema audit_view to cardea_reader, cardea_admin;
        do $$ begin execute format('grant create on database %I to cardea_worker', current_database()); end $$;
        set local role cardea_owner;
        create table audit.migration (
            version integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now()
        );
        create table audit.object (name text primary key, sha256 text not null);
        """
}
