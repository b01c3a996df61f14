import ArgumentParser
import AuditEvents
import Detection

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "List, check, test and try detection rules.",
        discussion: """
            Rules are Sigma 2.1, one or more in a YAML file. The worker runs the ones that come with cardea, and in front of them those in the \
            folder HOME/rules (or rules.folder in the configuration), which it follows as they change; a rule with the id of another takes its \
            place. In `settings.yml` there stand thresholds, hours, placeholders, and a file that says where addresses are.
            A rule of your own: write it, `cardea rules lint my.yml`, give it tests under `cardea.tests`, `cardea rules test my.yml`, and \
            `cardea rules backtest my.yml --since 7d` to see what it would have found.
            """,
        subcommands: [List.self, Show.self, Lint.self, Test.self, RulesBacktest.self, Enable.self, Disable.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List rules: the ones at work, or those of files.")

        @Argument(help: "Rule files or folders; none for the rules at work.") var files: [String] = []
        @OptionGroup var options: RuleOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let rules: RuleSet
            var named: Set<String>?
            if files.isEmpty {
                rules = try await RulesCommand.atWork(database).set
            } else {
                let loaded = try options.load(files)
                (rules, named) = (loaded.set, loaded.ids)
            }
            let alerting = Set(rules.correlations.map(\.id))
            let all = rules.correlations.map { ($0.metadata, $0.tests.count) } + rules.rules.map { ($0.metadata, $0.tests.count) }
            var seen: Set<String> = []
            let rows = all.filter { seen.insert($0.0.id).inserted }.map { metadata, tests in
                Self.row(metadata, tests: tests, alerts: alerting.contains(metadata.id), enabled: rules.tuning.isEnabled(metadata))
            }
            var printer = RowPrinter(
                output.output,
                columns: ["name", "title", "level", "enabled", "alerts", "tests", "file"].map { .init($0) })
            printer.print(
                rows.filter { named?.contains($0["id"]?.string ?? "") ?? true }.sorted {
                    ($0["file"]?.string ?? "") < ($1["file"]?.string ?? "")
                })
            printer.finish()
        }

        private static func row(_ metadata: SigmaMetadata, tests: Int, alerts: Bool, enabled: Bool) -> JSONObject {
            [
                "id": .string(metadata.id), "name": .string(metadata.name ?? metadata.id), "title": .string(metadata.title),
                "level": .string(metadata.level.rawValue), "status": .string(metadata.status ?? ""), "alerts": .bool(alerts),
                "enabled": .bool(enabled),
                "tests": .int(Int64(tests)), "tags": .array(metadata.tags.map { .string($0) }), "file": .string(metadata.file),
            ]
        }
    }

    struct Lint: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what keeps rules from loading, what they cannot do, and what they lack.",
            discussion: "Exit status 1 where a file does not load; with --strict also for warnings.")

        @Argument(help: "Rule files or folders.") var files: [String]
        @Flag(help: "Fail for warnings too.") var strict = false
        @OptionGroup var options: RuleOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let files = try RuleFiles.read(files)
            let placeholders = try options.placeholders()
            var findings = files.flatMap { RuleLint.check($0.yaml, file: $0.name, placeholders: placeholders) }
            if !findings.contains(where: { $0.severity == .error }) {
                // What only shows when all are loaded: references to rules that are nowhere, ids given twice.
                do { _ = try options.together(files) } catch let errors as RuleErrors { findings += errors.errors.map { RuleFinding($0) } }
            }
            if output.output == .table {
                for finding in findings { StandardOutput.write(RowPrinter.visible(finding.description) + "\n") }
            } else {
                var printer = RowPrinter(
                    output.output,
                    columns: [
                        .init("file"), .init("line"), .init("column"), .init("severity"), .init("construct"), .init("message"),
                        .init("advice"),
                    ])
                printer.print(findings.map(Self.json))
                printer.finish()
            }
            func count(_ severity: RuleFinding.Severity) -> Int { findings.count { $0.severity == severity } }
            StandardError.write(
                "files: \(files.count), errors: \(count(.error)), warnings: \(count(.warning)), advice: \(count(.advice))\n")
            if count(.error) > 0 || strict && count(.warning) > 0 { throw ExitCode(1) }
        }

        private static func json(_ finding: RuleFinding) -> JSONObject {
            [
                "file": .string(finding.file), "line": .int(Int64(finding.line)), "column": .int(Int64(finding.column)),
                "severity": .string(finding.severity.rawValue), "construct": .string(finding.construct),
                "message": .string(finding.message),
                "advice": finding.advice.map { .string($0) } ?? .null,
            ]
        }
    }

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the tests that rules carry, through the engine that judges the log.",
            discussion: "Exit status 1 where one fails.")

        @Argument(help: "Rule files or folders; none for cardea's own.") var files: [String] = []
        @Option(help: "Also write the results to this file, as JUnit XML.") var junit: String?
        @OptionGroup var options: RuleOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let loaded = try options.load(files)
            let results = loaded.set.runInlineTests().filter { loaded.ids.contains($0.rule) }
            if let junit { try JUnitReport(results).write(to: junit) }
            var printer = RowPrinter(
                output.output, columns: [.init("result"), .init("rule"), .init("test"), .init("failure")])
            printer.print(
                results.map {
                    [
                        "result": .string($0.passed ? "passed" : "failed"), "rule": .string($0.title), "rule_id": .string($0.rule),
                        "test": .string($0.test), "failure": $0.failure.map { .string($0.description) } ?? .null,
                    ]
                })
            printer.finish()
            let failed = results.count { !$0.passed }
            StandardError.write(
                results.isEmpty ? "no rule has a test under cardea.tests\n" : "tests: \(results.count), failed: \(failed)\n")
            if failed > 0 { throw ExitCode(1) }
        }
    }
}
