import DatabaseTesting
import Testing

@testable import PostgreSQL

@Suite("A pool", .database)
struct PoolTests {
    @Test("never opens more connections than it may, and serves everybody")
    func bound() async throws {
        let pool = try TestDatabase.required().pool(maximumConnections: 3)
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    try await pool.withConnection { connection in
                        #expect(pool.occupancy.open <= 3)
                        try await connection.execute("SELECT pg_sleep(0.002)")
                        return connection.backendPID
                    }
                }
            }
            var pids: Set<Int32> = []
            for try await pid in group { pids.insert(pid) }
            #expect(pids.count <= 3)
        }
        #expect(pool.occupancy.lent == 0)
        await pool.close()
    }

    @Test("tells a task that none became free in time")
    func timeout() async throws {
        var configuration = try TestDatabase.required().configuration(maximumConnections: 1)
        configuration.acquireTimeout = .milliseconds(50)
        let pool = PostgresPool(configuration, logger: .quiet)
        try await pool.withConnection { _ in
            let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
            #expect(error?.code == .poolTimeout)
            #expect(pool.occupancy.waiting == 0)
        }
        let after = try await pool.query("SELECT 1", as: Int.self)
        #expect(after == [1])
    }

    @Test("lets a cancelled task stop waiting")
    func cancelledWait() async throws {
        let pool = try TestDatabase.required().pool(maximumConnections: 1)
        try await pool.withConnection { _ in
            let task = Task { try await pool.query("SELECT 1") }
            try await eventually("the task waits") { pool.occupancy.waiting == 1 }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(pool.occupancy.waiting == 0)
        }
    }

    @Test("throws a broken connection away and opens another")
    func brokenConnection() async throws {
        let database = try TestDatabase.required()
        let pool = database.pool(maximumConnections: 1)
        let killer = database.pool(maximumConnections: 1)
        // While it is lent: the call that runs fails at once.
        let error = await #expect(throws: PostgresError.self) {
            try await pool.withConnection { connection in
                let task = Task { try await connection.query("SELECT pg_sleep(600)") }
                let pid = connection.backendPID
                try await eventually("the statement runs") {
                    try await killer.activity(of: pid)?.hasPrefix("active SELECT pg_sleep") == true
                }
                try await killer.execute("SELECT pg_terminate_backend(\(pid))")
                _ = try await task.value
            }
        }
        #expect(error?.code == .connection)
        #expect(error?.sqlState == "57P01")
        #expect(error?.isTransient == true)
        // While it lies idle: nobody notices.
        let pid = try await pool.withConnection { $0.backendPID }
        try await killer.execute("SELECT pg_terminate_backend(\(pid))")
        try await eventually("the backend is gone") { try await killer.activity(of: pid) == nil }
        #expect(try await pool.query("SELECT 1", as: Int.self) == [1])
    }

    @Test("closes: idle connections end, waiting tasks are refused, lent ones come back first")
    func close() async throws {
        let pool = try TestDatabase.required().pool(maximumConnections: 1)
        let (opened, gate) = AsyncStream.makeStream(of: Void.self)
        let (somebodyWaits, waits) = AsyncStream.makeStream(of: Void.self)
        let lent = Task {
            try await pool.withConnection { connection in
                gate.yield()
                for await _ in somebodyWaits { break }
                try await eventually("the pool is closed") { pool.occupancy.waiting == 0 }
                return try await connection.query("SELECT 1", as: Int.self)
            }
        }
        for await _ in opened { break }
        let waiting = Task { try await pool.query("SELECT 1") }
        try await eventually("the task waits") { pool.occupancy.waiting == 1 }
        waits.yield()
        await pool.close()
        #expect(try await lent.value == [1])
        #expect(pool.occupancy.open == 0)
        let refused = await #expect(throws: PostgresError.self) { try await waiting.value }
        #expect(refused?.code == .closed)
        let late = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
        #expect(late?.code == .closed)
    }

    @Test(
        "a wrong URL is told at once, in words without a password",
        arguments: [
            ("postgresql://user:s3cret@/nothing?host=/nowhere-at-all", PostgresError.Code.connection),
            ("postgresql://user:s3cret@127.0.0.1:1/nothing", .connection),
            ("postgresql://user:s3cret@p@127.0.0.1:1/nothing", .connection),
            ("postgresql:/user:s3cret@host/nothing", .usage),
            ("user=me password=s3cret nothing", .usage),
            ("postgresql://user:s3cret@host:notaport/nothing", .connection),
            ("host=/nowhere password='s3cret", .usage),
        ])
    func wrongURL(url: String, code: PostgresError.Code) async throws {
        let pool = PostgresPool(PostgresConfiguration(url: url), logger: .quiet)
        let error = try #require(await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") })
        #expect(error.code == code)
        #expect(!"\(error)".contains("s3cret"))
        #expect(!error.debugDescription.contains("s3cret"))
        #expect(error.message.count > 10)
    }

    @Test("a database that does not exist is told with its SQLSTATE, and waiting would not mend it")
    func missingDatabase() async throws {
        let database = try TestDatabase.required()
        var configuration = database.configuration()
        configuration.url = configuration.url.split(separator: database.name, maxSplits: 1).joined(separator: "no_such_database")
        let pool = PostgresPool(configuration, logger: .quiet)
        let error = try #require(await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") })
        #expect(error.code == .connection)
        #expect(error.sqlState == "3D000")
        #expect(!error.isTransient)
        #expect(error.message.hasSuffix("FATAL: database \"no_such_database\" does not exist"))
    }
}

