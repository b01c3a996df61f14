import AuditEvents
import Foundation
import Testing

@Suite("rules")
struct RulesTests {
    let cardea = CardeaCommand(home: "/nonexistent/cardea")

    private static let rule = """
        title: A page that nobody has
        id: 1f1f0d9c-6f1d-4a4c-9f0b-2f5a7f6b9d10
        name: lost_page
        status: test
        description: Somebody looks for a page that is not there.
        author: A team
        tags:
            - attack.t1595.003
        logsource:
            category: webserver
        detection:
            selection:
                cs-uri-query|contains: /old-shop
            condition: selection
        falsepositives:
            - Old links.
        level: low
        cardea:
            tests:
                - name: one look is one alert
                  events:
                      - {at: 0s, type: http_request, path: /old-shop/1, client_ip: 192.0.2.1}
                  alerts:
                      - {group: {}, count: COUNT}
        """

    private func withFiles(_ files: [String: String], _ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cardea-rules-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
        try await body(folder.path)
    }

    @Test("cardea's own rules are listed, and a folder's, in every form")
    func list() async throws {
        let own = try await cardea.done("rules", "-o", "jsonl").jsonLines()
        #expect(own.contains { $0.object?["name"] == "brute_force_account" && $0.object?["alerts"] == true })
        #expect(own.contains { $0.object?["name"] == "failed_login" && $0.object?["alerts"] == false })
        try await withFiles(["a.yml": Self.rule.replacing("COUNT", with: "1"), "notes.txt": "no rule"]) { folder in
            let rows = try #require(try await cardea.done("rules", "list", folder, "-o", "json").json().array)
            #expect(rows.map { $0.object?["name"] } == ["lost_page"])
            #expect(rows.first?.object?["tests"] == 1)
        }
    }

    @Test("a rule's tests are run, their failures told, and a report is left for continuous integration")
    func tests() async throws {
        try await withFiles(["good.yml": Self.rule.replacing("COUNT", with: "1"), "bad.yml": Self.rule.replacing("COUNT", with: "2")]) {
            folder in
            let good = try await cardea.done("rules", "test", folder + "/good.yml", "--junit", folder + "/report.xml")
            #expect(good.text.contains("passed"))
            let report = try String(contentsOfFile: folder + "/report.xml", encoding: .utf8)
            #expect(report.contains("<testcase") && report.contains("failures=\"0\""))
            let bad = try await cardea("rules", "test", folder + "/bad.yml", "--junit", folder + "/report.xml")
            #expect(bad.status == 1)
            #expect(bad.text.contains("failed") && bad.text.contains("expected"))
            #expect(try String(contentsOfFile: folder + "/report.xml", encoding: .utf8).contains("<failure"))
        }
        #expect(try await cardea.done("rules", "test").text.contains("passed"))
    }

    @Test("what is wrong with a file is told with its place, and what it lacks fails only when that is asked")
    func lint() async throws {
        try await withFiles([
            "good.yml": Self.rule.replacing("COUNT", with: "1"),
            "plain.yml": "title: x\nlogsource:\n  product: cardea\ndetection:\n  a:\n    type: x\n  condition: a\n",
            "broken.yml": "title: x\nlogsource:\n  product: cardea\ndetection:\n  a:\n    path|re: \"(a\"\n  condition: a\n",
            "alias.yml": "a: &a [x, x]\nb: &b [*a, *a]\n", "binary.yml": "\u{0}\u{1}",
        ]) { folder in
            #expect(try await cardea.done("rules", "lint", folder + "/good.yml").messages.contains("errors: 0"))
            #expect(try await cardea("rules", "lint", folder + "/plain.yml").status == 0)
            #expect(try await cardea("rules", "lint", folder + "/plain.yml", "--strict").status == 1)
            let broken = try await cardea("rules", "lint", folder + "/broken.yml")
            #expect(broken.status == 1 && broken.text.contains("broken.yml:6:"))
            let all = try await cardea("rules", "lint", folder, "-o", "jsonl")
            #expect(all.status == 1)
            let files = Set(
                try all.jsonLines().filter { $0.object?["severity"] == "error" }.compactMap {
                    $0.object?["file"]?.string?.split(separator: "/").last
                })
            #expect(files == ["alias.yml", "binary.yml", "broken.yml"])
        }
    }

