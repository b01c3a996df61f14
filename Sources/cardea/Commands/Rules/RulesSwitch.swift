import Alerting
import ArgumentParser
import Detection
import EventStore
import PostgreSQL

extension RulesCommand {
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a rule raise alerts again, whatever the settings say.",
            discussion: "Every worker follows within seconds. Who did it stands on the record, as `audit_rule_enabled`.")
        @OptionGroup var one: SwitchOptions
        func run() async throws { try await one.turn(on: true) }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a rule from raising alerts; correlations still count what it matches.",
            discussion: """
                Every worker follows within seconds. Who did it and why stands on the record, as `audit_rule_disabled`. Alerts that are there \
                stay; for a silence of some hours see `cardea alerts silence`.
                """)
        @OptionGroup var one: SwitchOptions
        func run() async throws { try await one.turn(on: false) }
    }
}

struct SwitchOptions: ParsableArguments {
    @Argument(help: "The rule's name or id; `cardea rules list` shows both.") var rule: String
    @Option(help: "Why, for whoever wonders.") var reason: String?
    @OptionGroup var person: PersonOptions
    @OptionGroup var database: DatabaseOptions

    func turn(on isEnabled: Bool) async throws {
        let deployment = try await Deployment.open(database)
        let set = try WorkingRules(deployment.settings).load().set
        let metadata = try set.metadata(named: rule)
        guard set.correlations.contains(where: { $0.id == metadata.id }) else {
            throw Failure(
                "\(metadata.title) raises no alerts of its own: other rules count it",
                hint: "Name one of those: \(set.counting(metadata).joined(separator: ", ")).")
        }
        try await deployment.withPool(.responder, connections: 1) { pool in
            try await Failure.ofAlerting {
                try await AlertDesk(pool).turn(metadata.name ?? metadata.id, on: isEnabled, by: person.name, reason: reason)
            }
        }
        StandardOutput.write(RowPrinter.visible("\(metadata.title) is \(isEnabled ? "on" : "off")") + "\n")
    }
}

extension RuleSet {
    /// What a rule or correlation says about itself, by its name, id or title.
    func metadata(named text: String) throws -> SigmaMetadata {
        let all = correlations.map(\.metadata) + rules.map(\.metadata)
        if let found = all.first(where: { $0.name == text || $0.id == text || $0.title == text }) { return found }
        let near = all.compactMap { $0.name ?? $0.id }.filter { $0.contains(text) || text.contains($0) }
        throw Failure(
            "there is no rule '\(RowPrinter.visible(text))'",
            hint: near.isEmpty ? "`cardea rules list` shows them." : "Is it \(near.prefix(3).joined(separator: ", "))?")
    }

    /// The correlations that count a rule.
    func counting(_ metadata: SigmaMetadata) -> [String] {
        correlations.filter { $0.rules.contains(metadata.id) || metadata.name.map($0.rules.contains) ?? false }
            .map { $0.metadata.name ?? $0.id }
    }
}
