import ArgumentParser
import AuditEvents
import EventStore
import Glibc
import PostgreSQL
import TransparencyLog

/// psql's COPY of N rows into an identical table, beside `append` of the same rows from Swift, in one run.
///
/// Each connection has two callers, as the event buffer has writers: one waits for its batch, the other makes the next. The events were encoded
/// before, as COPY's file was written before; what that costs is told apart.
struct BenchAppend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "append", abstract: "psql COPY of N rows against audit.append of the same rows, and their ratio.")

    @Option(help: "Rows.") var rows = 200_000
    @Option(help: "Events a call.") var batch = 2000
    @Option(help: "Connections that append at once.") var connections = 2
    @Option(help: "Rounds; medians are printed.") var rounds = 3
    @Flag(help: "Also append while everything is sealed, hashed and signed beside, and print what append keeps.") var hashed = false
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (1000...5_000_000).contains(rows), (1...10_000).contains(batch), (1...32).contains(connections), (1...20).contains(rounds)
        else {
            throw ValidationError(
                "--rows goes from 1000 to 5000000, --batch from 1 to 10000, --connections from 1 to 32, --rounds from 1 to 20.")
        }
    }

    func run() async throws {
        let before = BenchAppend.cpuOfThisProcess()
        let events = try BenchAppend.events(rows)
        let encoding = (BenchAppend.cpuOfThisProcess() - before) * 1e6 / Double(rows)
        StandardOutput.write(
            "\(rows) rows, batches of \(batch), \(connections) connections; made and encoded in \(decimal(encoding)) µs of CPU an event\n")
        var (client, server): ([Double], [Double]) = ([], [])
        var appends: [Double] = []
        var copies: [Double] = []
        var beside: [Double] = []
        for round in 1...rounds {
            let (append, copy, cpu) = try await BenchDatabase.with(database) { try await measure(events, $0.deployment) }
            if hashed {
                let (append, leaves) = try await BenchDatabase.with(database) { try await measureHashed(events, $0.deployment) }
                beside.append(append)
                StandardOutput.write(
                    "round \(round): append \(Int(Double(rows) / append)) rows/s with the tree beside it, which reached \(leaves) leaves meanwhile\n"
                )
            }
            appends.append(append)
            copies.append(copy)
            client.append(cpu.client * 1e6 / Double(rows))
            server.append(cpu.server * 1e6 / Double(rows))
            StandardOutput.write(
                "round \(round): append \(Int(Double(rows) / append)) rows/s, psql COPY \(Int(Double(rows) / copy)) rows/s, ratio \(decimal(copy / append, places: 2))\n"
            )
        }
        let append = quantile(appends, 0.5)
        let copy = quantile(copies, 0.5)
        StandardOutput.write(
            "median: append \(Int(Double(rows) / append)) rows/s, psql COPY \(Int(Double(rows) / copy)) rows/s, ratio of medians \(decimal(copy / append, places: 2))\n"
        )
        if hashed {
            StandardOutput.write("with the tree beside it append keeps \(decimal(append / quantile(beside, 0.5), places: 2)) of its rate\n")
        }
        // Zero where the server runs on another machine.
        StandardOutput.write(
            "CPU an event: append \(decimal(quantile(client, 0.5))) µs here, \(decimal(quantile(server, 0.5))) µs in PostgreSQL's backends\n"
        )
    }

    /// Seconds of append, of COPY, and of CPU for append, in this process and in the backends.
    private func measure(
        _ events: [EncodedEvent], _ deployment: Deployment
    ) async throws -> (append: Double, copy: Double, cpu: (client: Double, server: Double)) {
        let pool = PostgresPool(deployment.configuration(.writer, connections: connections), logger: deployment.logger)
        let appender = Appender(pool)
        _ = try await appender.shard(of: "default")
        let clock = ContinuousClock()
        let before = BenchAppend.cpuOfThisProcess()
        let append = try await clock.measure { try await store(events, appender) }
        let client = BenchAppend.cpuOfThisProcess() - before
        let owner = PostgresPool(deployment.configuration(nil, connections: 1), logger: deployment.logger)
        let backends = try await owner.query(
            "select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()",
            as: Int32.self)
        let server = backends.reduce(0.0) { $0 + BenchAppend.cpu(ofBackend: $1) }
        await pool.close()
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
        return (seconds(append), seconds(copy), (client, server))
    }

    private func store(_ events: [EncodedEvent], _ appender: Appender) async throws {
        let callers = connections * 2
        try await withThrowingTaskGroup { group in
            for caller in 0..<callers {
                group.addTask {
                    for start in stride(from: caller * batch, to: events.count, by: callers * batch) {
                        try await appender.append(Array(events[start..<min(events.count, start + batch)]))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Seconds of append while the shard is sealed, hashed and, each second, signed; and how many leaves there were at its end.
    private func measureHashed(_ events: [EncodedEvent], _ deployment: Deployment) async throws -> (append: Double, leaves: UInt64) {
        let pool = PostgresPool(deployment.configuration(.writer, connections: connections), logger: deployment.logger)
        let workers = PostgresPool(deployment.configuration(.worker, connections: 2), logger: deployment.logger)
        let appender = Appender(pool)
        let shard = try await appender.shard(of: "default")
        let trees = TreeStore(workers)
        guard let key = NoteSigner(name: try await trees.name()) else { throw Failure("the deployment's name is no name for a key") }
        let signer = CheckpointSigner(trees, name: key.verifier.name, keys: [key])
        let keeper = Task {
            var edge = TileEdge()
            var signed = ContinuousClock.now
            while !Task.isCancelled {
                _ = try await Sealer(workers).seal(shard)
                if let grown = try await trees.extend(shard, edge) { edge = grown }
                if ContinuousClock.now - signed > TreeKeeper.checkpointInterval {
                    _ = try await signer.sign(shard, edge)
                    signed = .now
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        let append = try await ContinuousClock().measure { try await store(events, appender) }
        let leaves = try await trees.edge(shard).size
        keeper.cancel()
        _ = await keeper.result
        await pool.close()
        await workers.close()
        return (seconds(append), leaves)
    }

    /// User and system time of this process so far, in seconds.
    private static func cpuOfThisProcess() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// User and system time of a backend on this machine, in seconds (proc(5), fields 14 and 15, in ticks); 0 where there is none.
    private static func cpu(ofBackend process: Int32) -> Double {
        guard let file = fopen("/proc/\(process)/stat", "r") else { return 0 }
        defer { fclose(file) }
        var line = [UInt8](repeating: 0, count: 1024)
        let text = String(decoding: line[..<fread(&line, 1, line.count, file)], as: UTF8.self)
        guard text.contains("(postgres)"), let name = text.lastIndex(of: ")") else { return 0 }
        let fields = text[name...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
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
