import AuditEvents
import Foundation
import Testing

@testable import Detection

/// Judges the rules and events that `scripts/sigma.sh` made, for it to compare with another evaluator's answers.
@Suite("Sigma judged beside another evaluator")
struct SecondOpinionTests {
    static let folder = ProcessInfo.processInfo.environment["CARDEA_SIGMA_CASES"]

    @Test("every rule says which events match", .enabled(if: folder != nil, "CARDEA_SIGMA_CASES is not set"))
    func judge() throws {
        let folder = URL(fileURLWithPath: try #require(Self.folder))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("rules").path).sorted()
        let set = try RuleSet(
            files: try names.map { ($0, Array(try Data(contentsOf: folder.appendingPathComponent("rules/\($0)")))) })
        let rows = try JSONDecoder().decode([[String: String]].self, from: Data(contentsOf: folder.appendingPathComponent("events.json")))
        var lines: [String] = []
        let everything = Array(set.rules.indices)
        for (number, row) in rows.enumerated() {
            var event = EngineTests.event(0, ip: nil, type: .httpRequest).event
            event.body.actor = nil
            for (name, text) in row {
                #expect(FieldMap.set(name, to: text, in: &event), "\(name): \(text)")
            }
            var contents = EventContents(fields: set.fields, event: event)
            for rule in set.literals.select(everything, in: &contents) where set.compiled[rule].matches(&contents) {
                lines.append("\(set.rules[rule].id) \(number)")
            }
        }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: folder.appendingPathComponent("cardea.txt"))
    }
}
