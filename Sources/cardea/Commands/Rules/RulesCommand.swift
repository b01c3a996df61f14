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

    /// The rules of these files; of none, the ones that come with cardea.
    ///
    /// Where a file's correlation counts a rule that only cardea's own have, they are loaded beside it.
    static func load(_ paths: [String]) throws -> (rules: RuleSet, files: [RuleFiles.File]) {
        guard !paths.isEmpty else { return (try RuleSet.builtIn(), RuleSet.builtInFiles) }
        let files = try RuleFiles.read(paths)
        guard !files.isEmpty else { throw Failure("there is no rule file there", hint: "Rule files end in .yml or .yaml.") }
        do { return (try RuleSet(files: files), files) } catch {
            guard error.errors.allSatisfy({ $0.code == .reference }), let joined = try? RuleSet(files: files + RuleSet.builtInFiles) else {
                throw Failure(
                    error.errors.map(\.description).joined(separator: "\n"), hint: "`cardea rules lint` says more about each file.")
            }
            return (joined, files)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List rules: the ones that come with cardea, or those of files.")

        @Argument(help: "Rule files or folders; none for cardea's own.") var files: [String] = []
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (rules, files) = try RulesCommand.load(files)
            let names = Set(files.map(\.name))
            let alerting = Set(rules.correlations.map(\.id))
            let rows =
                rules.correlations.map { Self.row($0.metadata, tests: $0.tests.count, alerts: true) }
                + rules.rules.filter { !alerting.contains($0.id) }.map { Self.row($0.metadata, tests: $0.tests.count, alerts: false) }
            var printer = RowPrinter(
                output.output,
                columns: [.init("name"), .init("title"), .init("level"), .init("status"), .init("alerts"), .init("tests"), .init("file")])
            printer.print(
                rows.filter { names.contains($0["file"]?.string ?? "") }.sorted { ($0["file"]?.string ?? "") < ($1["file"]?.string ?? "") })
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
        @OptionGroup var output: OutputOptions

        func run() throws {
            let files = try RuleFiles.read(files)
            guard !files.isEmpty else { throw Failure("there is no rule file there", hint: "Rule files end in .yml or .yaml.") }
            var findings = files.flatMap { RuleLint.check($0.yaml, file: $0.name) }
            if !findings.contains(where: { $0.severity == .error }) { findings += Self.together(files) }
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

        /// What only shows when all files are loaded: references to rules that are nowhere, ids given twice.
        private static func together(_ files: [RuleFiles.File]) -> [RuleFinding] {
            do {
                _ = try RuleSet(files: files)
                return []
            } catch {
                guard (try? RuleSet(files: files + RuleSet.builtInFiles)) == nil else { return [] }
                return error.errors.map {
                    RuleFinding(
                        severity: .error, file: $0.file, line: $0.line, column: $0.column, construct: $0.construct, message: $0.message,
                        advice: $0.advice)
                }
            }
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
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (rules, files) = try RulesCommand.load(files)
            let own = Set(files.map(\.name))
            let ids = Set((rules.correlations.map(\.metadata) + rules.rules.map(\.metadata)).filter { own.contains($0.file) }.map(\.id))
            let results = rules.runInlineTests().filter { ids.contains($0.rule) }
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
