import DatabaseTesting
import PostgreSQL
import Testing

@Suite("A transaction", .database)
struct TransactionTests {
    private struct Refusal: Error {}

    private func table(_ name: String) async throws -> PostgresPool {
        let pool = try TestDatabase.required().pool()
        try await pool.execute("CREATE TABLE \(identifier: name) (a int8)")
        return pool
    }

    private func contents(_ pool: PostgresPool, _ name: String) async throws -> [Int] {
        try await pool.query("SELECT a FROM \(identifier: name) ORDER BY a", as: Int.self)
    }

    @Test("is committed when its body returns and undone when it throws")
    func outcome() async throws {
        let pool = try await table("outcome")
        let value = try await pool.withTransaction { connection in
            try await connection.execute("INSERT INTO outcome VALUES (\(1))")
            return 7
        }
        #expect(value == 7)
        await #expect(throws: Refusal.self) {
            try await pool.withTransaction { connection in
                try await connection.execute("INSERT INTO outcome VALUES (\(2))")
                throw Refusal()
            }
        }
        #expect(try await contents(pool, "outcome") == [1])
    }

    @Test("is undone when its task is cancelled, in a statement or between two")
    func cancellation() async throws {
        let pool = try await table("cancelled")
        for inStatement in [true, false] {
            let (pids, gate) = AsyncStream.makeStream(of: Int32.self)
            let task = Task {
                try await pool.withTransaction { connection in
                    try await connection.execute("INSERT INTO cancelled VALUES (\(1))")
                    gate.yield(connection.backendPID)
                    if inStatement {
                        try await connection.execute("SELECT pg_sleep(600)")
                    } else {
                        while !Task.isCancelled { await Task.yield() }
                    }
                }
            }
            for await pid in pids {
                if inStatement {
                    try await eventually("the statement runs") {
                        try await pool.activity(of: pid)?.contains("active SELECT pg_sleep") == true
                    }
                }
                task.cancel()
                gate.finish()
            }
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(try await contents(pool, "cancelled") == [])
        #expect(pool.occupancy.lent == 0)
    }

    @Test("inside another it is a savepoint")
    func savepoints() async throws {
        let pool = try await table("nested")
        try await pool.withTransaction { connection in
            try await connection.execute("INSERT INTO nested VALUES (\(1))")
            await #expect(throws: PostgresError.self) {
                try await connection.withTransaction { inner in
                    try await inner.execute("INSERT INTO nested VALUES (\(2))")
                    try await inner.withTransaction { try await $0.execute("INSERT INTO nested VALUES (\(3))") }
                    try await inner.execute("SELECT 1/0")
                }
            }
            try await connection.withTransaction { try await $0.execute("INSERT INTO nested VALUES (\(4))") }
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction { inner in
                    try await inner.execute("INSERT INTO nested VALUES (\(5))")
                    _ = try? await inner.execute("SELECT 1/0")
                }
            }
            #expect(error?.sqlState == "25P02")
            try await connection.execute("INSERT INTO nested VALUES (\(6))")
        }
        #expect(try await contents(pool, "nested") == [1, 4, 6])
    }

    @Test("whose body swallowed an error says that nothing was committed")
    func swallowedError() async throws {
        let pool = try await table("swallowed")
        let error = await #expect(throws: PostgresError.self) {
            try await pool.withTransaction { connection in
                try await connection.execute("INSERT INTO swallowed VALUES (\(1))")
                _ = try? await connection.execute("SELECT 1/0")
            }
        }
        #expect(error?.sqlState == "25P02")
        #expect(try await contents(pool, "swallowed") == [])
    }

    @Test("has the asked isolation and refuses writes when it only reads")
    func options() async throws {
        let pool = try await table("options")
        let shown = try await pool.withTransaction(.init(isolation: .repeatableRead, readOnly: true)) { connection in
            try await connection.query("SELECT current_setting('transaction_isolation')", as: String.self)
        }
        #expect(shown == ["repeatable read"])
        let error = await #expect(throws: PostgresError.self) {
            try await pool.withTransaction(.init(readOnly: true)) { try await $0.execute("INSERT INTO options VALUES (1)") }
        }
        #expect(error?.sqlState == "25006")
    }

    @Test("left open by hand is undone before the connection is lent again")
    func leftOpen() async throws {
        let pool = try TestDatabase.required().pool(maximumConnections: 1)
        try await pool.withConnection { connection in
            try await connection.simple("CREATE TABLE left_open (a int)")
            try await connection.simple("BEGIN; INSERT INTO left_open VALUES (1)")
        }
        #expect(try await pool.query("SELECT a FROM left_open").isEmpty)
        try await pool.withConnection { connection in
            try await connection.simple("BEGIN")
            _ = try? await connection.execute("SELECT 1/0")
        }
        #expect(try await pool.query("SELECT 1", as: Int.self) == [1])
    }
}
