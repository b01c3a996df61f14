import DatabaseTesting
import PostgreSQL
import Testing

@Suite("Values travel in binary form", .database)
struct ValueTests {
    private func roundTrip<T: PostgresEncodable & PostgresDecodable & Equatable>(_ values: [T]) async throws {
        let database = try TestDatabase.required()
        try await withPostgresConnection(database.configuration(), logger: .quiet) { connection in
            for value in values {
                let row = try #require(try await connection.query("SELECT \(value), \(T?.none), \([value, value])").first)
                #expect(try row.decode(0, as: T.self) == value)
                #expect(try row.decode(1, as: T?.self) == nil)
                #expect(try row.decode(2, as: [T].self) == [value, value])
            }
            let mixed: [T?] = [nil] + values.map { $0 } + [nil]
            let row = try #require(try await connection.query("SELECT \(values), \(mixed), \([T]())").first)
            #expect(try row.decode(0, as: [T].self) == values)
            #expect(try row.decode(1, as: [T?].self) == mixed)
            #expect(try row.decode(2, as: [T].self) == [])
            #expect(throws: PostgresError.self) { try row.decode(1, as: [T].self) }
        }
    }

    @Test("numbers, to their extremes")
    func numbers() async throws {
        try await roundTrip([true, false])
        try await roundTrip([Int16.min, -1, 0, 1, .max])
        try await roundTrip([Int32.min, -1, 0, 1, .max])
        try await roundTrip([Int64.min, -1, 0, 1, .max])
        try await roundTrip([Int.min, -1, 0, 1, .max])
        try await roundTrip([Float.greatestFiniteMagnitude, -.infinity, 0, .leastNonzeroMagnitude])
        try await roundTrip([Double.greatestFiniteMagnitude, .infinity, -0.0, .leastNonzeroMagnitude])
        try await roundTrip([PostgresXID8(0), PostgresXID8(.max)])
    }

    @Test("texts and bytes, empty and odd ones")
    func texts() async throws {
        try await roundTrip(["", "a", "e\u{301}", "\u{e9}", "\r\n\t\u{1b}[31m", "\u{10ffff}", String(repeating: "ü", count: 100_000)])
        try await roundTrip([PostgresBytes([]), PostgresBytes([0, 1, 255]), PostgresBytes([UInt8](repeating: 0, count: 70_000))])
        try await roundTrip([PostgresJSON(text: "null"), PostgresJSON(text: #"{"a": [1, "ü"]}"#)])
        try await roundTrip(["192.0.2.7", "0.0.0.0", "10.0.0.0/8", "::1", "2001:db8::/32"].map { PostgresInet($0) })
    }

    @Test("normalisation forms stay apart, for bytes are stored")
    func normalisation() async throws {
        let database = try TestDatabase.required()
        let rows = try await database.pool().query("SELECT \("e\u{301}") = \("\u{e9}"), length(\("e\u{301}"))", as: (Bool, Int).self)
        #expect(rows[0] == (false, 2))
    }

    @Test("times from the year 1 to the year 9999, to the microsecond")
    func times() async throws {
        // 0001-01-01, 1969-12-31T23:59:59.999999, 1970, 2000, 9999-12-31T23:59:59.999999
        let moments: [Int64] = [-62_135_596_800_000_000, -1, 0, 946_684_800_000_000, 253_402_300_799_999_999]
        try await roundTrip(moments.map { PostgresTimestamp(microseconds: $0) })
        let database = try TestDatabase.required()
        let texts = try await database.pool().query(
            "SELECT t::text FROM unnest(\(moments.map { PostgresTimestamp(microseconds: $0) })) t", as: String.self)
        #expect(texts.first == "0001-01-01 00:00:00+00")
        #expect(texts.last == "9999-12-31 23:59:59.999999+00")
    }

    @Test("infinite times and such beyond the server's range are refused in both directions")
    func infinities() async throws {
        let pool = try TestDatabase.required().pool()
        for text in ["infinity", "-infinity"] {
            let row = try #require(try await pool.query("SELECT \(text)::timestamptz").first)
            let error = #expect(throws: PostgresError.self) { try row.decode(0, as: PostgresTimestamp.self) }
            #expect(error?.code == .decoding)
        }
        for microseconds in [Int64.min, Int64.min + 946_684_800_000_000] {
            let error = await #expect(throws: PostgresError.self) {
                try await pool.query("SELECT \([PostgresTimestamp(microseconds: microseconds)])")
            }
            #expect(error?.code == .usage)
        }
        let error = await #expect(throws: PostgresError.self) {
            try await pool.query("SELECT \(PostgresTimestamp(microseconds: -9_000_000_000_000_000_000))::text")
        }
        #expect(error?.sqlState == "22008")
    }

    @Test("a uuid reads and prints as RFC 9562 writes it, and sorts as the server sorts it")
    func uuids() async throws {
        let texts = [
            "00000000-0000-0000-0000-000000000000", "0190f3c2-7bfa-7abc-8def-0123456789ab", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ]
        let uuids = try texts.map { try #require(PostgresUUID($0)) }
        #expect(uuids.map(\.description) == texts)
        #expect(uuids.sorted() == uuids)
        #expect(PostgresUUID(bytes: uuids[1].bytes) == uuids[1])
        #expect(PostgresUUID("0190f3c2-7bfa-7abc-8def-0123456789a") == nil)
        try await roundTrip(uuids)
    }

    @Test("a string with a NUL is refused, wherever it is bound")
    func nul() async throws {
        let pool = try TestDatabase.required().pool()
        let statements: [SQL] = [
            "SELECT \("a\0b")", "SELECT \(["ok", "a\0b"])", "SELECT \(PostgresJSON(text: "\"\0\""))", "SELECT \(Optional("\0"))",
            SQL("SELECT $1::text", ["\0"]),
        ]
        for statement in statements {
            let error = await #expect(throws: PostgresError.self) { try await pool.query(statement) }
            #expect(error?.code == .usage)
            #expect(error?.message.contains("NUL") == true)
        }
    }

