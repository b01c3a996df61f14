import DatabaseTesting
import Testing

@testable import PostgreSQL

@Suite("A connection", .database)
struct ConnectionTests {
    private func connected<R: Sendable>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet, body)
    }

    @Test("typed rows come back in order, and execute counts the rows that it touched")
    func basics() async throws {
        try await connected { connection in
            let rows = try await connection.query(
                "SELECT g, \("é") || g FROM generate_series(1, \(3)) g ORDER BY g DESC", as: (Int, String).self)
            #expect(rows.map(\.0) == [3, 2, 1])
            #expect(rows[0].1 == "é3")
            #expect(try await connection.execute("CREATE TEMP TABLE counted (a int)") == 0)
            #expect(try await connection.execute("INSERT INTO counted SELECT generate_series(1, \(5))") == 5)
            #expect(try await connection.execute("DELETE FROM counted WHERE a > \(3)") == 2)
            #expect(try await connection.query("").isEmpty)
        }
    }

    @Test("a statement is planned for what is there each time: no plan is kept from when its table was small")
    func plans() async throws {
        try await connected { connection in
            try await connection.simple("CREATE TEMP TABLE grown AS SELECT 1 AS a; CREATE INDEX ON grown (a); ANALYZE grown")
            for number in 1...20 { _ = try await connection.query("SELECT count(*) FROM grown WHERE a > \(number)") }
            let plans = try await connection.query(
                "SELECT sum(generic_plans)::bigint, sum(custom_plans)::bigint FROM pg_prepared_statements WHERE statement LIKE 'SELECT count(*) FROM grown%'",
                as: (Int, Int).self)
            #expect(plans[0] == (0, 20))
        }
    }

    @Test("an error carries SQLSTATE, constraint and detail, and the connection goes on")
    func errors() async throws {
        try await connected { connection in
            try await connection.simple(
                "CREATE TEMP TABLE once (secret text CONSTRAINT only_once PRIMARY KEY); INSERT INTO once VALUES ('hunter2')")
            let error = await #expect(throws: PostgresError.self) { try await connection.execute("INSERT INTO once VALUES (\("hunter2"))") }
            #expect(error?.code == .server)
            #expect(error?.sqlState == "23505")
            #expect(error?.constraint == "only_once")
            #expect(error?.table == "once")
            #expect(error?.detail?.contains("hunter2") == true)
            #expect("\(try #require(error))".contains("hunter2") == false)
            #expect(error?.statement == "INSERT INTO once VALUES ($1)")
            let malformed = await #expect(throws: PostgresError.self) { try await connection.query("SELECT \("hunter2")::int") }
            #expect(malformed?.sqlState == "22P02")
            #expect("\(try #require(malformed))".contains("hunter2") == false)
            #expect(try #require(malformed).debugDescription.contains("hunter2"))
            let several = await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1; SELECT 2") }
            #expect(several?.sqlState == "42601")
            #expect(try await connection.query("SELECT 1", as: Int.self) == [1])
        }
    }

    @Test("a script of many statements runs whole or not at all")
    func scripts() async throws {
        try await connected { connection in
            try await connection.simple("CREATE TEMP TABLE s (a int); INSERT INTO s VALUES (1); SELECT * FROM s")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.simple("INSERT INTO s VALUES (2); SELECT 1/0; INSERT INTO s VALUES (3)")
            }
            #expect(error?.sqlState == "22012")
            #expect(try await connection.query("SELECT a FROM s", as: Int32.self) == [1])
            await #expect(throws: PostgresError.self) { try await connection.simple("SELECT 1;\0DROP TABLE s") }
        }
    }

    @Test("a statement is prepared once and reused; the cache is bounded at the server too")
    func statementCache() async throws {
        try await connected { connection in
            for number in 0..<5 { #expect(try await connection.query("SELECT \(number) AS reused", as: Int.self) == [number]) }
            let names = try await connection.query(
                "SELECT count(*), sum(generic_plans + custom_plans)::int8 FROM pg_prepared_statements WHERE statement LIKE '%AS reused'",
                as: (Int, Int).self)
            #expect(names[0] == (1, 5))
            for number in 0..<600 { try await connection.execute("SELECT \(unsafe: "\(number)")") }
            let total = try await connection.query("SELECT count(*) FROM pg_prepared_statements", as: Int.self)
            #expect(total[0] <= 256)
        }
    }

    @Test("a table that changes under a prepared statement does not disturb, nor does DISCARD ALL")
    func staleStatements() async throws {
        try await connected { connection in
            try await connection.simple("CREATE TABLE changing (a int); INSERT INTO changing VALUES (1)")
            #expect(try await connection.query("SELECT * FROM changing")[0].count == 1)
            try await connection.simple("ALTER TABLE changing ADD COLUMN b text DEFAULT 'x'")
            #expect(try await connection.query("SELECT * FROM changing")[0].count == 2)
            try await connection.simple("ALTER TABLE changing ADD COLUMN c text DEFAULT 'y'")
            var columns = 0
            try await connection.stream("SELECT * FROM changing") { columns = $0[0].count }
            #expect(columns == 3)
            try await connection.simple("DISCARD ALL")
            #expect(try await connection.query("SELECT * FROM changing")[0].count == 3)
        }
    }

    @Test("calls of many tasks on one connection are served in turn")
    func turns() async throws {
        try await connected { connection in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    group.addTask { try await connection.query("SELECT \(number)", as: Int.self) == [number] }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test("large binds and rows pass whole, while both sides are sending")
    func largeValues() async throws {
        try await connected { connection in
            let numbers = (0..<1_000_000).map { Int64($0) }
            let back = try await connection.query("SELECT \(numbers)", as: [Int64].self)
            #expect(back == [numbers])
            let text = String(repeating: "0123456789", count: 1_000_000)
            let answers = try await connection.pipeline((0..<8).map { _ in "SELECT \(text)" })
            #expect(answers.count == 8)
            for rows in answers { #expect(try rows[0].decode(0, as: String.self) == text) }
        }
    }

    @Test("more binds than the protocol takes are refused, and the connection goes on")
    func tooManyBinds() async throws {
        try await connected { connection in
            let many = (0..<70_000).map { "\($0)" as SQL }.joined(separator: ",")
            let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT \(many)") }
            #expect(error?.code == .usage)
            let after = try await connection.query("SELECT 1", as: Int.self)
            #expect(after == [1])
        }
    }

    @Test("COPY through query is refused")
    func copyByMistake() async throws {
        for statement: SQL in ["COPY (SELECT 1) TO STDOUT", "COPY pg_temp.nothing FROM STDIN"] {
            try await connected { connection in
                try await connection.simple("CREATE TEMP TABLE nothing (a int)")
                let error = await #expect(throws: PostgresError.self) { try await connection.query(statement) }
                #expect(error?.code == .usage || error?.code == .server)
            }
        }
    }

    @Test("a session has the asked settings, and the server ends one that idles in a transaction")
    func sessionSettings() async throws {
        var configuration = try TestDatabase.required().configuration()
        configuration.applicationName = "settings"
        configuration.idleInTransactionTimeout = .milliseconds(50)
        try await withPostgresConnection(configuration, logger: .quiet) { connection in
            let shown = try await connection.query(
                "SELECT current_setting('application_name'), current_setting('TimeZone'), current_setting('client_encoding')",
                as: (String, String, String).self)
            #expect(shown[0] == ("settings", "UTC", "UTF8"))
            try await connection.simple("BEGIN")
            try await eventually("the server has ended the session") { !connection.session.watch.isQuiet }
            let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
            #expect(error?.code == .connection)
        }
    }

    @Test("a closed connection says so")
    func closed() async throws {
        try await connected { connection in
            connection.close()
            let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
            #expect(error?.code == .closed)
        }
    }

    @Test("the session has the asked role, and a role that does not exist is told at once")
    func roles() async throws {
        let database = try TestDatabase.required()
        let role = "reader_\(database.name)"
        try await connected { try await $0.simple("CREATE ROLE \(role) NOLOGIN") }
        let users = try await withPostgresConnection(database.configuration(role: role), logger: .quiet) {
            try await $0.query("SELECT current_user", as: String.self)
        }
        #expect(users == [role])
        try await connected { try await $0.simple("DROP ROLE \(role)") }
        let error = await #expect(throws: PostgresError.self) {
            try await withPostgresConnection(database.configuration(role: "nobody_at_all"), logger: .quiet) { _ in }
        }
        #expect(error?.code == .connection)
        #expect(error?.isTransient == false)
    }
}
