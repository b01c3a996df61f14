import AuditEvents
import Foundation
import Testing

@Suite("querying an imported access log", .importedLog, .enabled(if: conformanceData != nil, "the folder of conformance data is not here"))
struct QueryTests {
    let log: ImportedLog.Current
    var cardea: CardeaCommand { log.cardea }

    init() throws { log = try #require(ImportedLog.current) }

    @Test("all 10,000 lines are accounted for")
    func accounted() {
        #expect(log.lines.count == 10_000)
        #expect(log.report["lines"] == 10_000 && log.report["events"] == 10_000 && log.report["stored"] == 10_000)
        #expect(log.report["skipped"] == 0 && log.report["rejected"] == 0 && log.report["already_known"] == 0)
        #expect(log.report["source"] == "apache_logs" && log.report["first"]?.string == log.lines.map(\.time).min()?.description)
    }

    @Test("counts by status equal those in the file", arguments: ["200", "404", "304", "500", "4xx", "400-403", "206,301", "999"])
    func status(_ status: String) async throws {
        let expected = log.lines.filter { line in
            switch status {
            case "4xx": line.status / 100 == 4
            case "400-403": (400...403).contains(line.status)
            case "206,301": [206, 301].contains(line.status)
            default: line.status == Int(status)
            }
        }
        #expect(try await cardea.count("--status", status) == expected.count)
    }

    @Test("counts by outcome equal those in the file", arguments: Outcome.allCases)
    func outcome(_ outcome: Outcome) async throws {
        #expect(
            try await cardea.count("--outcome", outcome.rawValue) == log.lines.filter { Outcome(httpStatus: $0.status) == outcome }.count)
    }