    @Test("strings read enums, names, domains, json and void; other binary types are refused")
    func stringSources() async throws {
        let pool = try TestDatabase.required().pool()
        try await pool.withConnection {
            try await $0.simple("CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN short AS varchar(5)")
        }
        let rows = try await pool.query(
            """
            SELECT 'sad'::mood, 'n'::name, 'd'::short, '{"a":1}'::json, '[1]'::jsonb, pg_advisory_unlock_all(), 'c'::"char", 'b '::char(2),
                   ARRAY['glad']::mood[]
            """)
        let row = try #require(rows.first)
        let values = try (0..<8).map { try row.decode($0, as: String.self) }
        #expect(values == ["sad", "n", "d", #"{"a":1}"#, "[1]", "", "c", "b "])
        #expect(try row.decode(8, as: [String].self) == ["glad"])
        let numbers = try #require(try await pool.query("SELECT 1, 1::numeric, now()").first)
        for column in 0..<3 {
            let error = #expect(throws: PostgresError.self) { try numbers.decode(column, as: String.self) }
            #expect(error?.code == .decoding)
        }
    }

    @Test("an integer column is read as any integer type that can hold its value")
    func integerWidths() async throws {
        let row = try #require(try await TestDatabase.required().pool().query("SELECT 7::int2, 70000, 5000000000, 26::oid").first)
        #expect(try row.decode(0, as: Int.self) == 7)
        #expect(try row.decode(1, as: Int64.self) == 70000)
        #expect(try row.decode(3, as: Int.self) == 26)
        #expect(throws: PostgresError.self) { try row.decode(1, as: Int16.self) }
        #expect(throws: PostgresError.self) { try row.decode(2, as: Int32.self) }
    }

    @Test("columns are found by name and by position; what is missing is told")
    func columns() async throws {
        let row = try #require(try await TestDatabase.required().pool().query("SELECT 1 AS a, NULL::text AS b").first)
        #expect(row.columns == ["a", "b"])
        #expect(try row.decode("a", as: Int.self) == 1)
        #expect(try row.decode("b", as: String?.self) == nil)
        let errors = [
            #expect(throws: PostgresError.self) { try row.decode("c", as: Int.self) },
            #expect(throws: PostgresError.self) { try row.decode(2, as: Int.self) },
            #expect(throws: PostgresError.self) { try row.decode("b", as: String.self) },
        ]
        for error in errors {
            #expect(error?.code == .decoding)
        }
    }

    @Test("an address that is none is refused before it is sent")
    func inet() {
        #expect(PostgresInet("192.0.2.1/24").isValid)
        for text in ["", "192.0.2", "192.0.2.1/33", "::1/129", "host", "::1/", "1.2.3.4\0"] { #expect(!PostgresInet(text).isValid) }
    }
}