    @Test("a placeholder means what it is given")
    func placeholders() async throws {
        let rule = Self.rule.replacing("COUNT", with: "1").replacing(
            "cs-uri-query|contains: /old-shop", with: "cs-uri-query|contains|expand: '/%shops%'")
        try await withFiles(["a.yml": rule]) { folder in
            for verb in ["lint", "test"] {
                let missing = try await cardea("rules", verb, folder)
                #expect(missing.status == 1 && (missing.text + missing.messages).contains("--placeholder"))
                try await cardea.done("rules", verb, folder, "--placeholder", "shops=new-shop,old-shop")
                #expect(try await cardea("rules", verb, folder, "--placeholder", "shops").status == 2)
            }
        }
    }

    @Test("a backtest finds what the worker found, knows what was under way before its range, and pairs what two sets call one attack")
    func backtest() async throws {
        try await withRecord { cardea, _ in
            let lines = (0..<20).map { second in
                "2026-01-01T00:00:\(second < 10 ? "0" : "")\(second)+00:00 host sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2"
            }
            try await cardea.done("import", "-", "--format", "sshd", input: Data(lines.joined(separator: "\n").utf8))
            try await cardea.done("worker", "--until-idle")
            let stored = try await cardea.done("alerts", "list", "--all", "-o", "jsonl").jsonLines().compactMap(\.object)
            let found = try await cardea.done("rules", "backtest", "-o", "jsonl").jsonLines().compactMap(\.object)
            #expect(!stored.isEmpty)
            #expect(
                Set(found.map { [$0["rule_id"], $0["group"], $0["count"]] })
                    == Set(stored.map { [$0["rule_id"], $0["group"], $0["count"]] }))
            #expect(try await cardea.done("alerts", "list", "--all", "-o", "jsonl").jsonLines().count == stored.count)
            // Three seconds alone would be no brute force.
            let late = try await cardea.done("rules", "backtest", "--since", "2026-01-01T00:00:17Z", "-o", "jsonl").jsonLines()
            #expect(late.count == found.count)
            #expect(try await cardea.done("rules", "backtest", "--since", "2026-01-02", "-o", "jsonl").text.isEmpty)
            #expect(try await cardea.done("rules", "backtest", "--until", "2026-01-01T00:00:02Z", "-o", "jsonl").text.isEmpty)
            // Another window, another first event: the same attack all the same.
            try await withFiles(["other.yml": Self.bruteForce(id: "baba05f9-3279-4b4d-b042-121b64a930e9")]) { folder in
                let rows = try await cardea.done("rules", "backtest", folder, "--compare", "built-in", "-o", "jsonl").jsonLines()
                    .compactMap(\.object)
                let changes = rows.filter { $0["rule_id"] == "baba05f9-3279-4b4d-b042-121b64a930e9" }
                #expect(changes.map { $0["change"] } == ["same"])
                #expect(rows.contains { $0["change"] == "gone" && $0["count"] == .null })
            }
        }
    }

    private static func bruteForce(id: String) -> String {
        """
        title: Other brute force
        id: \(id)
        correlation: {type: event_count, rules: [failed_login], group-by: [client_ip], timespan: 2s, condition: {gte: 2}}
        """
    }

    @Test("a pipe, an endless file, nothing and too much are refused at once", arguments: ["pipe.yml", "large.yml", "absent.yml", "empty"])
    func hostile(_ name: String) async throws {
        try await withFiles(["large.yml": String(repeating: "a: b\n", count: 2_200_000)]) { folder in
            mkfifo(folder + "/pipe.yml", 0o600)
            try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: false)
            for verb in ["lint", "test", "list"] {
                let outcome = try await cardea("rules", verb, "\(folder)/\(name)")
                #expect(outcome.status == 1, "\(verb) \(name)")
                #expect((outcome.messages + outcome.text).utf8.count < 2_000)
            }
        }
    }
}
