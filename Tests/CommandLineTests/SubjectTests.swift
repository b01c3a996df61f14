import AuditEvents
import DatabaseTesting
import Foundation
import Testing

@Suite("subject, hold, retention")
struct SubjectTests {
    private func withLog(_ body: (CardeaCommand) async throws -> Void) async throws {
        try await withRecord { cardea, _ in
            let lines = (0..<20).map { number in
                "192.0.2.\(number % 2) - \(number % 2 == 0 ? "carol" : "dave") [10/Oct/2023:13:55:\(10 + number) +0000] \"GET /x\(number) HTTP/1.1\" 401 5\n"
            }
            try await cardea.done("import", "-", input: Data(lines.joined().utf8))
            try await cardea.done("worker", "--until-idle", "--log-level", "error")
            try await body(cardea)
        }
    }

    @Test("what is stored about somebody is handed out oldest first, in every form")
    func export() async throws {
        try await withLog { cardea in
            let rows = try #require(try await cardea.done("subject", "export", "carol", "-o", "json").json().array)
            let events = rows.filter { $0.object?["section"] == "events" }
            #expect(events.count == 10)
            let times = events.compactMap { $0.object?["time"]?.string }
            #expect(times == times.sorted() && times.count == 10)
            #expect(try await cardea.done("subject", "export", "carol", "-o", "jsonl").jsonLines().count == rows.count)
            #expect(csv(try await cardea.done("subject", "export", "carol", "-o", "csv").text).count == rows.count + 1)
            #expect(try await cardea.done("subject", "export", "carol").messages.contains("events 10"))
            #expect(try await cardea.done("subject", "export", "caro", "-o", "json").text == "[]\n")
            #expect(try await cardea("subject", "export", "").status == 2)
        }
    }

    @Test("erasing asks, can be tried dry, is refused under a hold, and is done once")
    func erase() async throws {
        try await withLog { cardea in
            #expect(try await cardea("subject", "erase", "carol").status == 2)
            #expect(try await cardea("subject", "erase", "carol", "--reason", "asked").status == 2)
            let dry = try await cardea.done("subject", "erase", "carol", "--reason", "asked", "--dry-run", "-o", "json").json().array
            #expect(dry?.first?.object?["events"] == 10)
            #expect(try await cardea.count("--actor", "carol") == 10)
            try await cardea.done("hold", "set", "case", "--reason", "a claim", "--subject", "carol", "--as", "lex")
            let refused = try await cardea("subject", "erase", "carol", "--reason", "asked", "--yes")
            #expect(refused.status == 1 && refused.messages.contains("case"))
            #expect(try await cardea.count("--type", "audit_erasure_refused") == 1)
            let holds = try await cardea.done("hold", "list", "-o", "json").json().array
            #expect(holds?.first?.object?["subject"] == "carol")
            try await cardea.done("hold", "release", "case", "--reason", "settled")
            #expect(try await cardea("hold", "release", "case", "--reason", "settled").status == 1)
            #expect(try await cardea.done("hold", "list", "-o", "json").text == "[]\n")
            let done = try await cardea.done("subject", "erase", "carol", "--reason", "asked", "--yes", "-o", "json").json().array
            #expect(done?.first?.object?["events"] == 10)
            #expect(try await cardea.count("--actor", "carol") == 0)
            #expect(try await cardea.count("--actor", "dave") == 10)
            #expect(try await cardea.count() == 20)
            #expect(try await cardea.count("--type", "audit_subject_erased") == 1)
            let all = try await cardea.done("query", "--own", "--limit", "0", "-o", "jsonl").text
            #expect(!all.contains("carol"))
            let again = try await cardea.done("subject", "erase", "carol", "--reason", "asked", "--yes", "-o", "json").json().array
            #expect(again?.first?.object?["events"] == 0)
        }
    }

    @Test("retention is set, shown, planned and applied")
    func retention() async throws {
        try await withLog { cardea in
            #expect(try await cardea.done("retention", "show").messages.contains("for ever"))
            #expect(try await cardea("retention", "set", "--keep", "soon").status == 2)
            try await cardea.done("retention", "set", "--keep", "400d")
            let shown = try await cardea.done("retention", "show", "-o", "json").json().array
            #expect(shown?.first?.object?["keep_days"] == 400)
            let plan = try await cardea.done("retention", "plan", "-o", "json").json().array ?? []
            #expect(
                plan.contains { $0.object?["partition"] == "audit.event_2023" && $0.object?["goes"] == true && $0.object?["events"] == 20 })
            #expect(try await cardea("retention", "apply").status == 2)
            try await cardea.done("retention", "apply", "--yes")
            #expect(try await cardea.count() == 0)
            #expect(try await cardea.done("retention", "apply", "--yes").messages.contains("nothing"))
            #expect(try await cardea.count("--type", "audit_partition_dropped") == 1)
            try await cardea.done("worker", "--until-idle", "--log-level", "error")
            try await cardea.done("projections", "rebuild", "request_summary")
            try await cardea.done("worker", "--until-idle", "--log-level", "error")
        }
    }
}
