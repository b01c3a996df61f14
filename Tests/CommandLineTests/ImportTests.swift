import AuditEvents
import DatabaseTesting
import EventStore
import Foundation
import PostgreSQL
import Testing

@Suite("importing")
struct ImportTests {
    func access(
        _ request: String = "/", ip: String = "192.0.2.1", user: String = "-", agent: String = "curl", second: Int = 0, status: Int = 200
    ) -> String {
        "\(ip) - \(user) [10/Oct/2023:13:55:\(second < 10 ? "0" : "")\(second) +0000] \"GET \(request) HTTP/1.1\" \(status) 5 \"-\" \"\(agent)\"\n"
    }

    func report(_ outcome: CardeaCommand.Outcome, _ file: Int = 0) throws -> JSONObject {
        try #require(try outcome.json().array?[file].object, "\(outcome.messages)")
    }

    @Test("the same log again, rotated, compressed or on standard input under its name, adds nothing")
    func again() async throws {
        try await withRecord { cardea, folder in
            // Equal lines are different events, as often as they stand there.
            let text = (0..<50).map { access("/\($0)", second: $0) }.joined() + access() + access() + access()
            let data = Data(text.utf8)
            for name in ["access.log", "access.log.1", "access.log-20231010"] { try data.write(to: URL(filePath: "\(folder)/\(name)")) }
            let gzip = Process()
            gzip.executableURL = URL(filePath: "/usr/bin/env")
            gzip.arguments = ["gzip", "-k", "\(folder)/access.log.1"]
            try gzip.run()
            gzip.waitUntilExit()
            let first = try report(try await cardea.done("import", "\(folder)/access.log", "-o", "json"))
            #expect(first["stored"] == 53 && first["events"] == 53)
            for name in ["access.log", "access.log.1", "access.log.1.gz", "access.log-20231010"] {
                let again = try report(try await cardea.done("import", "\(folder)/\(name)", "-o", "json"))
                #expect(again["stored"] == 0 && again["already_known"] == 53 && again["source"] == "access.log", "\(name): \(again)")
            }
            #expect(try report(try await cardea.done("import", "-", "--source", "access.log", "-o", "json", input: data))["stored"] == 0)
            #expect(try report(try await cardea.done("import", "-", "-o", "json", input: data))["stored"] == 53)
            // A file that grew adds what is new.
            try Data((text + access("/new", second: 59)).utf8).write(to: URL(filePath: "\(folder)/access.log"))
            #expect(try report(try await cardea.done("import", "\(folder)/access.log", "-o", "json"))["stored"] == 1)
            #expect(try await cardea.count() == 53 + 53 + 1)
        }
    }

    @Test("the same log of two tenants is two records, in one shard as in four", arguments: [1, 4])
    func twoTenants(shards: Int) async throws {
        try await withRecord { cardea, folder in
            try await cardea.done("migrate", "--shards", "\(shards)")
            try Data((0..<20).map { access("/\($0)", second: $0) }.joined().utf8).write(to: URL(filePath: "\(folder)/access.log"))
            for (round, stored) in [20, 0].enumerated() {
                for tenant in ["default", "acme", "globex"] {
                    let found = try report(try await cardea.done("import", "\(folder)/access.log", "--tenant", tenant, "-o", "json"))
                    #expect(found["stored"] == .int(Int64(stored)), "\(tenant), round \(round)")
                }
            }
            #expect(try await cardea.count() == 60)
        }
    }

    @Test("a gzip file that was cut gives status 3 and keeps what was read")
    func cutGzip() async throws {
        try await withRecord { cardea, folder in
            let lines = (0..<5000).map { access("/\(UInt64($0) &* 0x9e37_79b9_7f4a_7c15)", second: $0 % 60) }.joined()
            try Data(lines.utf8).write(to: URL(filePath: folder + "/a.log"))
            let gzip = Process()
            gzip.executableURL = URL(filePath: "/usr/bin/env")
            gzip.arguments = ["gzip", folder + "/a.log"]
            try gzip.run()
            gzip.waitUntilExit()
            let whole = try Data(contentsOf: URL(filePath: folder + "/a.log.gz"))
            try whole.prefix(whole.count / 2).write(to: URL(filePath: folder + "/a.log.gz"))
            let outcome = try await cardea("import", folder + "/a.log.gz", "-o", "json")
            #expect(outcome.status == 3 && outcome.messages.contains("gzip"), "\(outcome.messages)")
            let stored = try #require(try report(outcome)["stored"]?.int)
            #expect(stored > 1000 && stored < 5000)
            #expect(try await cardea.count().map(Int64.init) == stored)
        }
    }

