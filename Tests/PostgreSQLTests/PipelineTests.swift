import DatabaseTesting
import PostgreSQL
import Testing

@Suite("A pipeline", .database)
struct PipelineTests {
    @Test("the answers come in the order of the statements, new and known ones mixed")
    func order() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            for _ in 0..<3 {
                let answers = try await connection.pipeline(
                    (0..<50).flatMap { number in ["SELECT \(number)" as SQL, "SELECT \(unsafe: "\(number % 7)") || 'x'"] })
                #expect(answers.count == 100)
                for number in 0..<50 {
                    #expect(try answers[number * 2][0].decode(0, as: Int.self) == number)
                    #expect(try answers[number * 2 + 1][0].decode(0, as: String.self) == "\(number % 7)x")
                }
            }
            #expect(try await connection.pipeline([]).isEmpty)
        }
    }

    @Test("one error undoes all, is thrown, and the connection goes on")
    func failure() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            try await connection.simple("CREATE TABLE piped (a int)")
            for _ in 0..<2 {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.pipeline([
                        "INSERT INTO piped VALUES (\(Int32(1)))", "SELECT 1/\(0)", "INSERT INTO piped VALUES (\(Int32(2)))", "SELECT 'new'",
                    ])
                }
                #expect(error?.sqlState == "22012")
                #expect(error?.statement == "SELECT 1/$1")
            }
            #expect(try await connection.query("SELECT count(*) FROM piped", as: Int.self) == [0])
            #expect(try await connection.pipeline(["SELECT 'new'"]).count == 1)
        }
    }

    @Test("inside a transaction it is part of it")
    func transaction() async throws {
        let pool = try TestDatabase.required().pool()
        try await pool.execute("CREATE TABLE piped_inside (a int)")
        await #expect(throws: CancellationError.self) {
            try await pool.withTransaction { connection in
                _ = try await connection.pipeline(["INSERT INTO piped_inside VALUES (1)", "INSERT INTO piped_inside VALUES (2)"])
                throw CancellationError()
            }
        }
        #expect(try await pool.query("SELECT count(*) FROM piped_inside", as: Int.self) == [0])
    }
}
