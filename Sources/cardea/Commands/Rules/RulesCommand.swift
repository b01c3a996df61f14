import ArgumentParser
import AuditEvents
import Detection

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "List, check, test and try detection rules.",
        discussion: """
            Rules are Sigma 2.1, one or more in a YAML file. Without files a command is about the rules that come with cardea; the worker runs those.
            A rule of your own: write it, `cardea rules lint my.yml`, give it tests under `cardea.tests`, `cardea rules test my.yml`, and \
            `cardea rules backtest my.yml --since 7d` to see what it would have found.
            """,
        subcommands: [List.self, Lint.self, Test.self, RulesBacktest.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List rules: the ones that come with cardea, or those of files.")

        @Argument(help: "Rule files or folders; none for cardea's own.") var files: [String] = []
        @OptionGroup var options: RuleOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let loaded = try options.load(files)
            let rules = loaded.set
            let alerting = Set(rules.correlations.map(\.id))
            let rows =
                rules.correlations.map { Self.row($0.metadata, tests: $0.tests.count, alerts: true) }
                + rules.rules.filter { !alerting.contains($0.id) }.map { Self.row($0.metadata, tests: $0.tests.count, alerts: false) }
            var printer = RowPrinter(
                output.output,
                columns: [.init("name"), .init("title"), .init("level"), .init("status"), .init("alerts"), .init("tests"), .init("file")])
            printer.print(
                rows.filter { loaded.ids.contains($0["id"]?.string ?? "") }.sorted {
                    ($0["file"]?.string ?? "") < ($1["file"]?.string ?? "")
                })
            printer.finish()
        }

        private static func row(_ metadata: SigmaMetadata, tests: Int, alerts: Bool) -> JSONObject {
            [
                "id": .string(metadata.id), "name": .string(metadata.name ?? metadata.id), "title": .string(metadata.title),
                "level": .string(metadata.level.rawValue), "status": .string(metadata.status ?? ""), "alerts": .bool(alerts),
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