    @Test("a bad file stops none of the others; one that cannot be read at all is a failure")
    func files() async throws {
        try await withRecord { cardea, folder in
            try Data(access().utf8).write(to: URL(filePath: folder + "/good.log"))
            try Data(access("/b").utf8).write(to: URL(filePath: folder + "/also.log"))
            try Data().write(to: URL(filePath: folder + "/empty.log"))
            let mixed = try await cardea.run(
                ["import"] + ["good.log", "missing.log", "also.log", "empty.log"].map { "\(folder)/\($0)" } + [
                    folder, "/dev/null", "/proc/self/mem",
                ])
            #expect(mixed.status == 1)
            #expect(mixed.lines.count == 4, "\(mixed.text)")
            #expect(
                mixed.messages.contains("missing.log cannot be opened") && mixed.messages.contains("is a folder")
                    && mixed.messages.contains("/proc/self/mem cannot be read"))
            #expect(try await cardea.count() == 2)
            for bad in [folder, folder + "/missing.log", "/proc/self/mem"] {
                let outcome = try await cardea("import", bad)
                #expect(outcome.status == 1 && outcome.output.isEmpty && outcome.messages.contains(bad), "\(outcome.messages)")
            }
            #expect(try await cardea("import", folder + "/good.log", "--rejects", folder + "/no/such").status == 1)
        }
    }

    @Test("bad lines are counted and kept with their reasons, and stop nothing")
    func rejects() async throws {
        try await withRecord { cardea, folder in
            var data = Data(access("/1").utf8)
            data +=
                Data("no log at all\n".utf8) + Data([0xff, 0xfe, 0x00, 0x1b, 0x5b, 0x32, 0x4a, 0x0a])
                + Data("password=hunter2 nonsense\n".utf8)
            data += Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 131 ^ $0 >> 3) }) + Data("\n".utf8)
            data += Data(String(repeating: "x", count: 1_200_000).utf8) + Data("\n".utf8)
            data += Data(access("/" + String(repeating: "y", count: 1_000_000)).utf8) + Data(access("/2", second: 2).utf8)
            for year in ["0000", "9999"] { data += Data("192.0.2.1 - - [10/Oct/\(year):13:55:36 +0000] \"GET / HTTP/1.1\" 200 5\n".utf8) }
            data += Data(#"{"time":"0000-01-01T00:00:00+23:59","source":"s","type":"t"}"#.utf8) + Data("\n".utf8)
            data += Data(#"{"time":"1969-12-31T23:59:59Z","source":"s","type":"t"}"#.utf8) + Data("\n".utf8)
            data += Data(#"{"time":"9999-12-31T23:59:59Z","source":"s","type":"t"}"#.utf8)
            try data.write(to: URL(filePath: folder + "/junk.log"))
            let outcome = try await cardea.done("import", folder + "/junk.log", "--rejects", folder + "/rejects", "-o", "json")
            let report = try report(outcome)
            let lines = data.split(separator: 10, omittingEmptySubsequences: false).count
            #expect(report["lines"]?.int == Int64(lines))
            #expect((report["events"]?.int ?? 0) + (report["skipped"]?.int ?? 0) + (report["rejected"]?.int ?? 0) == Int64(lines))
            #expect((report["stored"]?.int ?? 0) >= 2, "\(report)")
            let kept = try Data(contentsOf: URL(filePath: folder + "/rejects")).split(separator: 10).map { try JSONValue(parsing: $0) }
            #expect(kept.count == report["rejected"]?.int.map(Int.init))
            #expect(kept.allSatisfy { $0.object?["reason"]?.string?.isEmpty == false && $0.object?["line"]?.int != nil })
            let text = String(decoding: try Data(contentsOf: URL(filePath: folder + "/rejects")), as: UTF8.self)
            #expect(!text.contains("hunter2") && text.contains("in the future"))
            #expect(outcome.messages.contains("lines rejected") && !outcome.messages.contains("\u{1b}"))
        }
    }

    @Test("control characters, formulas and secrets in every field neither steer a terminal nor a spreadsheet, nor enter the record")
    func hostile() async throws {
        try await withRecord { cardea, folder in
            let evil = "=cmd|'/C calc'!A0\r\n\u{1b}[2J\u{7}\0\u{9b}31m\u{202e}\u{85}"
            func text(_ value: String) -> String {
                String(decoding: CanonicalJSON.encode(.string(value)), as: UTF8.self).replacingOccurrences(
                    of: #"\\u0000"#, with: #"\u0000"#)
            }
            let e = text(evil)
            let event = """
                {"time":"2024-01-01T00:00:00Z","source":\(e),"tenant":\(e),"type":\(e),"reason":\(e),"method":\(e),"route":\(e),"status":200,
                "body":{"actor":{"id":\(e),"name":\(e)},"client":{"ip":\(e),"user_agent":\(e)},"session":\(e),"token":{"fingerprint":\(e),"issuer":\(e)},
                "target":\(e),"request_id":\(e),"path":\(e),"service":\(e),"details":{\(e):\(e),"password":"hunter2"}}}
                """.replacingOccurrences(of: "\n", with: "")
            try Data((event + "\n" + access("/\\x1b[2J?password=hunter2", user: "=1+1", agent: "\u{1b}]0;x\u{7}@SUM(1)")).utf8).write(
                to: URL(filePath: folder + "/evil.log"))
            try await cardea.done("import", folder + "/evil.log")
            #expect(try await cardea.count() == 2)
            func isRaw(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x0a || byte == 0x7f }
            for arguments in [["query"], ["tail"], ["query", "--text", "calc"]] {
                let table = try await cardea.run(arguments + ["-o", "table"])
                #expect(table.status == 0 && !table.output.contains(where: isRaw))
                #expect(!table.text.unicodeScalars.contains { (0x80..<0xa0).contains($0.value) || $0.value == 0x202e })
                #expect(table.lines.count == (arguments.count == 3 ? 2 : 3))
            }
            for form in ["json", "jsonl"] {
                #expect(try await !cardea.done("query", "-o", form).output.contains { isRaw($0) && $0 != 0x0a })
            }
            let rows = csv(try await cardea.done("query", "-o", "csv").text)
            #expect(rows.count == 3)
            #expect(!rows.joined().contains { $0.hasPrefix("=") || $0.hasPrefix("@") || $0.hasPrefix("+") })
            #expect(rows.joined().contains { $0.hasPrefix("'=cmd") })
            let all = try await cardea.done("query", "-o", "jsonl")
            #expect(!all.text.contains("hunter2"))
            // What was stored proves itself: the hash over what PostgreSQL gives back.
            try await expectHashes(cardea)
            try await cardea.done("worker", "--until-idle")
            for form in ["table", "csv", "json"] {
                #expect(try await !cardea.done("views", "failed_login", "-o", form).output.contains { isRaw($0) && $0 != 0x0d })
            }
        }
    }

    @Test("large and odd bodies come back from PostgreSQL with their hashes")
    func hashes() async throws {
        try await withRecord { cardea, _ in
            let bodies: [JSONObject] = [
                ["text": .string(String(repeating: "é\u{1}\"\\", count: 5000))],
                ["n": .double(0.1), "m": .double(1e-7), "k": 123_456_789_012],
                ["\u{fb33}": 1, "\u{1f600}": 2, "b": 3, "aa": 4, "\u{e4}": 5, "a\u{308}": 6],
                ["empty": [:], "list": [[], [:], .null, true, "\u{7f}\u{2028}"]],
                ["half": .double(2.5e-300), "large": .double(1e22), "zero": .double(-0.0)],
            ]
            let lines = bodies.map { body in
                let header = EventHeader(id: EventID(time: .now()), source: "s", type: .httpRequest, outcome: .success)
                return CanonicalJSON.encode(.object(AuditEvent(header: header, body: EventBody(details: body)).json))
            }
            let report = try report(try await cardea.done("import", "-", "-o", "json", input: Data(lines.joined(separator: [10]))))
            #expect(report["stored"] == 5, "\(report)")
            try await expectHashes(cardea)
        }
    }

    private func expectHashes(_ cardea: CardeaCommand) async throws {
        let rows = try await TestDatabase.required().pool().query("select body, salt, body_hash from audit.event")
        #expect(!rows.isEmpty)
        for row in rows {
            let body = try JSONValue(parsing: row.decode("body", as: PostgresJSON.self).text.utf8)
            let hash = EventEncoder.bodyHash(salt: try row.decode("salt", as: PostgresBytes.self).bytes, body: CanonicalJSON.encode(body))
            #expect(try hash == row.decode("body_hash", as: PostgresBytes.self).bytes)
        }
    }
}
