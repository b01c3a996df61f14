import AuditEvents
import DatabaseTesting
import Foundation
import Testing

@Suite("rules at work")
struct WorkingRulesTests {
    private static func rule(_ path: String) -> String {
        """
        title: Somebody looks for \(path)
        id: own-rule
        name: own_rule
        logsource: {category: webserver}
        detection: {selection: {cs-uri-stem|startswith: \(path)}, condition: selection}
        level: high
        """
    }

    private static func line(_ path: String, second: Int) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "dd/MMM/yyyy:HH:mm:ss Z"
        let time = format.string(from: Date(timeIntervalSinceNow: -300 + Double(second)))
        return "192.0.2.1 - - [\(time)] \"GET \(path) HTTP/1.1\" 200 5 \"-\" \"agent\"\n"
    }

    /// A record, with a folder of rules of its own.
    private func withRules(_ body: (CardeaCommand, _ folder: String) async throws -> Void) async throws {
        try await withRecord { cardea, folder in
            var cardea = cardea
            let rules = folder + "/rules"
            try FileManager.default.createDirectory(atPath: rules, withIntermediateDirectories: true)
            cardea.environment["CARDEA_RULES_FOLDER"] = rules
            try await body(cardea, rules)
        }
    }

    private func write(_ text: String, _ path: String) throws { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) }

    @Test("a rule in the folder is listed, shown and judged, is turned off and on by name, and the record says by whom")
    func folder() async throws {
        try await withRules { cardea, rules in
            try write(Self.rule("/secret"), rules + "/own.yml")
            try write("rules:\n    scanning: {enabled: false}\n    brute_force_account: {threshold: 30}\n", rules + "/settings.yml")
            let listed = try await cardea.done("rules", "list", "-o", "jsonl").jsonLines().compactMap(\.object)
            #expect(listed.first { $0["name"] == "own_rule" }?["enabled"] == true)
            #expect(listed.first { $0["name"] == "scanning" }?["enabled"] == false)
            #expect(try await cardea.done("rules", "show", "own_rule").text.contains("cs-uri-stem|startswith: /secret"))
            let unknown = try await cardea("rules", "show", "own")
            #expect(unknown.status == 1 && unknown.messages.contains("own_rule"), "\(unknown.messages)")

            func alerts() async throws -> Int {
                try await cardea.done("worker", "--until-idle")
                return try await cardea.done("alerts", "list", "--all", "-o", "jsonl").jsonLines()
                    .count { $0.object?["rule_id"] == "own-rule" }
            }
            try write(Self.line("/secret/1", second: 0), rules + "/../a.log")
            try await cardea.done("import", rules + "/../a.log")
            #expect(try await alerts() == 1)
            let told = try await cardea.done("worker", "--until-idle").messages
            #expect(told.contains("no file says where addresses are") && told.contains("Impossible travel"), "\(told)")

            #expect(try await cardea.done("rules", "disable", "own_rule", "--as", "ann", "--reason", "too loud").text.hasSuffix("is off\n"))
            try write(Self.line("/secret/2", second: 1).replacing("192.0.2.1", with: "192.0.2.2"), rules + "/../b.log")
            try await cardea.done("import", rules + "/../b.log")
            #expect(try await alerts() == 1)
            #expect(
                try await cardea.done("rules", "list", "-o", "jsonl").jsonLines().compactMap(\.object)
                    .first { $0["name"] == "own_rule" }?["enabled"] == false)
            let event = try await cardea.done("query", "--type", "audit_rule_disabled", "-o", "jsonl").jsonLines()[0].object
            #expect(event?["body"]?.object?["actor"]?.object?["name"] == "ann")
            #expect(event?["body"]?.object?["details"]?.object?["reason"] == "too loud")

            try await cardea.done("rules", "enable", "own_rule", "--as", "ann")
            try write(Self.line("/secret/3", second: 2).replacing("192.0.2.1", with: "192.0.2.3"), rules + "/../c.log")
            try await cardea.done("import", rules + "/../c.log")
            #expect(try await alerts() >= 2)
            let plain = try await cardea("rules", "disable", "failed_login")
            #expect(plain.status == 1 && plain.messages.contains("brute_force_account"), "\(plain.messages)")
        }
    }

    @Test("a worker follows the folder; what does not load leaves the last good rules at work")
    func followed() async throws {
        try await withRules { cardea, rules in
            try write(Self.rule("/first"), rules + "/own.yml")
            var noticing = cardea
            noticing.environment["CARDEA_LOG_LEVEL"] = "notice"
            _ = try await noticing.running(["worker"], messages: true) { lines in
                _ = try await lines.next(with: "working")
                try write("title: [", rules + "/own.yml")
                _ = try await lines.next(with: "the last good ones stay at work")
                try write(Self.rule("/second"), rules + "/own.yml")
                _ = try await lines.next(with: "The rules were loaded anew")
                try write(Self.line("/second/1", second: 0), rules + "/../a.log")
                try await cardea.done("import", rules + "/../a.log")
                var isThere = false
                for _ in 0..<100 where !isThere {
                    isThere = try await cardea.done("alerts", "list", "--all", "-o", "jsonl").text.contains("Somebody looks for /second")
                }
                #expect(isThere)
            }
        }
    }

    @Test("rules that do not load, settings with a fault, and a folder that is not there are told before anything runs")
    func faults() async throws {
        try await withRules { cardea, rules in
            try write("title: T\nlogsource: {product: x}\n", rules + "/own.yml")
            let bad = try await cardea("worker", "--until-idle")
            #expect(bad.status == 1 && bad.messages.contains("own.yml") && bad.messages.contains("rules lint"), "\(bad.messages)")
            try write(Self.rule("/x"), rules + "/own.yml")
            try write("rules:\n    no_such_rule: {threshold: 3}\n", rules + "/settings.yml")
            let unknown = try await cardea("worker", "--until-idle")
            #expect(unknown.status == 1 && unknown.messages.contains("no_such_rule"), "\(unknown.messages)")
            try write("geo: /nonexistent.mmdb\n", rules + "/settings.yml")
            let geo = try await cardea("worker", "--until-idle")
            #expect(geo.status == 1 && geo.messages.contains("/nonexistent.mmdb"), "\(geo.messages)")
            var elsewhere = cardea
            elsewhere.environment["CARDEA_RULES_FOLDER"] = "/nonexistent"
            let missing = try await elsewhere("worker", "--until-idle")
            #expect(missing.status == 2 && missing.messages.contains("CARDEA_RULES_FOLDER"), "\(missing.messages)")
        }
    }
}
