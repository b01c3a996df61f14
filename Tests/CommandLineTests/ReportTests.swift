import AuditEvents
import Foundation
import Testing

@Suite("cardea report and review")
struct ReportTests {
    private func line(_ day: String) -> String {
        #"203.0.113.7 - ann [\#(day):12:00:00 +0000] "GET / HTTP/1.1" 403 12 "-" "curl/8.5""# + "\n"
    }

    @Test("a report comes in every form that needs no browser, twice the same, and counts the end date's day")
    func forms() async throws {
        try await withRecord { cardea, folder in
            let log = folder + "/access.log"
            try (line("22/Nov/2026") + line("23/Nov/2026")).write(toFile: log, atomically: true, encoding: .utf8)
            try await cardea.done("import", log)
            let range = ["--since", "2026-11-22", "--until", "2026-11-23"]
            for format in ["html", "json", "oscal"] {
                let (one, two) = (
                    try await cardea.run(["report", "soc2", "--format", format] + range),
                    try await cardea.run(["report", "soc2", "--format", format] + range)
                )
                #expect(one.status == 0 && one.output == two.output && !one.output.isEmpty, "\(format): \(one.messages)")
            }
            let report = try await cardea.run(["report", "pci-dss", "--format", "json"] + range).json()
            let clocks = report.object?["sections"]?.array?[10].object
            #expect(clocks?["id"] == "S11" && clocks?["count"] == 2)
            let html = folder + "/report.html"
            let written = try await cardea.run(["report", "hipaa", "--out", html] + range)
            #expect(written.status == 0 && written.output.isEmpty && written.messages.contains("13 sections"))
        }
    }

    @Test("an attestation is an event with the person's login, the period and the file's hash")
    func attestation() async throws {
        try await withRecord { cardea, folder in
            let file = folder + "/report.html"
            try Data("abc".utf8).write(to: URL(filePath: file))
            try await cardea.done(
                "review", "attest", "--since", "2026-11-22", "--until", "2026-11-23", "--tz", "Europe/Berlin", "--statement", "Read.",
                "--report", file)
            let event = try #require(
                try await cardea.done("query", "--type", "audit_review_attested", "-o", "jsonl").jsonLines().first?.object)
            let details = event["body"]?.object?["details"]?.object
            #expect(details?["report_sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
            #expect(details?["since"] == "2026-11-21T23:00:00.000000Z" && details?["until"] == "2026-11-23T22:59:59.999999Z")
            #expect(event["body"]?.object?["actor"]?.object?["name"] == .string(NSUserName()))
            #expect(try await cardea("review", "attest", "--since", "1d", "--statement", " ").status == 1)
            #expect(try await cardea("review", "attest", "--since", "1d", "--statement", "x", "--report", folder + "/none").status == 2)
        }
    }

    @Test("what cannot be reported is refused with a reason")
    func refusals() async throws {
        try await withRecord { cardea, _ in
            for (words, status, text) in [
                (["report", "sox", "--since", "1d"], 2, "nist-800-53"), (["report", "soc2"], 2, "--since"),
                (["report", "soc2", "--since", "1d", "--format", "pdf"], 2, "--out"),
                (["report", "soc2", "--since", "1d", "--tz", "Mars"], 1, "Mars"),
                (["report", "soc2", "--since", "1d", "--tenant", "nobody"], 1, "nobody"),
            ] as [([String], Int32, String)] {
                let outcome = try await cardea.run(words)
                #expect(
                    outcome.status == status && outcome.messages.contains(text) && outcome.output.isEmpty, "\(words): \(outcome.messages)")
            }
        }
    }
}
