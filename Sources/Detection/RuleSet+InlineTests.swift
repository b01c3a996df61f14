import AuditEvents

/// How an inline test of a rule went.
public struct InlineTestResult: Sendable, Hashable {
    public var rule: String
    public var title: String
    public var test: String
    /// What was expected and what came, in words; nil where they agree.
    public var failure: RuleError?
    public var passed: Bool { failure == nil }
}

extension RuleSet {
    /// Runs the tests that the rules carry through the engine that judges the log.
    public func runInlineTests() -> [InlineTestResult] {
        // A plain rule's tests are about its own alerts; where a correlation speaks for it, it has none.
        correlations.flatMap { correlation in correlation.tests.map { run($0, of: correlation) } }
    }

    private func run(_ test: InlineTest, of correlation: SigmaCorrelation) -> InlineTestResult {
        var engine = DetectionEngine(rules: self, geo: test.geo)
        var found: [AlertID: (group: [String: String], count: Int)] = [:]
        for change in engine.process(test.events) + engine.finish() {
            switch change {
            case .open(let alert) where alert.ruleID == correlation.id:
                found[alert.id] = (Dictionary(alert.group.map { ($0.field, $0.value) }) { $1 }, alert.count)
            case .extend(let more): found[more.id]?.count = more.count
            case .merge(let merge): found[merge.absorbed] = nil
            case .open: break
            }
        }
        var unmatched = found.sorted { $0.key < $1.key }.map(\.value)
        var missing: [InlineTest.Alert] = []
        for expected in test.alerts {
            let place = unmatched.firstIndex { alert in
                alert.count == expected.count && expected.group.allSatisfy { alert.group[$0.key] == $0.value }
            }
            if let place { unmatched.remove(at: place) } else { missing.append(expected) }
        }
        var result = InlineTestResult(rule: correlation.id, title: correlation.title, test: test.name)
        guard !missing.isEmpty || !unmatched.isEmpty else { return result }
        func text(_ group: [String: String], _ count: Int) -> String {
            "\(group.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")) count \(count)"
        }
        let lacking = missing.map { "expected \(text($0.group, $0.count))" }
        let extra = unmatched.map { "came \(text($0.group, $0.count))" }
        result.failure = RuleError(
            code: .value, file: correlation.metadata.file, line: test.line, column: 1, construct: test.name,
            message: (lacking + extra).joined(separator: "; "))
        return result
    }
}