@Suite("The decisions of a pool")
struct PoolStateTests {
    @Test("permits are bounded, and the last used connection is used first")
    func permits() {
        var pool = PoolState<String, Int>(limit: 2)
        guard case .connect = pool.acquire(), case .connect = pool.acquire(), case .wait = pool.acquire() else {
            Issue.record("two permits")
            return
        }
        guard case .keep = pool.release("a"), case .keep = pool.release("b") else {
            Issue.record("nobody waits")
            return
        }
        guard case .use("b") = pool.acquire() else {
            Issue.record("the last used one")
            return
        }
        #expect(pool.lent == 1)
        #expect(pool.idle == ["a"])
    }

    @Test("who waits is served in order, also by the permit of a connection that broke")
    func waiters() {
        var pool = PoolState<String, Int>(limit: 1)
        guard case .connect = pool.acquire() else { return }
        for number in 1...3 { pool.enqueue(number, identifier: UInt64(number)) }
        #expect(pool.withdraw(2) == 2)
        #expect(pool.withdraw(2) == nil)
        guard case .hand("a", to: 1) = pool.release("a"), case .permit(3) = pool.releasePermit(), case .nothing = pool.releasePermit()
        else {
            Issue.record("the order of the waiters")
            return
        }
        #expect(pool.lent == 0)
    }

    @Test("a closed pool keeps nothing")
    func closing() {
        var pool = PoolState<String, Int>(limit: 2)
        _ = pool.acquire()
        _ = pool.acquire()
        _ = pool.release("a")
        pool.enqueue(1, identifier: 1)
        let (idle, waiters) = pool.close()
        #expect(idle == ["a"])
        #expect(waiters == [1])
        guard case .close("b") = pool.release("b"), case .refuse = pool.acquire() else {
            Issue.record("closed")
            return
        }
        #expect(pool.lent == 0)
    }

    @Test("pauses double from 50 ms to 2 s, and chance takes away up to a half")
    func backoff() {
        var backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        for expected in [50, 100, 200, 400, 800, 1600, 2000, 2000] {
            let pause = backoff.fail(using: &generator)
            #expect(pause <= .milliseconds(expected))
            #expect(pause >= .milliseconds(expected) / 2)
        }
        backoff.succeed()
        #expect(backoff.fail() <= .milliseconds(50))
    }
}
