import AuditEvents
import Foundation
import Testing

@Suite("commands that run on")
struct RunningTests {
    @Test("tail -f shows what comes, and ends at Ctrl-C")
    func tail() async throws {
        try await withRecord { cardea, folder in
            func access(_ path: String) -> Data { Data("192.0.2.1 - - [10/Oct/2023:13:55:36 +0000] \"GET \(path) HTTP/1.1\" 404 5\n".utf8) }
            try await cardea.done("import", "-", input: access("/before"))
            let (_, status) = try await cardea.running(["tail", "-f", "-n", "5", "--status", "404", "-o", "jsonl"], signal: SIGINT) {
                lines in
                _ = try await lines.next(with: "/before")
                try await cardea.done("import", "-", input: access("/meanwhile"))
                let event = try JSONValue(parsing: try await lines.next(with: "/meanwhile").utf8)
                #expect(event.object?["status"] == 404)
            }
            #expect([0, 128 + SIGINT].contains(status))
        }
    }

    @Test("up serves the example, records what happens there, and ends cleanly with everything stored")
    func up() async throws {
        try await withRecord { cardea, _ in
            let (_, status) = try await cardea.running(["up", "--example", "--port", "0"], messages: true) { lines in
                let line = try await lines.next(with: "example API on http://")
                let base = try #require(line.split(separator: " ").last.flatMap { URL(string: String($0)) })
                let (_, health) = try await request(base.appending(path: "health"))
                #expect(health == 200)
                for attempt in 0..<3 {
                    let (_, refused) = try await request(
                        base.appending(path: "login"), body: #"{"username":"alice","password":"wrong-hunter2-\#(attempt)"}"#)
                    #expect(refused == 401)
                }
                var found = 0
                let deadline = ContinuousClock.now + .seconds(30)
                while found < 3, ContinuousClock.now < deadline { found = try await cardea.count("--type", "authn_login_fail") ?? 0 }
                #expect(found == 3)
                // These are in the buffer when the signal comes.
                for _ in 0..<5 { _ = try await request(base.appending(path: "no-such-page")) }
            }
            #expect(status == 0)
            #expect(try await cardea.count("--status", "404") == 5)
            #expect(try await cardea.count("--type", "authn_login_fail") == 3)
            #expect(try await !cardea.done("query", "--own", "--limit", "0", "-o", "jsonl").text.contains("hunter2"))
        }
    }

    @Test("a worker ends cleanly, by either signal", arguments: [SIGTERM, SIGINT])
    func worker(signal: Int32) async throws {
        try await withRecord { cardea, _ in
            let (_, status) = try await cardea.running(["worker"], messages: true, signal: signal) { lines in
                _ = try await lines.next(with: "working")
                // It has the shard when doctor says so.
                let deadline = ContinuousClock.now + .seconds(30)
                while try await cardea("doctor", "-o", "json").json().object?["shards"]?.array?.first?.object?["worker"]?.string == nil {
                    try #require(ContinuousClock.now < deadline)
                }
            }
            #expect(status == 0)
            let shards = try await cardea("doctor", "-o", "json").json().object?["shards"]?.array
            #expect(shards?.first?.object?["worker"] == .null)
        }
    }

    private func request(_ url: URL, body: String? = nil) async throws -> (Data, Int) {
        // curl, for FoundationNetworking would be a dependency of the tests alone.
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["curl", "-s", "-w", "\n%{http_code}", url.absoluteString]
            + (body.map { ["-H", "Content-Type: application/json", "-d", $0] } ?? [])
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        return (data, lines.last.flatMap { Int($0) } ?? 0)
    }
}
