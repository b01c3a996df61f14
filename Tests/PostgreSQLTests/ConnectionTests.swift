import DatabaseTesting
import PostgreSQL
import Testing

@Suite("A connection", .database)
struct ConnectionTests {
    @Test("binds and rows come back as they went")
    func basics() async throws {
        let database = try TestDatabase.required()
        let pool = database.pool()
        let rows = try await pool.query("SELECT \(1) + 1 AS two, \("é") AS text", as: (Int, String).self)
        #expect(rows.count == 1)
        #expect(rows[0] == (2, "é"))
        await pool.close()
    }
}
