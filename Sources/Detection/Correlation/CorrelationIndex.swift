/// Which correlation counts what: references between rules and correlations, resolved.
struct CorrelationIndex: Sendable {
    /// A correlation that counts a rule's matches, and the rule's place in its list.
    struct Counter: Sendable, Hashable {
        var correlation: Int
        var place: Int
    }

    /// A correlation that counts another's, and where its fields are among that one's group.
    struct Feed: Sendable, Hashable {
        var parent: Int
        var place: Int
        var group: [Int]
        var value: [Int]
    }

    /// By the rule's index.
    var countedBy: [[Counter]]
    /// By the correlation's index.
    var feeds: [[Feed]]
    /// Correlations whose alerts are their own.
    var raises: [Bool]
    /// Children before parents.
    var order: [Int]
    /// Rules for which a correlation speaks.
    var spoken: Set<Int> = []

    init(rules: [SigmaRule], correlations: inout [SigmaCorrelation]) throws(RuleErrors) {
        var errors: [RuleError] = []
        countedBy = Array(repeating: [], count: rules.count)
        feeds = Array(repeating: [], count: correlations.count)
        raises = Array(repeating: true, count: correlations.count)
        order = []
        // By id, then by name: a name may be shared, and then it means every rule that has it.
        let ruleIndex = Self.index(rules.map(\.metadata))
        let correlationIndex = Self.index(correlations.map(\.metadata))
        var children: [[Int]] = Array(repeating: [], count: correlations.count)
        for (index, correlation) in correlations.enumerated() {
            func fault(_ construct: String, _ message: String, _ code: RuleError.Code = .reference, advice: String? = nil) {
                errors.append(
                    RuleError(
                        code: code, file: correlation.metadata.file, line: correlation.metadata.line, column: 1, construct: construct,
                        message: message, advice: advice))
            }
            for (place, reference) in correlation.rules.enumerated() {
                let found = ruleIndex[reference] ?? []
                let parents = correlationIndex[reference] ?? []
                if found.isEmpty, parents.isEmpty { fault(reference, "the correlation counts a rule that is in no file") }
                for rule in found {
                    countedBy[rule].append(Counter(correlation: index, place: place))
                    if !correlation.generates { spoken.insert(rule) }
                }
                for child in parents {
                    func column(_ field: String) -> Int? {
                        let name = correlation.aliases[field]?[reference] ?? field
                        let column = correlations[child].groupBy.firstIndex(of: name)
                        if column == nil {
                            fault(
                                name, "the correlation \(reference), which is counted, does not group by this field",
                                advice: "add it to its group-by")
                        }
                        return column
                    }
                    let value = correlation.valueFields + (correlation.newValue.map { [$0.field] } ?? [])
                    if correlation.geoVelocity != nil || !correlation.also.allSatisfy({ $0.field == nil }) {
                        fault(reference, "geo_velocity and the values of also are those of events, not of correlations", .unsupported)
                    }
                    feeds[child].append(
                        Feed(
                            parent: index, place: place, group: correlation.groupBy.compactMap(column), value: value.compactMap(column)))
                    children[index].append(child)
                    if !correlation.generates { raises[child] = false }
                }
            }
        }
        guard errors.isEmpty else { throw RuleErrors(errors) }
        var state = Array(repeating: 0, count: correlations.count)
        for start in correlations.indices where state[start] == 0 {
            // Depth first without recursion, since a chain may be as long as a file allows.
            var stack: [(index: Int, next: Int)] = [(start, 0)]
            state[start] = 1
            while let top = stack.last {
                guard top.next < children[top.index].count else {
                    state[top.index] = 2
                    order.append(top.index)
                    for child in children[top.index] {
                        correlations[top.index].lateness = max(correlations[top.index].lateness, correlations[child].lateness)
                    }
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next += 1
                let child = children[top.index][top.next]
                if state[child] == 1 {
                    let metadata = correlations[child].metadata
                    throw RuleErrors([
                        RuleError(
                            code: .reference, file: metadata.file, line: metadata.line, column: 1, construct: metadata.id,
                            message: "the correlation counts itself, by way of others")
                    ])
                }
                if state[child] == 0 {
                    state[child] = 1
                    stack.append((child, 0))
                }
            }
        }
        for (index, rule) in rules.enumerated() where !spoken.contains(index) {
            countedBy[index].append(Counter(correlation: correlations.count, place: 0))
            order.append(correlations.count)
            feeds.append([])
            raises.append(true)
            correlations.append(SigmaCorrelation(standingFor: rule))
        }
    }

    private static func index(_ documents: [SigmaMetadata]) -> [String: [Int]] {
        var indices: [String: [Int]] = [:]
        for (index, metadata) in documents.enumerated() {
            indices[metadata.id, default: []].append(index)
            if let name = metadata.name, name != metadata.id { indices[name, default: []].append(index) }
        }
        return indices
    }

    /// The same with what tuning turned off taken out of the alerts.
    mutating func mute(_ tuning: RuleTuning, _ correlations: [SigmaCorrelation]) {
        for (index, correlation) in correlations.enumerated() where !tuning.isEnabled(correlation.metadata) { raises[index] = false }
        countedBy = countedBy.map { counters in counters.filter { isUseful($0.correlation) } }
    }

    /// The correlations that count others or are counted by one.
    var chained: Set<Int> {
        var chained = Set(feeds.indices.filter { !feeds[$0].isEmpty })
        for feed in feeds.joined() { chained.insert(feed.parent) }
        return chained
    }

    /// The rules that the correlation counts, itself or by way of others, and those others.
    func counted(by correlation: Int) -> (rules: [Int], correlations: [Int]) {
        var found: Set<Int> = []
        var waiting = [correlation]
        while let next = waiting.popLast() {
            for (child, feeds) in feeds.enumerated() where feeds.contains(where: { $0.parent == next }) && found.insert(child).inserted {
                waiting.append(child)
            }
        }
        let all = found.union([correlation])
        return (countedBy.indices.filter { countedBy[$0].contains { all.contains($0.correlation) } }, found.sorted())
    }

    /// For each correlation a digest of what the rules that it counts look for: it gives the kept state its meaning.
    func contents(_ rules: [SigmaRule], _ correlations: [SigmaCorrelation]) -> [UInt64] {
        var digests = Array(repeating: StableDigest("cardea counted rules 1"), count: correlations.count)
        for (rule, counters) in countedBy.enumerated() {
            for counter in counters { digests[counter.correlation].add("\(counter.place) \(rules[rule].contents)") }
        }
        var contents = digests.map { $0.words().high }
        // Children come before parents.
        for child in order {
            for feed in feeds[child] { contents[feed.parent] = contents[feed.parent] &* 0x100_0000_01b3 ^ contents[child] }
        }
        return contents
    }

    /// Whether a correlation raises alerts or feeds one that does.
    func isUseful(_ correlation: Int) -> Bool { raises[correlation] || feeds[correlation].contains { isUseful($0.parent) } }
}
