import AuditEvents
import Foundation
import Testing

@Suite("routes")
struct RoutesTests {
    let cardea = CardeaCommand(home: "/nonexistent/cardea")

    @Test("the example's routes are listed in every form, without a database")
    func forms() async throws {
        let json = try #require(try await cardea.done("routes", "-o", "json").json().array)
        let lines = try await cardea.done("routes", "-o", "jsonl").jsonLines()
        #expect(json == lines && json.count >= 10)
        let books = try #require(json.first { $0.object?["path"] == "/books" && $0.object?["method"] == "POST" }?.object)
        #expect(books["policy"] == "permission:books:write")
        #expect(books["schemes"] == ["bearer", "api_key", "session"])
        #expect(books["privileged"] == false)
        let csv = try await cardea.done("routes", "-o", "csv")
        #expect(csv.text.hasPrefix("method,path,policy,schemes,privileged,limits\r\n"))
        let table = try await cardea.done("routes").lines
        #expect(table.count == json.count + 1)
        #expect(table.contains { $0.split(separator: " ").prefix(3) == ["GET", "/books", "authenticated"] })
    }
}
