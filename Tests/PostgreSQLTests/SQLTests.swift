import Testing

@testable import PostgreSQL

@Suite("SQL by interpolation")
struct SQLTests {
    @Test("a value becomes a bind, a name is quoted, unsafe text is spliced")
    func interpolation() {
        let sql: SQL = "SELECT \(identifier: "o\"dd") FROM t WHERE a = \(1) AND b = \("x'; DROP TABLE t") \(unsafe: "LIMIT 1")"
        #expect(sql.text == "SELECT \"o\"\"dd\" FROM t WHERE a = $1 AND b = $2 LIMIT 1")
        #expect(sql.bindCount == 2)
        #expect(sql.binds.values.map(\.oid) == [20, 25])
    }

    @Test("a statement inside a statement has its binds renumbered")
    func composition() {
        let conditions: [SQL] = ["a = \(1)", "b IN (\(2), \(3))", "c"]
        let sql: SQL = "SELECT \("first") WHERE \(conditions.joined(separator: " AND ")) LIMIT \(4)"
        #expect(sql.text == "SELECT $1 WHERE a = $2 AND b IN ($3, $4) AND c LIMIT $5")
        #expect(sql.bindCount == 5)
        #expect(sql.binds.values.map(\.length) == [5, 8, 8, 8, 8])
        let many = (0..<12).map { "\($0)" as SQL }.joined(separator: ",")
        #expect(("\(0), \(many)" as SQL).text.hasSuffix(",$12,$13"))
    }

    @Test("hand-written placeholders cannot be combined, and that is told when it is used")
    func handWritten() {
        let sql: SQL = "SELECT \(1) UNION \(SQL("SELECT $1", [2]))"
        #expect(sql.binds.refusal?.code == .usage)
        #expect(SQL("SELECT $1", [2]).binds.refusal == nil)
    }

    @Test("NULL has no bytes, an empty string has none either and is no NULL")
    func nulls() {
        let sql: SQL = "\(String?.none)\("")\(String?.some("a"))"
        #expect(sql.binds.values.map(\.length) == [-1, 0, 1])
        sql.binds.withParameters { values, lengths, formats in
            #expect(values?[0] == nil)
            #expect(values?[1] != nil)
            #expect(lengths?[2] == 1)
            #expect(formats?[0] == 1)
        }
    }

    @Test("literals are quoted whatever they hold")
    func literals() {
        #expect(SQL.quoted(literal: "it's") == "'it''s'")
        #expect(SQL.quoted(literal: #"a\'b"#) == #" E'a\\''b'"#)
    }
}

@Suite("The statement cache")
struct StatementCacheTests {
    @Test("the least recently used statements leave first, an eighth at once")
    func eviction() {
        var cache = StatementCache(capacity: 8)
        let keys = (0..<9).map { StatementCache.Key("SELECT \(unsafe: "\($0)")") }
        for key in keys[..<8] { cache.insert(key, name: cache.freshName()) }
        #expect(cache.name(for: keys[0]) == "s1")
        cache.insert(keys[8], name: cache.freshName())
        #expect(cache.takeLeaving() == ["s2"])
        #expect(cache.count == 8)
        #expect(cache.name(for: keys[1]) == nil)
        #expect(cache.name(for: keys[0]) == "s1")
    }

    @Test("the same text with other types is another statement")
    func types() {
        let first: SQL = "SELECT \(1)"
        let second: SQL = "SELECT \("1")"
        #expect(StatementCache.Key(first) != StatementCache.Key(second))
        #expect(StatementCache.Key(first) == StatementCache.Key("SELECT \(2)"))
    }
}
