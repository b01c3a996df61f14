import AuditEvents
import DatabaseTesting
import Foundation
import Testing

@Suite("the private cluster")
struct ClusterCommandTests {
    @Test("it is told absent, started on demand, survives a crash, stops once and starts again")
    func life() async throws {
        try await withTestCluster { test in
            let cardea = CardeaCommand(home: test.home)
            func state() async throws -> JSONValue? { try await cardea("doctor", "-o", "json").json().object?["cluster"] }
            let absent = try await cardea("doctor")
            #expect(
                absent.status == 1 && absent.text.contains("absent") && absent.text.contains("cardea up"),
                "\(absent.text)\(absent.messages)")
            #expect(try await state() == "absent")
            #expect(try await cardea.done("down").messages.contains("not running"))

            let first = try await cardea.done("query", "--count")
            #expect(first.text == "0\n" && first.messages.contains("private PostgreSQL"))
            #expect(try await cardea.done("query", "--count").messages.isEmpty)
            #expect(try await state() == "running")
            let line = "192.0.2.1 - - [10/Oct/2023:13:55:36 +0000] \"GET / HTTP/1.1\" 200 5\n"
            try await cardea.done("import", "-", input: Data(line.utf8))
            let url = try #require(
                try await cardea.done("worker", "--until-idle", "--log-level", "error").status == 0
                    ? cardea("doctor", "-o", "json").json().object?["database_url"]?.string : nil)
            #expect(try await CardeaCommand(url: url, home: test.home + "/other").count() == 1)

            try await test.crash()
            #expect(try await cardea.count() == 1)
            #expect(try await cardea.done("down").messages.contains("stopped"))
            #expect(try await cardea.done("down").messages.contains("not running"))
            #expect(try await state() == "stopped")
            #expect(try await cardea("down", "--database-url", url).status == 1)
            async let one = cardea.count()
            async let two = cardea.count()
            #expect(try await [one, two] == [1, 1])
            #expect(try await cardea.done("down").status == 0)
        }
    }
}
