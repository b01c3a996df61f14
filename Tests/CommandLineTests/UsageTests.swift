import Foundation
import Testing

@Suite("usage")
struct UsageTests {
    let cardea = CardeaCommand(home: "/nonexistent/cardea")

    @Test(
        "every verb explains itself on standard output",
        arguments: [
            "", "up", "down", "worker", "migrate", "doctor", "import", "query", "tail", "views", "alerts", "alerts list", "alerts show",
            "alerts explain", "alerts ack", "alerts assign", "alerts resolve", "alerts reopen", "alerts note",
            "alerts silence", "alerts silence create", "alerts silence expire", "alerts silence list", "alerts silences",
            "routes", "projections", "projections list", "projections rebuild", "completion",
        ])
    func help(verb: String) async throws {
        let words = verb.split(separator: " ").map(String.init)
        let outcome = try await cardea.run(words + ["--help"])
        #expect(outcome.status == 0 && outcome.messages.isEmpty)
        #expect(outcome.text.hasPrefix("OVERVIEW: ") && outcome.text.contains("USAGE: cardea \(verb)"))
        #expect(!outcome.text.contains("\u{1b}"))
    }

    @Test("without a verb it shows its help; the version is one line")
    func bare() async throws {
        #expect(try await cardea.done().text.contains("cardea import"))
        #expect(try await cardea.done("--version").lines.count == 1)
    }

    @Test(
        "wrong usage is status 2, on standard error, and says what would be right",
        arguments: [
            ("bogus", "bogus"), ("import", "file"), ("import x --format nope", "combined"), ("import x --year 1", "1970"),
            ("import x --timezone Mars", "UTC"),
            ("query --outcome maybe", "success"), ("query --status 4x", "404"), ("query --status high", "404"),
            ("query --ip 300.1.1.1", "300.1.1.1"),
            ("query --since yesterday", "2026-11-23"), ("query --until 2026-13-01", "--until"),
            ("query --since 2026-01-02 --until 2026-01-01", "--since"),
            ("query --limit -1", "limit"), ("query --limit many", "many"), ("query --after x", "cursor"), ("query -o xml", "xml"),
            ("query --nonsense", "--nonsense"),
            ("tail -n -1", "n"), ("tail -n 1000000", "100000"), ("views nope", "failed_login"), ("alerts show xyz!", "hex"),
            ("alerts show abc", "4"),
            ("alerts list --limit -2", "limit"), ("alerts list --state closed", "resolved"), ("alerts list --severity huge", "critical"),
            ("alerts list --severity=", "--severity"), ("alerts list --since noon", "--since"),
            ("alerts list --since 2026-01-02 --until 2026-01-01", "--since"), ("alerts explain xyz", "hex"), ("alerts ack", "ids"),
            ("alerts ack xyz", "hex"), ("alerts ack abcd --as=", "--as"), ("alerts assign abc", "4"), ("alerts note abcd", "words"),
            ("alerts resolve abcd --false-positive", "--reason"), ("alerts reopen", "ids"),
            ("alerts silence rule=x --comment y", "--for"), ("alerts silence rule=x --for 2h", "--comment"),
            ("alerts silence --for 2h --comment y", "rule="), ("alerts silence rule=x --alert abcd --for 2h --comment y", "--alert"),
            ("alerts silence rule=~( --for 2h --comment y", "parenthesis"), ("alerts silence nonsense --for 2h --comment y", "label=value"),
            ("alerts silence rule=x --for 2 --comment y", "30m"), ("alerts silence rule=x --for 0h --comment y", "30m"),
            ("alerts silence rule=x --for 60w --comment y", "year"), ("alerts silence rule=x --for 2h --comment y --from noon", "--from"),
            ("alerts silence expire", "id"), ("projections rebuild detection", "never"), ("projections rebuild nope", "failed_login"),
            ("completion tcsh", "bash"), ("completion", "shell"), ("up --port 70000", "65535"), ("up --shards 0", "1024"),
            ("migrate --shards 0", "1024"),
            ("query --count --log-level loud", "debug"), ("worker now", "now"), ("query --actor=", "--actor"), ("query --type ,", "--type"),
        ])
    func wrong(line: String, hint: String) async throws {
        let outcome = try await cardea.run(line.split(separator: " ").map(String.init))
        #expect(outcome.status == 2, "\(outcome.messages)")
        #expect(outcome.output.isEmpty)
        #expect(outcome.messages.contains(hint), "\(outcome.messages)")
    }

    @Test("completion scripts are what their shells accept", arguments: ["bash", "zsh", "fish"])
    func completion(shell: String) async throws {
        let script = try await cardea.done("completion", shell)
        #expect(script.text.contains("projections") && script.text.contains("failed_login"))
        guard let path = ["/bin/", "/usr/bin/"].map({ $0 + shell }).first(where: FileManager.default.isExecutableFile) else { return }
        try await withFolder { folder in
            try script.output.write(to: URL(filePath: folder + "/script"))
            let check = Process()
            check.executableURL = URL(filePath: path)
            check.arguments = ["-n", folder + "/script"]
            try check.run()
            check.waitUntilExit()
            #expect(check.terminationStatus == 0)
        }
    }

    @Test("a configuration that cannot be read is told")
    func configuration() async throws {
        try await withFolder { folder in
            try Data("{".utf8).write(to: URL(filePath: folder + "/bad.json"))
            for file in [folder + "/bad.json", folder + "/missing.json"] {
                let outcome = try await cardea("query", "--config", file)
                #expect(
                    outcome.status == 1 && outcome.messages.contains(file) && outcome.messages.split(separator: "\n").count <= 3,
                    "\(outcome.messages)")
            }
            try Data(#"{"store":{"batchSize":0}}"#.utf8).write(to: URL(filePath: folder + "/zero.json"))
            #expect(try await cardea("query", "--config", folder + "/zero.json").status == 2)
        }
    }
}
