import ArgumentParser
import AuditEvents
import EventStore
import Glibc
import PostgreSQL

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what was configured, what runs, how far it is, and how to mend what is wrong.",
        discussion: "Starts nothing and changes nothing. Exit status 1 when something is wrong.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    private struct Problem {
        var what: String
        var mend: String
    }

    func run() async throws {
        let settings = try await Settings(database)
        let logger = Deployment.logger(settings.logLevel)
        var report: JSONObject = [
            "cardea": .string(Cardea.configuration.version), "home": .string(settings.home),
            "spool_directory": settings.store.spoolDirectory.map(JSONValue.string) ?? .null,
            "private_cluster": .bool(settings.databaseURL == nil), "schema_version_needed": .int(Int64(SchemaVersion.current)),
        ]
        var problems: [Problem] = []
        var url = settings.databaseURL
        if url == nil {
            let status = try await PrivateCluster(home: settings.home, logger: logger).status()
            report["cluster"] = .string(status.state.description)
            url = status.url
            if status.state != .running {
                problems.append(
                    Problem(what: "the private cluster is \(status.state)", mend: "Any command starts it, `cardea up` keeps working."))
            }
        }
        report["database_url"] = url.map { .string(Doctor.masked($0)) } ?? .null
        if let url {
            let deployment = Deployment(settings: settings, logger: logger, url: url, isPrivate: settings.databaseURL == nil)
            let pool = PostgresPool(deployment.configuration(nil, connections: 1), logger: logger)
            do { try await examine(pool, &report, &problems) } catch {
                problems.append(Problem(what: "\(error)", mend: "Check the URL, the server and the user's roles."))
            }
            await pool.close()
        }
        let spool = Doctor.spoolBytes(settings.store.spoolDirectory)
        report["spool_bytes"] = .int(Int64(spool))
        if spool > 0 {
            problems.append(
                Problem(
                    what: "\(spool) bytes of events wait in the spool",
                    mend: "They are stored when the writing process reaches the database again."))
        }
        report["problems"] = .array(problems.map { ["what": .string($0.what), "mend": .string($0.mend)] })
        report["ok"] = .bool(problems.isEmpty)
        print(report, problems)
        if !problems.isEmpty { throw ExitCode(1) }
    }

    private func examine(_ pool: PostgresPool, _ report: inout JSONObject, _ problems: inout [Problem]) async throws {
        let server = try await pool.query(
            "select current_setting('server_version') as version, current_user::text as user_name, pg_is_in_recovery() as standby")[0]
        report["server_version"] = .string(try server.decode("version", as: String.self))
        report["database_user"] = .string(try server.decode("user_name", as: String.self))
        if try server.decode("standby", as: Bool.self) {
            problems.append(Problem(what: "the server is a standby", mend: "Give the URL of the primary; a standby can only be read."))
        }
        let version = try await SchemaVersion.installed(in: pool)
        report["schema_version"] = version.map { .int(Int64($0)) } ?? .null
        do { try await SchemaVersion.check(pool) } catch let error as StoreError {
            problems.append(Problem(what: error.message, mend: error.hint ?? ""))
            return
        }
        let heads = try await pool.query(
            """
            select h.shard, h.next_index, l.owner, l.expires_at < clock_timestamp() as expired,
                exists (
                    select from audit.event e
                    where e.shard = h.shard and e.tx >= pg_snapshot_xmax(h.sealed) and e.type not like 'audit\\_%') as unsealed,
                exists (
                    select from audit.log g
                    join audit.event e on e.shard = g.shard and e.id = g.id and e.time = g.time and e.type not like 'audit\\_%'
                    where g.shard = h.shard and g.index >= coalesce(
                        (select min(c.next_index) from audit.checkpoint c where c.shard = h.shard), 0)) as waits,
                coalesce((select max(h.next_index - c.next_index) from audit.checkpoint c where c.shard = h.shard), h.next_index) as lag
            from audit.head h left join audit.lease l using (shard) order by h.shard
            """)
        var shards: [JSONValue] = []
        var isBehind = false
        for row in heads {
            let unsealed = try row.decode("unsealed", as: Bool.self)
            let lag = try row.decode("lag", as: Int64.self)
            let owner = try row.decode("expired", as: Bool?.self) == false ? try row.decode("owner", as: String?.self) : nil
            // Cardea's own acts, as that somebody looked, wait for the next worker.
            if owner == nil, try unsealed || row.decode("waits", as: Bool.self) { isBehind = true }
            shards.append([
                "shard": .int(Int64(try row.decode("shard", as: Int32.self))),
                "next_index": .int(try row.decode("next_index", as: Int64.self)),
                "unsealed": .bool(unsealed), "lag": .int(lag), "worker": owner.map(JSONValue.string) ?? .null,
            ])
        }
        report["shards"] = .array(shards)
        report["lag"] = .int(shards.compactMap { $0.object?["lag"]?.int }.reduce(0, +))
        if isBehind {
            problems.append(
                Problem(
                    what: "events wait and no worker runs", mend: "Run `cardea up`, `cardea worker`, or `cardea worker --until-idle` once.")
            )
        }
        let day = try await pool.query(
            """
            select (select count(*) from audit.quarantine where set_aside_at > now() - interval '1 day') as aside,
                (select count(*) from audit.delivery where state = 'dead' and finished_at > now() - interval '1 day') as dead
            """)[0]
        let (aside, dead) = (try day.decode("aside", as: Int64.self), try day.decode("dead", as: Int64.self))
        report["quarantined_today"] = .int(aside)
        report["deliveries_dead_today"] = .int(dead)
        if aside > 0 {
            problems.append(
                Problem(
                    what: "\(aside) events could not be folded within a day",
                    mend: "`cardea query --type audit_event_quarantined` says why; mended, `cardea projections rebuild` makes a view whole."
                ))
        }
        if dead > 0 {
            problems.append(
                Problem(
                    what: "\(dead) deliveries of alerts were given up within a day",
                    mend: "`cardea deliveries list --state dead` says why; mended, `cardea deliveries replay --dead` sends them."))
        }
        let ahead = try await pool.query(
            "select exists (select from audit.partition where lower_bound <= now() and upper_bound > now()) as made")[0]
        if try !ahead.decode("made", as: Bool.self) {
            problems.append(
                Problem(
                    what: "there is no partition for events of this month",
                    mend: "Run `cardea migrate`; a running worker makes them ahead of time."))
        }
    }

    private func print(_ report: JSONObject, _ problems: [Problem]) {
        switch output.output {
        case .json, .jsonl: StandardOutput.write(RowPrinter.text(.object(report)) + "\n")
        case .table, .csv:
            for member in report where !["problems", "shards", "ok"].contains(member.key) {
                let text = member.value.string ?? RowPrinter.text(member.value)
                StandardOutput.write(
                    Colour.bold(member.key) + String(repeating: " ", count: max(1, 24 - member.key.count)) + RowPrinter.visible(text) + "\n"
                )
            }
            for shard in report["shards"]?.array ?? [] { StandardOutput.write("shard                   \(RowPrinter.text(shard))\n") }
            for problem in problems {
                StandardOutput.write(Colour.red("wrong: \(RowPrinter.visible(problem.what))") + "\n  \(problem.mend)\n")
            }
            if problems.isEmpty { StandardOutput.write("nothing is wrong\n") }
        }
    }

    /// The URL with its password, in either of libpq's forms, as `****`.
    static func masked(_ url: String) -> String { PostgresConfiguration(url: url).maskedURL }

    private static func spoolBytes(_ directory: String?) -> Int {
        guard let directory else { return 0 }
        var pattern = glob_t()
        defer { globfree(&pattern) }
        guard glob(directory + "/*/*.spool", 0, nil, &pattern) == 0 else { return 0 }
        return (0..<Int(pattern.gl_pathc)).reduce(0) { total, index in
            var status = stat()
            guard let path = pattern.gl_pathv[index], stat(path, &status) == 0 else { return total }
            return total + Int(status.st_size)
        }
    }
}
