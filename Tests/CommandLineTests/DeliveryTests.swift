import AuditEvents
import DatabaseTesting
import Foundation
import Testing

@Suite("receivers and deliveries")
struct DeliveryTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    private func withReceivers(_ yaml: String, _ body: (CardeaCommand, _ folder: String, _ file: String) async throws -> Void) async throws
    {
        try await withRecord { cardea, folder in
            var cardea = cardea
            let file = folder + "/who.yml"
            try Data(yaml.utf8).write(to: URL(filePath: file))
            cardea.environment["CARDEA_ALERTS_RECEIVERS"] = file
            try await body(cardea, folder, file)
        }
    }

    private static func log(_ address: String) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "MMM dd HH:mm:ss"
        return (0..<12).map { second in
            let time = format.string(from: Date(timeIntervalSinceNow: -60 + Double(second)))
            return "\(time) web sshd[7]: Failed password for root from \(address) port 40\(100 + second) ssh2\n"
        }.joined()
    }

    @Test("receivers are listed and tried, what is dead is listed, shown and sent once more, and no output holds a secret")
    func whole() async throws {
        let yaml = """
            receivers:
                inside: {type: webhook, url: 'https://localhost:1/hook', secrets: \(Self.secret)}
                away: {type: webhook, url: 'http://127.0.0.1:1/hook', allow_private: true, token: hidden-token}
            """
        try await withReceivers(yaml) { cardea, folder, _ in
            var outputs: [String] = []
            func run(_ words: [String], status: Int32 = 0) async throws -> String {
                let result = try await cardea.run(words)
                #expect(result.status == status, "\(words): \(result.messages)")
                outputs += [result.text, result.messages]
                return result.text
            }
            #expect(try await run(["alerts", "receivers", "-o", "jsonl"]).contains(#""destination":"https://localhost:1""#))
            _ = try await run(["alerts", "test", "inside"], status: 1)
            _ = try await run(["alerts", "test", "away"], status: 1)
            _ = try await run(["alerts", "test", "nobody"], status: 2)
            #expect(outputs[outputs.count - 1].contains("inside, away"))
            #expect(try await run(["deliveries"]).isEmpty)

            for (address, options) in [("203.0.113.1", []), ("203.0.113.2", ["--deliver"])] as [(String, [String])] {
                try Data(Self.log(address).utf8).write(to: URL(filePath: folder + "/auth.log"))
                _ = try await run(["import", "--source", address] + options + [folder + "/auth.log"])
            }
            _ = try await run(["worker", "--until-idle"])
            let quiet = try await run(["alerts", "list", "-o", "jsonl"]).split(separator: "\n").filter { $0.contains(#""quiet":true"#) }
            #expect(quiet.count == 1 && quiet[0].contains("203.0.113.1"), "\(quiet)")

            _ = try await cardea.running(["worker"]) { _ in
                try await eventually("the one that may not be asked is dead") {
                    try await run(["deliveries", "list", "--state", "dead", "--receiver", "inside", "-o", "jsonl"]).contains(
                        "allow_private")
                }
                try await eventually("the one that is away is tried") {
                    try await !run(["deliveries", "list", "--receiver", "away", "-o", "jsonl"]).contains(#""detail":null"#)
                }
            }
            let dead = try await run(["deliveries", "list", "--state", "dead", "-o", "jsonl"]).split(separator: "\n")
            let first = try #require(dead.first)
            let id = try #require(try JSONValue(parsing: first.utf8).object?["id"]?.string)
            #expect(try await run(["deliveries", "show", String(id.prefix(8))]).contains("203.0.113.2"))
            #expect(try await run(["deliveries", "replay", id, "--as", "ann"]) == "1 to be sent once more\n")
            #expect(try await run(["query", "--type", "audit_delivery_*", "-o", "jsonl"]).contains("audit_delivery_replayed"))
            let alert = try #require(try JSONValue(parsing: first.utf8).object?["alert"]?.string)
            let shown = try await run(["alerts", "show", alert])
            #expect(shown.contains("inside") && shown.contains("away"))
            _ = try await run(["deliveries", "show", "0000"], status: 1)
            #expect(outputs.allSatisfy { !$0.contains(Self.secret) && !$0.contains("hidden-token") })
        }
    }

    @Test("a file of receivers with faults ends a command with their places; a use that means nothing is told")
    func wrong() async throws {
        let yaml = """
            receivers:
                a: {type: pigeon}
                b: {type: pagerduty, routing_key: {env: NOT_SET_HERE}}
                c: {type: webhook, url: 'http://127.0.0.1:1/c', allow_private: true}
            """
        try await withReceivers(yaml) { cardea, _, file in
            // Who only looks may lack the secrets of some: the others are listed and tried all the same.
            let listed = try await cardea("alerts", "receivers", "-o", "jsonl")
            #expect(listed.status == 0 && listed.text.contains(#""name":"c""#), "\(listed.messages)")
            #expect(
                listed.messages.contains("\(file):2:") && listed.messages.contains("no such kind")
                    && listed.messages.contains("NOT_SET_HERE"))
            #expect(try await cardea("alerts", "test", "b").status == 2)
            #expect(try await cardea("alerts", "test", "c").status == 1)
            #expect(try await cardea("worker").status == 2)
        }
        let cardea = CardeaCommand(home: "/nonexistent")
        for words in [
            ["deliveries", "replay"], ["deliveries", "replay", "--dead", "abcd1234"], ["deliveries", "list", "--state", "lost"],
        ] {
            #expect(try await cardea.run(words).status == 2, "\(words)")
        }
    }
}
