import DatabaseTesting
import PostgreSQL
import Testing

@Suite("Cancellation", .database)
struct CancellationTests {
    @Test("reaches the server, and the connection goes on")
    func reachesServer() async throws {
        let database = try TestDatabase.required()
        let watcher = database.pool()
        try await withPostgresConnection(database.configuration(), logger: .quiet) { connection in
            let task = Task { try await connection.query("SELECT pg_sleep(600)") }
            let pid = connection.backendPID
            try await eventually("the statement runs") { try await watcher.activity(of: pid)?.hasPrefix("active SELECT pg_sleep") == true }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await watcher.activity(of: pid)?.hasPrefix("active") == false)
            #expect(try await connection.query("SELECT 1", as: Int.self) == [1])
        }
    }

    @Test("at any moment ends the call and never hits the next one")
    func anyMoment() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            for round in 0..<60 {
                let task = Task { try await connection.query("SELECT pg_sleep(\(round % 3 == 0 ? 0.001 : 600.0))") }
                for _ in 0..<(round * 3) { await Task.yield() }
                task.cancel()
                switch await task.result {
                case .success: #expect(round % 3 == 0)
                case .failure(let error): #expect(error is CancellationError)
                }
                let after = try await connection.query("SELECT \(round)", as: Int.self)
                #expect(after == [round])
            }
        }
    }

    @Test("by somebody else is an error of its own")
    func bySomebodyElse() async throws {
        let pool = try TestDatabase.required().pool()
        try await pool.withConnection { connection in
            try await connection.simple("SET statement_timeout = '20ms'")
            let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT pg_sleep(600)") }
            #expect(error?.code == .cancelled)
            #expect(error?.sqlState == "57014")
        }
    }

    @Test("of a task that waits for its turn, or was cancelled before, sends nothing")
    func waiting() async throws {
        let database = try TestDatabase.required()
        let watcher = database.pool()
        try await withPostgresConnection(database.configuration(), logger: .quiet) { connection in
            let pid = connection.backendPID
            let first = Task { try await connection.query("SELECT pg_sleep(600)") }
            try await eventually("the statement runs") { try await watcher.activity(of: pid)?.hasPrefix("active SELECT pg_sleep") == true }
            let second = Task { try await connection.query("SELECT 'second'") }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            #expect(try await watcher.activity(of: pid)?.hasPrefix("active SELECT pg_sleep") == true)
            first.cancel()
            await #expect(throws: CancellationError.self) { try await first.value }
        }
    }
}