    @Test("times bound the answer, both ends included; a bare end date includes its day")
    func times() async throws {
        func expected(_ since: String?, _ until: String?) -> Int {
            log.lines.filter { line in
                (since.flatMap(Timestamp.init).map { line.time >= $0 } ?? true)
                    && (until.flatMap(Timestamp.init).map { line.time <= $0 } ?? true)
            }.count
        }
        #expect(
            try await cardea.count("--since", "2015-05-18", "--until", "2015-05-18")
                == expected("2015-05-18T00:00:00Z", "2015-05-18T23:59:59Z"))
        #expect(try await cardea.count("--since", "2015-05-19") == expected("2015-05-19T00:00:00Z", nil))
        #expect(try await cardea.count("--until", "2015-05-17") == expected(nil, "2015-05-17T23:59:59Z"))
        let instant = log.lines[5000].time.description
        #expect(try await cardea.count("--since", instant, "--until", instant) == expected(instant, instant))
        #expect(
            try await cardea.count("--since", "2015-05-18T12:00:00+02:00", "--until", "2015-05-18 14:30")
                == expected("2015-05-18T10:00:00Z", "2015-05-18T14:30:00Z"))
        #expect(try await cardea.count("--since", "24h") == 0)
    }

    @Test("addresses, networks, words and sources choose")
    func filters() async throws {
        let ip = log.lines[0].ip
        #expect(try await cardea.count("--ip", ip) == log.lines.filter { $0.ip == ip }.count)
        #expect(try await cardea.count("--ip", "66.249.0.0/16") == log.lines.filter { $0.ip.hasPrefix("66.249.") }.count)
        #expect(try await cardea.count("--ip", "0.0.0.0/0", "--ip", "::/0") == 10_000)
        #expect(try await cardea.count("--text", "GOOGLEBOT/2.1") == log.lines.filter { $0.text.contains("Googlebot/2.1") }.count)
        #expect(try await cardea.count("--source", "apache*") == 10_000)
        #expect(try await cardea.count("--source", "apache") == 0)
        #expect(try await cardea.count("--actor", "nobody-such") == 0)
        #expect(try await cardea.count("--route", "/x") == 0)
        #expect(try await cardea.count("--type", "http_*") == 10_000)
        #expect(try await cardea.count("--type", "audit_import") == 1)
        #expect(try await cardea.count() == 10_000)
        #expect(try await cardea.count("--own", "--type", "audit_import,http_request") == 10_001)
    }

    @Test("paging walks everything exactly once, newest first")
    func paging() async throws {
        var seen: [String] = []
        var cursor: String?
        repeat {
            let page = try await cardea.run(
                ["query", "--ip", "66.249.73.135", "--limit", "100", "-o", "jsonl"] + (cursor.map { ["--after", $0] } ?? []))
            #expect(page.status == 0)
            let events = try page.jsonLines().compactMap { $0.object?["id"]?.string }
            #expect(events.count <= 100)
            seen += events
            cursor = page.messages.split(separator: " ").last.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        } while cursor != nil
        #expect(seen.count == log.lines.filter { $0.ip == "66.249.73.135" }.count && seen.count > 300)
        #expect(Set(seen).count == seen.count)
        #expect(seen == seen.sorted(by: >))
    }

    @Test("JSON, JSON lines and CSV are well-formed and tell the same; data only on standard output")
    func formats() async throws {
        let query = ["query", "--status", "404", "--limit", "50", "-o"]
        let json = try await cardea.run(query + ["json"])
        let lines = try await cardea.run(query + ["jsonl"])
        let table = try await cardea.run(query + ["table"])
        let rows = csv(try await cardea.run(query + ["csv"]).text)
        let array = try #require(try json.json().array)
        #expect(array.count == 50)
        #expect(try lines.jsonLines() == array)
        #expect(rows.count == 51 && rows.allSatisfy { $0.count == rows[0].count })
        let id = try #require(rows[0].firstIndex(of: "id"))
        #expect(rows.dropFirst().map { $0[id] } == array.compactMap { $0.object?["id"]?.string })
        #expect(table.lines.count == 51 && table.lines[0].hasPrefix("TIME") && !table.text.contains("\u{1b}"))
        #expect(json.messages.hasPrefix("more: --after "))
        for form in ["json", "jsonl", "csv", "table"] {
            let empty = try await cardea.done("query", "--status", "999", "-o", form)
            #expect(form == "json" ? empty.text == "[]\n" : form == "csv" ? csv(empty.text).count == 1 : empty.text.isEmpty)
        }
    }

    @Test("no colour when piped, nor with NO_COLOR")
    func colour() async throws {
        var plain = cardea
        plain.environment["TERM"] = "xterm-256color"
        #expect(try await !plain.done("query", "--limit", "3").text.contains("\u{1b}"))
        plain.environment["NO_COLOR"] = "1"
        #expect(try await !plain.done("doctor", "-o", "json").text.contains("\u{1b}"))
    }

    @Test("tail shows the newest in the order of the record")
    func tail() async throws {
        let events = try await cardea.done("tail", "-n", "5", "-o", "jsonl").jsonLines().compactMap(\.object)
        #expect(events.count == 5)
        #expect(events.compactMap { $0["index"]?.int } == [9995, 9996, 9997, 9998, 9999])
        #expect(try await cardea.done("tail", "-n", "0").text.isEmpty)
    }

    @Test("a reader that goes away ends it quietly")
    func brokenPipe() async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.environment = cardea.environment.merging(["CARDEA": CardeaCommand.path]) { $1 }
        process.arguments = ["-c", #"{ "$CARDEA" query --limit 0; echo "status $?" >&2; } | head -n 1 >/dev/null"#]
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        let messages = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(messages == "status 0\n")
    }

    @Test("all that a query gives, imported elsewhere, is the same record")
    func roundTrip() async throws {
        let before = try await cardea.done("query", "-o", "jsonl", "--limit", "0")
        try await withRecord { other, _ in
            let report = try await other.done("import", "-", "-o", "jsonl", input: before.output).jsonLines().first?.object ?? [:]
            #expect(report["stored"] == 10_000 && report["rejected"] == 0, "\(report)")
            func events(_ outcome: CardeaCommand.Outcome) throws -> [JSONObject] {
                try outcome.jsonLines().compactMap(\.object).map { object in
                    var object = object
                    for own in ["shard", "index", "recorded_at"] { object[own] = nil }
                    return object
                }
            }
            #expect(try await events(other.done("query", "-o", "jsonl", "--limit", "0")) == events(before))
        }
    }
}
