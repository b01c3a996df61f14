import ArgumentParser
import AuditEvents
import EventStore
import Glibc
import PostgreSQL

/// psql's COPY of N rows into an identical table, beside `append` of the same rows from Swift, in one run.
struct BenchAppend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "append", abstract: "psql COPY of N rows against audit.append of the same rows, and their ratio.")

    @Option(help: "Rows.") var rows = 200_000
    @Option(help: "Events a call.") var batch = 2000
    @Option(help: "Connections that append at once.") var connections = 2
    @Option(help: "Rounds; medians are printed.") var rounds = 3
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (1000...5_000_000).contains(rows), (1...10_000).contains(batch), (1...32).contains(connections), (1...20).contains(rounds)
        else {
            throw ValidationError(
                "--rows goes from 1000 to 5000000, --batch from 1 to 10000, --connections from 1 to 32, --rounds from 1 to 20.")
        }
    }

    func run() async throws {
        let events = try BenchAppend.events(rows)
        StandardOutput.write("\(rows) rows, batches of \(batch), \(connections) connections\n")
        var appends: [Double] = []
        var copies: [Double] = []
        for round in 1...rounds {
            let (append, copy) = try await BenchDatabase.with(database) { try await measure(events, $0.deployment) }
            appends.append(append)
            copies.append(copy)
            StandardOutput.write(
                "round \(round): append \(Int(Double(rows) / append)) rows/s, psql COPY \(Int(Double(rows) / copy)) rows/s, ratio \(decimal(copy / append, places: 2))\n"
            )
        }
        let append = quantile(appends, 0.5)
        let copy = quantile(copies, 0.5)
        StandardOutput.write(
            "median: append \(Int(Double(rows) / append)) rows/s, psql COPY \(Int(Double(rows) / copy)) rows/s, ratio of medians \(decimal(copy / append, places: 2))\n"
        )
    }

    /// Seconds of append, and of COPY.
    private func measure(_ events: [EncodedEvent], _ deployment: Deployment) async throws -> (Double, Double) {
        let pool = PostgresPool(deployment.configuration(.writer, connections: connections), logger: deployment.logger)
        let appender = Appender(pool)
        _ = try await appender.shard(of: "default")
        let clock = ContinuousClock()
        let append = try await clock.measure {
            try await withThrowingTaskGroup { group in
                for lane in 0..<connections {
                    group.addTask {
                        for start in stride(from: lane * batch, to: events.count, by: connections * batch) {
                            try await appender.append(Array(events[start..<min(events.count, start + batch)]))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        await pool.close()
        let owner = PostgresPool(deployment.configuration(nil, connections: 1), logger: deployment.logger)
        let stored = try await owner.query("select count(*) as n from audit.event where source = 'bench'")[0].decode("n", as: Int64.self)
        guard stored == events.count else { throw Failure("\(stored) rows were stored, \(events.count) appended") }
        try await owner.withConnection { connection in
            try await connection.simple(
                """
                create table public.copied (like audit.event including all) partition by range (time);
                do $$
                declare p record;
                begin
                    for p in select * from audit.partition loop
                        execute format('create table public.%I partition of public.copied for values from (%L) to (%L)',
                            'copied_' || to_char(p.lower_bound, 'YYYY_MM'), p.lower_bound, p.upper_bound);
                    end loop;
                end
                $$;
                checkpoint
                """)
        }
        let file = "/tmp/cardea-bench-\(getpid()).copy"
        defer { unlink(file) }
        try psql(deployment.url, "\\copy (select * from audit.event where source = 'bench') to '\(file)' (format binary)")
        try await owner.execute("checkpoint")
        let copy = try clock.measure { try psql(deployment.url, "\\copy public.copied from '\(file)' (format binary)") }
        await owner.close()
        return (seconds(append), seconds(copy))
    }

    private func psql(_ url: String, _ command: String) throws {
        var child = pid_t()
        let arguments = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url, "--command", command]
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        guard posix_spawnp(&child, "psql", nil, nil, &pointers, environ) == 0 else {
            throw Failure("psql cannot be started", hint: "Install postgresql-client.")
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        guard status == 0 else { throw Failure("psql failed at: \(command)") }
    }

    /// Requests as the middleware reports them, about 350 bytes a row.
    static func events(_ count: Int) throws -> [EncodedEvent] {
        let encoder = EventEncoder()
        let now = Timestamp.now()
        return try (0..<count).map { number in
            let time = Timestamp(microseconds: now.microseconds - Int64(count - number) * 100)
            return try encoder.encode(
                AuditEvent(
                    header: EventHeader(
                        id: EventID(time: time), source: "bench", type: .httpRequest, outcome: .success, actorKind: .user, method: "GET",
                        route: "/books/{id}", status: 200, durationMicroseconds: Int64(200 + number % 5000)),
                    body: EventBody(
                        actor: .init(id: "u\(number % 500)", name: "user\(number % 500)"),
                        client: .init(ip: "192.0.2.\(number % 250)", userAgent: "Mozilla/5.0 (X11; Linux x86_64)"),
                        session: "fp_0123456789abcdef0123456789abcdef", requestID: "r\(number)", path: "/books/\(number)")), now: now)
        }
    }
}
