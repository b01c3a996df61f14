import DatabaseTesting
import PostgreSQL
import Testing

@Suite("COPY", .database)
struct CopyTests {
    private struct Refusal: Error {}
    private static let count = 100_000

    @Test("takes 100,000 rows in and gives them back as a stream")
    func bothWays() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            try await connection.simple("CREATE TABLE copied (id int8, name text, at timestamptz, maybe int4, tags text[])")
            let stored = try await connection.copyIn("COPY copied FROM STDIN (FORMAT binary)") { writer in
                for number in 0..<Self.count {
                    try await writer.row(
                        number, "row \(number)", PostgresTimestamp(microseconds: Int64(number)), number % 2 == 0 ? Int32(number) : nil,
                        ["a", "b"])
                }
            }
            #expect(stored == Self.count)
            let sums = try await connection.query(
                "SELECT count(*), sum(id)::int8, count(maybe), max(name), min(tags)::text FROM copied",
                as: (Int, Int, Int, String, String).self)
            #expect(sums[0] == (Self.count, Self.count * (Self.count - 1) / 2, Self.count / 2, "row 99999", "{a,b}"))
            var bytes = 0
            var messages = 0
            try await connection.copyOut("COPY (SELECT id, name FROM copied ORDER BY id) TO STDOUT (FORMAT csv)") { reader in
                for try await line in reader {
                    if messages == 0 { #expect(String(decoding: line, as: UTF8.self) == "0,row 0\n") }
                    messages += 1
                    bytes += line.count
                }
            }
            #expect(messages == Self.count)
            #expect(bytes > Self.count * 8)
        }
    }

    @Test("in text format takes raw bytes")
    func text() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            try await connection.simple("CREATE TEMP TABLE lines (a int, b text)")
            let stored = try await connection.copyIn("COPY lines FROM STDIN (FORMAT csv)") { try await $0.raw(Array("1,x\n2,y\n".utf8)) }
            #expect(stored == 2)
        }
    }

    @Test("stores nothing when its body throws, a row is refused, or the task is cancelled")
    func failures() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            try await connection.simple("CREATE TABLE refused (a int8 CHECK (a < 10))")
            await #expect(throws: Refusal.self) {
                try await connection.copyIn("COPY refused FROM STDIN (FORMAT binary)") { writer in
                    try await writer.row(1)
                    throw Refusal()
                }
            }
            let error = await #expect(throws: PostgresError.self) {
                try await connection.copyIn("COPY refused FROM STDIN (FORMAT binary)") { writer in
                    for number in 0..<50_000 { try await writer.row(number) }
                }
            }
            #expect(error?.sqlState == "23514")
            let task = Task {
                try await connection.copyIn("COPY refused FROM STDIN (FORMAT binary)") { writer in
                    while true { try await writer.row([1]) }
                }
            }
            try await eventually("the COPY runs") {
                do {
                    _ = try await connection.query("SELECT 1")
                    return false
                } catch let error as PostgresError {
                    return error.code == .usage
                }
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await connection.query("SELECT count(*) FROM refused", as: Int.self) == [0])
        }
    }

    @Test("keeps going after a row that cannot be encoded")
    func unencodableRow() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            try await connection.simple("CREATE TEMP TABLE partly (a int8, b text)")
            let stored = try await connection.copyIn("COPY partly FROM STDIN (FORMAT binary)") { writer in
                try await writer.row(1, "good")
                try? await writer.row(2, "bad\0")
                try? await writer.row([3, "bad\0"])
                try await writer.row([4, "good"])
            }
            #expect(stored == 2)
            #expect(try await connection.query("SELECT a FROM partly", as: Int.self) == [1, 4])
        }
    }

    @Test("out can be left early, and the connection goes on")
    func leftEarly() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            for throwing in [false, true] {
                do {
                    try await connection.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") { reader in
                        #expect(try await reader.next() == Array("1\n".utf8))
                        if throwing { throw Refusal() }
                    }
                    #expect(!throwing)
                } catch is Refusal {
                    #expect(throwing)
                }
                #expect(try await connection.query("SELECT 1", as: Int.self) == [1])
            }
        }
    }

    @Test("refuses other statements inside its body, wrong directions and no COPY at all")
    func misuse() async throws {
        let database = try TestDatabase.required()
        try await withPostgresConnection(database.configuration(), logger: .quiet) { connection in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.copyOut("COPY (SELECT 1) TO STDOUT") { _ in _ = try await connection.query("SELECT 1") }
            }
            #expect(error?.code == .usage)
            let none = await #expect(throws: PostgresError.self) { try await connection.copyIn("SELECT 1") { _ in } }
            #expect(none?.code == .usage)
            let syntax = await #expect(throws: PostgresError.self) { try await connection.copyIn("COPY nothing_here FROM STDIN") { _ in } }
            #expect(syntax?.sqlState == "42P01")
            let after = try await connection.query("SELECT 1", as: Int.self)
            #expect(after == [1])
            let direction = await #expect(throws: PostgresError.self) { try await connection.copyIn("COPY (SELECT 1) TO STDOUT") { _ in } }
            #expect(direction?.code == .usage)
        }
    }
}

@Suite("A stream", .database)
struct StreamTests {
    @Test("gives all rows in batches, in order")
    func batches() async throws {
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            for batch in [1, 999, 1000, 5000] {
                var next = 1
                var sizes: Set<Int> = []
                try await connection.stream("SELECT g FROM generate_series(1, \(2500)) g", batch: batch) { rows in
                    sizes.insert(rows.count)
                    for row in rows {
                        let number = try row.decode(0, as: Int.self)
                        #expect(number == next)
                        next += 1
                    }
                }
                #expect(next == 2501)
                #expect(sizes.max() == min(batch, 2500))
            }
            try await connection.stream("SELECT 1 WHERE false") { _ in Issue.record("no rows, no batch") }
        }
    }

    @Test("can be left early by throwing; an error of the server in its midst is thrown")
    func leaving() async throws {
        struct Enough: Error {}
        try await withPostgresConnection(try TestDatabase.required().configuration(), logger: .quiet) { connection in
            await #expect(throws: Enough.self) {
                try await connection.stream("SELECT generate_series(1, 100000000)") { _ in throw Enough() }
            }
            let error = await #expect(throws: PostgresError.self) {
                try await connection.stream("SELECT 1/(5000 - g) FROM generate_series(1, 10000) g") { _ in }
            }
            #expect(error?.sqlState == "22012")
            let after = try await connection.query("SELECT 1", as: Int.self)
            #expect(after == [1])
        }
    }
}
